// Makes the folder that is named: `dist` and `build` of this package, but with an addon in which the instructions of AMX are
// emulated. Its kernels are those of the checkout's own build.
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fromRoot, instructionSetsHere, make, root } from '../../scripts/native.mjs';

const folder = process.argv[2];
const variables = {
  OUT: fromRoot(join(folder, 'build')),
  OBJECTS: 'build/objects',
  ISAS: instructionSetsHere().join(' '),
};
const failure = make({ ...variables, EMULATE_TILES: '1' });
if (failure !== undefined) throw new Error(failure);
rmSync(join(folder, 'dist'), { recursive: true, force: true });
cpSync(join(root, 'dist'), join(folder, 'dist'), { recursive: true });
