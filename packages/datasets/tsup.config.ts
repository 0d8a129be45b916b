import { esm } from '../../tsup.base.ts';

// `worker` and `open-folder` are loaded by address, in worker threads; programs import `index` alone.
export default esm({ entry: ['src/index.ts', 'src/worker.ts', 'src/open-folder.ts'], declared: ['src/index.ts'] });
