/**
 * Builds build/onednn.node and build/environment.node with the make and g++ of PATH, against oneDNN of the system or of
 * PROJ_ONEDNN_PREFIX (a folder with include and lib, or the usr folder of an unpacked libdnnl-dev). Nothing is downloaded.
 *
 * In a checkout only the instruction sets that this machine runs best are compiled; `--all` compiles all of them, for a
 * package that has to run anywhere.
 *
 * Where building is impossible on this machine (no compiler, no oneDNN) it prints one line and succeeds: the JS part of
 * the package is built all the same, and programs go on with another backend. Sources that do not compile are an
 * error, or with PROJ_NATIVE=optional as if they could not be built.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const prefix = process.env.PROJ_ONEDNN_PREFIX ? resolve(process.env.PROJ_ONEDNN_PREFIX) : '';
const require = createRequire(import.meta.url);

const missing = reasonNotToBuild();
if (missing !== undefined) {
  console.log(`@proj/tfjs-backend-onednn: native addon not built, ${missing}; other backends still work.`);
} else {
  build();
}

function reasonNotToBuild() {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'it needs 64-bit x86 Linux';
  const tools = ['make', 'g++'].filter((tool) => spawnSync(tool, ['--version']).status !== 0);
  if (tools.length > 0) return `${tools.join(' and ')} missing`;
  const include = prefix === '' ? [] : [`-I${join(prefix, 'include')}`];
  const probe = spawnSync('g++', [...include, '-x', 'c++', '-fsyntax-only', '-'], { input: '#include <dnnl.hpp>\n' });
  return probe.status === 0 ? undefined : 'oneDNN (libdnnl-dev) missing';
}

function build() {
  const { status, stdout, stderr } = spawnSync(
    'make',
    [
      '--file=native/Makefile',
      `--jobs=${availableParallelism()}`,
      `OUT=build`,
      `ONEDNN=${prefix}`,
      `NODE_API_HEADERS=${fromRoot(require('node-api-headers').include_dir)}`,
      `NODE_ADDON_API=${fromRoot(require('node-addon-api').include_dir)}`,
      `ISAS=${instructionSets().join(' ')}`,
    ],
    { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 },
  );
  if (status === 0) return;
  console.error(`${stdout}${stderr}`);
  console.error(`@proj/tfjs-backend-onednn: the native sources do not compile (in ${join(root, 'native')}).`);
  if (process.env.PROJ_NATIVE !== 'optional') process.exit(1);
  rmSync(join(root, 'build/onednn.node'), { force: true });
}

/** A path of this process as make sees it from the package's folder: free of what lies above the checkout. */
function fromRoot(path) {
  return relative(root, resolve(path));
}

/** The baseline always, for machines without the others; of the others the best that this machine has. */
function instructionSets() {
  if (process.argv.includes('--all')) return ['baseline', 'avx2', 'avx512'];
  const flags = /^flags.*$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[0].split(/\s+/) ?? [];
  const has = (...names) => names.every((name) => flags.includes(name));
  if (has('avx512f', 'avx512bw', 'avx512cd', 'avx512dq', 'avx512vl')) return ['baseline', 'avx512'];
  return has('avx2', 'fma', 'bmi2', 'f16c') ? ['baseline', 'avx2'] : ['baseline'];
}
