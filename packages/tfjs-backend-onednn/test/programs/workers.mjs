import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { trace } from '@proj/tfjs-backend-onednn';
import * as tf from '@tensorflow/tfjs';

/** A result that depends on every step; the same in every thread. */
const steps = (x) => {
  let y = x;
  for (let i = 0; i < 30; i++) y = tf.matMul(y, y).div(tf.scalar(1e7));
  return y.sum();
};
const traced = trace(steps);

/** The result, which replays of the steps must have as well. */
async function compute() {
  const start = tf.tidy(() => tf.range(0, 10_000).reshape([100, 100]));
  const results = [steps, traced, traced, traced, traced].map((f) => tf.tidy(() => f(start)));
  const values = await Promise.all(results.map((result) => result.data()));
  tf.dispose([start, results]);
  return values.every(([value]) => value === values[0][0]) ? values[0][0] : Number.NaN;
}

function result(worker) {
  return new Promise((resolve, reject) => {
    worker.on('message', resolve);
    worker.on('error', reject);
  });
}

await tf.setBackend('onednn');
if (isMainThread) {
  const start = () => new Worker(new URL(import.meta.url));
  const workers = [start(), start()];
  const [own, ...others] = await Promise.all([compute(), ...workers.map(result)]);
  if (others.every((value) => value === own)) process.stdout.write('workers agree\n');
  // They work on without end; ending them must not disturb this thread.
  await Promise.all(workers.map((worker) => worker.terminate()));
  if ((await compute()) === own) process.stdout.write('main goes on\n');
} else {
  parentPort.postMessage(await compute());
  for (;;) await compute();
}
