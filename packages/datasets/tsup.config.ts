import { esm } from '../../tsup.base.ts';

// `worker` and what opens sources are loaded by address, in worker threads.
export default esm([
  'src/index.ts',
  'src/worker.ts',
  'src/open-folder.ts',
  'src/open-cifar10.ts',
  'src/open-web-dataset.ts',
]);
