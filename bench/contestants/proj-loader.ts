// A contestant of loader.ts: our loader. Arguments: case, folder of the data, workers, and for the time that a training
// waits for data the milliseconds of its step.
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { loader } from '@proj/datasets';
import { contest } from '../support/contestant.js';
import { BATCHES_A_CALL, LOADER_CASES } from '../support/loader-cases.js';

const [name = '', data = '', workersText, stepText] = process.argv.slice(2);
const { batchSize, options } = LOADER_CASES[name]!;
const stepMilliseconds = stepText === undefined ? undefined : Number(stepText);

const batches = await loader({ ...(await options(data)), batchSize, workers: Number(workersText), lastBatch: 'drop' });
const all = endless();
let waited = 0;
let total = 0;

// A step keeps all cores busy for as long as it takes alone, though a real one would take longer where a loader works
// beside it: what the loader needs, it must get in that time.
const told = new Int32Array(new SharedArrayBuffer(4));
if (stepMilliseconds !== undefined) {
  for (let core = 0; core < availableParallelism(); core++) {
    new Worker(new URL('../support/busy.mjs', import.meta.url), { workerData: told.buffer }).unref();
  }
}

await contest({
  description: `@proj/datasets, ${workersText} worker threads`,
  run: stepMilliseconds === undefined ? load : step,
  begin() {
    waited = 0;
    total = 0;
  },
  /** The share of time in which steps waited for their batches, since it was last asked. */
  async outputs() {
    const share = waited / total;
    waited = 0;
    total = 0;
    return [share];
  },
});
await batches.close();
tell(-1);

async function* endless() {
  for (let epoch = 0; ; epoch++) yield* batches.epoch(epoch);
}

async function load(): Promise<void> {
  for (let i = 0; i < BATCHES_A_CALL; i++) await all.next();
}

async function step(): Promise<void> {
  const start = performance.now();
  await all.next();
  waited += performance.now() - start;
  tell(1);
  await sleep(stepMilliseconds);
  tell(0);
  total += performance.now() - start;
}

function tell(state: number): void {
  Atomics.store(told, 0, state);
  Atomics.notify(told, 0);
}
