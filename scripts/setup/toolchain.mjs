import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setupFolder } from './paths.mjs';
import { step } from './process.mjs';

/** libdnnl2 is linked with the OpenCL loader. */
const PACKAGES = ['libdnnl-dev', 'libdnnl2', 'ocl-icd-libopencl1'];
const prefix = join(setupFolder, 'debian');

/**
 * Brings oneDNN for the native backend: from the system where it is installed; else by apt as root or with sudo; else
 * downloaded by apt and unpacked into the checkout. Where none of these works the commands go on without the native
 * backend, and one line says why.
 */
export async function provideToolchain() {
  if (process.platform !== 'linux') return;
  const missing = ['g++', 'make'].filter((program) => !works(program, ['--version']));
  if (missing.length > 0) {
    console.error(
      `No ${missing.join(' and no ')}: going on without the native backend, on the slower wasm ` +
        '(to have it: apt-get install g++ make).',
    );
    return;
  }
  if (existsSync('/usr/include/oneapi/dnnl/dnnl.hpp')) return;
  if (existsSync(unpacked())) return useUnpacked();
  if (!works('apt-get', ['--version'])) {
    console.error('No oneDNN and no apt-get: going on without the native backend, on the slower wasm.');
    return;
  }
  try {
    if (process.getuid() === 0) return await install([]);
    if (works('sudo', ['-n', 'true'])) return await install(['sudo', '-n']);
    await download();
    useUnpacked();
  } catch (error) {
    console.error(`oneDNN could not be brought (${lastLine(error)}): going on with the slower wasm backend.`);
  }
}

async function install(sudo) {
  const apt = [...sudo, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-q', '-y'];
  const shell = `${[...apt, 'update'].join(' ')} && ${[...apt, 'install', '--no-install-recommends', 'libdnnl-dev'].join(' ')}`;
  await step('onednn', 'Installing oneDNN (libdnnl-dev)', 'sh', ['-c', shell]);
}

/** As an ordinary user: apt with state of its own, so that neither root nor current package lists are needed. */
async function download() {
  const state = join(setupFolder, 'apt');
  for (const folder of ['lists/partial', 'cache/archives/partial', 'debs']) {
    mkdirSync(join(state, folder), { recursive: true });
  }
  const apt = `apt-get -q -o Dir::State::Lists='${state}/lists' -o Dir::Cache='${state}/cache' -o APT::Sandbox::User=''`;
  const shell = [
    `${apt} update`,
    `cd '${state}/debs'`,
    `${apt} download ${PACKAGES.join(' ')}`,
    `for deb in *.deb; do dpkg -x "$deb" '${prefix}.part'; done`,
    `mv '${prefix}.part' '${prefix}'`,
  ].join(' && ');
  await step('onednn', 'Downloading oneDNN (libdnnl-dev)', 'sh', ['-c', shell]);
}

const unpacked = () => join(prefix, 'usr/include/oneapi/dnnl/dnnl.hpp');

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
