import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { provideBeside } from './beside.mjs';
import { root, setupFolder } from './paths.mjs';
import { StepFailure, step } from './process.mjs';
import { checkDisk } from './requirements.mjs';
import { provideToolchain } from './toolchain.mjs';

const INSTALLATION_BYTES = 2e9;
const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/**
 * Brings what a fresh clone lacks: pnpm, the dependencies of the lock file, oneDNN for the native backend, the built
 * packages. What is there already is not made again. Sets PATH and PROJ_ONEDNN_PREFIX for the programs that follow.
 */
export async function setUp({ build }) {
  try {
    await provideDependencies();
    await provideToolchain();
    if (build) {
      const args = ['exec', 'turbo', 'run', 'build', '--filter=./packages/*', '--concurrency=2'];
      const first = !existsSync(join(root, 'packages/core/dist'));
      const title = `Building the packages${first ? ', which takes some minutes the first time' : ''}`;
      await step('build', title, 'pnpm', args, { env: { PROJ_NATIVE: 'optional' } });
    }
  } catch (error) {
    const failure = error instanceof StepFailure ? error : new StepFailure(error.stack);
    console.error(failure.explain());
    process.exit(1);
  }
}

/** Nothing is installed while nothing that decides the dependencies has changed since the last success. */
async function provideDependencies() {
  const stamp = join(setupFolder, 'dependencies');
  const wanted = dependenciesHash();
  const present = existsSync(stamp) && existsSync(join(root, 'node_modules')) ? readFileSync(stamp, 'utf8') : '';
  if (present !== wanted) checkDisk(INSTALLATION_BYTES);
  if (present !== wanted) await checkRegistry();
  await providePnpm();
  if (present === wanted) return;
  await step('dependencies', 'Installing dependencies', 'pnpm', ['install', '--frozen-lockfile']);
  writeFileSync(stamp, wanted);
}

/** Asks npm's registry for one page, through npm and so by its proxies: an installation retries for minutes. */
export async function checkRegistry() {
  const cache = join(setupFolder, 'registry'); // an own one: npm's answers without a network
  const patience = ['--fetch-retries=1', '--fetch-retry-mintimeout=2000', '--fetch-timeout=20000'];
  const args = ['view', packageManager, 'version', '--cache', cache, ...patience];
  await step('registry', 'Reaching the package registry', 'npm', args);
  rmSync(cache, { recursive: true, force: true });
}

async function providePnpm() {
  const bin = join(await provideBeside(packageManager), 'node_modules', '.bin');
  process.env.PATH = [bin, join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter);
  process.env.TURBO_TELEMETRY_DISABLED = '1';
}

function dependenciesHash() {
  const packages = readdirSync(join(root, 'packages')).map((name) => join('packages', name, 'package.json'));
  const files = ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json', ...packages];
  const hash = createHash('sha256');
  for (const file of files) {
    const path = join(root, file);
    if (existsSync(path)) hash.update(file).update(readFileSync(path));
  }
  return hash.digest('hex');
}
