// A thread that computes as a training step does, on one core, while it is told to. Its data: one shared Int32, 1 to
// compute, 0 to wait, -1 to end.
import { workerData } from 'node:worker_threads';

const told = new Int32Array(workerData);
for (let state = Atomics.load(told, 0); state >= 0; state = Atomics.load(told, 0)) {
  if (state === 0) Atomics.wait(told, 0, 0);
}
