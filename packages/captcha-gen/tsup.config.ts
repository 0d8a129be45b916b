import { esm } from '../../tsup.base.ts';

// `draw-worker` is loaded by address, in worker threads.
export default esm(['src/index.ts', 'src/node.ts', 'src/stages.ts', 'src/cli.ts', 'src/draw-worker.ts']);
