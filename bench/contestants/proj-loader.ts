// A contestant of loader.ts: our loader alone. Arguments: case, folder of the data, workers.
import { loader } from '@proj/datasets';
import { contest } from '../support/contestant.js';
import { BATCHES_A_CALL, LOADER_CASES } from '../support/loader-cases.js';

const [name = '', data = '', workersText] = process.argv.slice(2);
const { batchSize, options } = LOADER_CASES[name]!;

const batches = await loader({ ...(await options(data)), batchSize, workers: Number(workersText), lastBatch: 'drop' });
const all = endless();

await contest({
  description: `@proj/datasets, ${workersText} worker threads`,
  async run() {
    for (let i = 0; i < BATCHES_A_CALL; i++) await all.next();
  },
});
await batches.close();

async function* endless() {
  for (let epoch = 0; ; epoch++) yield* batches.epoch(epoch);
}
