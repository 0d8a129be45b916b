import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setupFolder } from './paths.mjs';
import { step } from './process.mjs';

const prefix = join(setupFolder, 'debian');
const failure = join(setupFolder, 'onednn-failure');
const RETRY_AFTER_MS = 24 * 60 * 60_000;
const APT_OPTIONS = ['-q', '-y', '-o', 'Acquire::Retries=1', '-o', 'Acquire::http::Timeout=20'];

/**
 * Brings oneDNN for the native backend: from where PROJ_ONEDNN_PREFIX says or the system has it; else by apt as root or
 * with sudo; else downloaded by apt and unpacked into the checkout. Where none of these works the commands go on without
 * the native backend, and one line says why; a download that failed is tried again after a day.
 */
export async function provideToolchain() {
  if (process.platform !== 'linux' || process.arch !== 'x64') return;
  const missing = ['g++', 'make'].filter((program) => !works(program, ['--version']));
  if (missing.length > 0) {
    goOnWithWasm(`No ${missing.join(' and no ')}`, 'to have the native backend: apt-get install g++ make');
    return;
  }
  if (process.env.PROJ_ONEDNN_PREFIX || existsSync('/usr/include/oneapi/dnnl/dnnl.hpp')) return;
  if (existsSync(join(prefix, 'usr/include/oneapi/dnnl/dnnl.hpp'))) return useUnpacked();
  if (!works('apt-get', ['--version'])) {
    goOnWithWasm('No oneDNN and no apt-get', 'to have the native backend: name a oneDNN with PROJ_ONEDNN_PREFIX');
    return;
  }
  if (existsSync(failure) && Date.now() - statSync(failure).mtimeMs < RETRY_AFTER_MS) {
    goOnWithWasm(`No oneDNN (${readFileSync(failure, 'utf8')})`, `to try again now: rm ${failure}`);
    return;
  }
  try {
    if (process.getuid() === 0) return await install([]);
    if (works('sudo', ['-n', 'true'])) return await install(['sudo', '-n']);
    await download();
    useUnpacked();
  } catch (error) {
    const reason = lastLine(error);
    writeFileSync(failure, reason);
    goOnWithWasm(`No oneDNN (${reason})`, `to try again now: rm ${failure}`);
  }
}

function goOnWithWasm(why, mend) {
  console.error(`${why}: going on with the wasm backend, which is slower (${mend}).`);
}

async function install(sudo) {
  const [program, ...args] = [...sudo, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', ...APT_OPTIONS];
  await step('apt-update', 'Reading the package lists', program, [...args, 'update']);
  const packages = ['install', '--no-install-recommends', 'libdnnl-dev'];
  await step('onednn', 'Installing oneDNN (libdnnl-dev)', program, [...args, ...packages]);
}

/** As an ordinary user: apt with state of its own, so that neither root nor current package lists are needed. */
async function download() {
  const state = join(setupFolder, 'apt');
  for (const folder of ['lists/partial', 'cache/archives/partial', 'debs']) {
    mkdirSync(join(state, folder), { recursive: true });
  }
  const config = join(state, 'apt.conf');
  writeFileSync(config, `Dir::State::Lists "${state}/lists";\nDir::Cache "${state}/cache";\nAPT::Sandbox::User "";\n`);
  const options = { env: { APT_CONFIG: config }, cwd: join(state, 'debs') };
  await step('apt-update', 'Reading the package lists', 'apt-get', [...APT_OPTIONS, 'update'], options);
  const packages = neededPackages(options);
  await step(
    'onednn',
    'Downloading oneDNN (libdnnl-dev)',
    'apt-get',
    [...APT_OPTIONS, 'download', ...packages],
    options,
  );
  const part = `${prefix}.part`;
  rmSync(part, { recursive: true, force: true });
  const unpack = 'for deb in *.deb; do dpkg -x "$deb" "$1" || exit 1; done';
  await step('unpack', 'Unpacking oneDNN', 'sh', ['-c', unpack, 'sh', part], options);
  renameSync(part, prefix);
}

/** The headers, the library they belong to, by its name in this release, and the OpenCL loader that it is linked with. */
function neededPackages({ env, cwd }) {
  const args = ['depends', '--important', 'libdnnl-dev'];
  const { stdout } = spawnSync('apt-cache', args, { encoding: 'utf8', cwd, env: { ...process.env, ...env } });
  const library = /Depends: (libdnnl\d[\w.]*)/.exec(stdout ?? '')?.[1] ?? 'libdnnl2';
  return ['libdnnl-dev', library, 'ocl-icd-libopencl1'];
}

function useUnpacked() {
  process.env.PROJ_ONEDNN_PREFIX = join(prefix, 'usr');
}

function works(program, args) {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}

function lastLine(error) {
  return String(error.output ?? error.message)
    .trim()
    .split('\n')
    .at(-1);
}
