import { esm } from '../../tsup.base.ts';

export default esm(['src/index.ts', 'src/node.ts', 'src/cli.ts']);
