// A contestant of loader.ts: training steps on the native backend, whose batches a loader with one worker makes at the
// same time. Arguments: case, folder of the data.
import { loader } from '@proj/datasets';
import * as tf from '@tensorflow/tfjs';
import { contest } from '../support/contestant.js';
import { LOADER_CASES } from '../support/loader-cases.js';
import { describeBackend, openModel } from '../support/tfjs-contestant.js';
import { trainStep } from '../support/train-step.js';

const [name = '', data = ''] = process.argv.slice(2);
const { model, batchSize, options } = LOADER_CASES[name]!;

const train = trainStep(await openModel(model.build, 'onednn', 'float32'), model);
const batches = await loader({ ...(await options(data)), batchSize, lastBatch: 'drop' });
const all = endless();
let waited = 0;
let total = 0;

await contest({
  description: describeBackend(),
  run: step,
  begin: forget,
  /** The share of time in which steps waited for their batches, since it was last asked. */
  async outputs() {
    const share = waited / total;
    forget();
    return [share];
  },
});
await batches.close();

async function* endless() {
  for (let epoch = 0; ; epoch++) yield* batches.epoch(epoch);
}

async function step(): Promise<void> {
  const start = performance.now();
  const { inputs, labels } = (await all.next()).value!;
  waited += performance.now() - start;
  const x = tf.tensor(inputs.data, [...inputs.shape], 'float32');
  const y = tf.tensor(labels.data, [batchSize, model.positions], 'int32');
  await train(x, y);
  tf.dispose([x, y]);
  total += performance.now() - start;
}

function forget(): void {
  waited = 0;
  total = 0;
}
