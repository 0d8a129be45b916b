/**
 * What building the addon takes, for the checkout's own build and for the platform package alike: the make and g++ of
 * PATH, and oneDNN of the system or of PROJ_ONEDNN_PREFIX (a folder with include and lib, or the usr folder of an
 * unpacked libdnnl-dev). Nothing is downloaded.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package's folder. */
export const root = fileURLToPath(new URL('..', import.meta.url));
/** The folder that PROJ_ONEDNN_PREFIX names; empty for the system's own oneDNN. */
export const prefix = process.env.PROJ_ONEDNN_PREFIX ? resolve(process.env.PROJ_ONEDNN_PREFIX) : '';

const require = createRequire(import.meta.url);

/** Why the addon cannot be built on this machine; undefined when it can. */
export function reasonNotToBuild() {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'it needs 64-bit x86 Linux';
  const tools = ['make', 'g++'].filter((tool) => spawnSync(tool, ['--version']).status !== 0);
  if (tools.length > 0) return `${tools.join(' and ')} missing`;
  const include = prefix === '' ? [] : [`-I${join(prefix, 'include')}`];
  // The preprocessor alone: to compile that header takes seconds.
  const probe = spawnSync('g++', [...include, '-x', 'c++', '-M', '-'], { input: '#include <dnnl.hpp>\n' });
  return probe.status === 0 ? undefined : 'oneDNN (libdnnl-dev) missing';
}

/**
 * Runs native/Makefile in the package's folder with `variables` beside those that every build has. Returns what it said
 * when it fails, undefined when it succeeds.
 */
export function make(variables) {
  const all = {
    ONEDNN: prefix,
    NODE_API_HEADERS: fromRoot(require('node-api-headers').include_dir),
    NODE_ADDON_API: fromRoot(require('node-addon-api').include_dir),
    ...variables,
  };
  const { status, stdout, stderr } = spawnSync(
    'make',
    [
      '--file=native/Makefile',
      `--jobs=${availableParallelism()}`,
      ...Object.entries(all).map(([name, value]) => `${name}=${value}`),
    ],
    { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 },
  );
  return status === 0 ? undefined : `${stdout}${stderr}`;
}

/** A path of this process as make sees it from the package's folder: free of what lies above the checkout. */
export function fromRoot(path) {
  return relative(root, resolve(path));
}

/** Every instruction set that the kernels can be compiled for. */
export const ALL_INSTRUCTION_SETS = ['baseline', 'avx2', 'avx512'];

/** The baseline always, for machines without the others; of the others the best that this machine has. */
export function instructionSetsHere() {
  const flags = /^flags.*$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[0].split(/\s+/) ?? [];
  const has = (...names) => names.every((name) => flags.includes(name));
  if (has('avx512f', 'avx512bw', 'avx512cd', 'avx512dq', 'avx512vl')) return ['baseline', 'avx512'];
  return has('avx2', 'fma', 'bmi2', 'f16c') ? ['baseline', 'avx2'] : ['baseline'];
}
