/**
 * Builds build/onednn.node and build/environment.node with the cmake, make and g++ of PATH, against oneDNN of the system or of
 * PROJ_ONEDNN_PREFIX (a folder with include and lib, or an unpacked libdnnl-dev). Nothing is downloaded.
 *
 * Where that is impossible on this machine (no compiler, no oneDNN) it prints one line and succeeds: the JS part of the
 * package is built all the same, and programs go on with another backend. An error in the sources fails.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const native = join(root, 'native');
const output = join(root, 'build');
const work = join(root, 'node_modules/.cache/native');
const prefix = process.env.PROJ_ONEDNN_PREFIX ?? '';
const artifacts = ['onednn.node', 'environment.node'];

const require = createRequire(import.meta.url);
const headers = require('node-api-headers').include_dir;
const wrapper = resolve(require('node-addon-api').include_dir);

const missing = reasonNotToBuild();
if (missing !== undefined) {
  console.log(`@proj/tfjs-backend-onednn: native addon not built, ${missing}; other backends still work.`);
} else {
  build();
}

function reasonNotToBuild() {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'it needs 64-bit x86 Linux';
  const tools = ['cmake', 'make', 'g++'].filter((tool) => spawnSync(tool, ['--version']).status !== 0);
  if (tools.length > 0) return `${tools.join(', ')} missing`;
  return undefined;
}

function build() {
  const stamp = join(output, 'stamp');
  const state = fingerprint();
  const done = artifacts.every((name) => existsSync(join(output, name)));
  if (done && existsSync(stamp) && readFileSync(stamp, 'utf8') === state) return;

  mkdirSync(work, { recursive: true });
  const configured = run('cmake', [
    '-S',
    native,
    '-B',
    work,
    '-G',
    'Unix Makefiles',
    `-DONEDNN_PREFIX=${prefix}`,
    `-DNODE_API_HEADERS=${headers}`,
    `-DNODE_ADDON_API=${wrapper}`,
  ]);
  if (configured.status !== 0) {
    // A failed look-up would stay in CMake's cache.
    rmSync(work, { recursive: true, force: true });
    if (configured.text.includes('ONEDNN_MISSING')) {
      console.log(
        '@proj/tfjs-backend-onednn: native addon not built, oneDNN (libdnnl-dev) missing; other backends still work.',
      );
      return;
    }
    fail('cmake could not configure the native build', configured.text);
  }
  const made = run('cmake', ['--build', work, '--parallel', String(availableParallelism())]);
  if (made.status !== 0) fail('the native sources do not compile', made.text);

  mkdirSync(output, { recursive: true });
  for (const name of artifacts) {
    // A process may have the old file mapped: replace it, do not write into it.
    rmSync(join(output, name), { force: true });
    copyFileSync(join(work, name), join(output, name));
  }
  writeFileSync(stamp, state);
}

/** What the result depends on: sources, this script, oneDNN's place and the two header packages. */
function fingerprint() {
  const hash = createHash('sha256').update(`${prefix}\n${headers}\n${wrapper}\n`);
  const files = readdirSync(native, { recursive: true })
    .map(String)
    .filter((name) => /\.(cc|h|txt)$/.test(name));
  for (const name of files.sort()) hash.update(name).update(readFileSync(join(native, name)));
  return hash.update(readFileSync(fileURLToPath(import.meta.url))).digest('hex');
}

function run(command, args) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  return { status, text: `${stdout}${stderr}` };
}

function fail(summary, text) {
  console.error(text);
  console.error(`@proj/tfjs-backend-onednn: ${summary} (in ${dirname(native)}).`);
  process.exit(1);
}
