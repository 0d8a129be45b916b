import { esm } from '../../tsup.base.ts';

export default esm({ entry: ['src/index.ts', 'src/node.ts', 'src/cli.ts'] });
