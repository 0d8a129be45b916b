import { parentPort, workerData } from 'node:worker_threads';
import { BatchMaker } from './batch-maker.js';
import { packError } from './error-transfer.js';
import type { TaskMessage, WorkerMessage, WorkerStart } from './worker-messages.js';
import { WorkerStatus } from './worker-status.js';

// The entry of a loader's worker threads: opens the source, then makes the batches it is told to, one after the other.
const { settings, status: shared } = workerData as WorkerStart;
const status = new WorkerStatus(shared);
const post = (message: WorkerMessage, transfer: ArrayBuffer[] = []) => parentPort?.postMessage(message, transfer);

const opening = BatchMaker.open(settings);
let last: Promise<unknown> = opening.then(
  ({ size }) => post({ kind: 'opened', size }),
  (error) => post({ kind: 'failed-to-open', error: packError(error) }),
);

parentPort?.on('message', (message: TaskMessage) => {
  last = last.then(() => make(message));
});

async function make({ id, task, cancelled }: TaskMessage): Promise<void> {
  try {
    const maker = await opening;
    const batch = await maker.make(task, (index, name) => {
      status.begin(index, name);
      return Atomics.load(cancelled, 0) === 0;
    });
    status.rest();
    post({ kind: 'made', id, batch }, batch === undefined ? [] : [batch.data.buffer]);
  } catch (error) {
    status.rest();
    post({ kind: 'failed', id, error: packError(error) });
  }
}
