/**
 * Builds build/onednn.node and build/environment.node for this machine; native.mjs says with what.
 *
 * In a checkout only the instruction sets that this machine runs best are compiled; `--all` compiles all of them.
 *
 * Where building is impossible on this machine (no compiler, no oneDNN) it prints one line and succeeds: the JS part of
 * the package is built all the same, and programs go on with another backend. Sources that do not compile are an
 * error, or with PROJ_NATIVE=optional as if they could not be built.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { ALL_INSTRUCTION_SETS, instructionSetsHere, make, reasonNotToBuild, root } from './native.mjs';

const missing = reasonNotToBuild();
if (missing !== undefined) {
  console.log(`@proj/tfjs-backend-onednn: native addon not built, ${missing}; other backends still work.`);
} else {
  build();
}

function build() {
  const sets = process.argv.includes('--all') ? ALL_INSTRUCTION_SETS : instructionSetsHere();
  const failure = make({ OUT: 'build', ISAS: sets.join(' ') });
  if (failure === undefined) return;
  console.error(failure);
  console.error(`@proj/tfjs-backend-onednn: the native sources do not compile (in ${join(root, 'native')}).`);
  if (process.env.PROJ_NATIVE !== 'optional') process.exit(1);
  rmSync(join(root, 'build/onednn.node'), { force: true });
}
