import { esm } from '../../tsup.base.ts';

// `worker` and `open-folder` are loaded by address, in worker threads.
export default esm(['src/index.ts', 'src/worker.ts', 'src/open-folder.ts']);
