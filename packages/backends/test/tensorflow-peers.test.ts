import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { BackendChoice } from '../src/index.js';

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * A package that stands in for `@tensorflow/tfjs-node` or `-gpu`: CommonJS, and on loading it does what the published one
 * does, in the same order, with the plain JS backend's kernels in the place of TensorFlow's.
 */
const standIn = ({ usesGpu = false, kernelsFail = false }) => `
  const tf = require('@tensorflow/tfjs');
  const failing = () => { throw new TypeError('(0 , util_1.isNullOrUndefined) is not a function'); };
  for (const { kernelName, kernelFunc } of tf.getKernelsForBackend('cpu')) {
    tf.registerKernel({ kernelName, backendName: 'tensorflow', kernelFunc: ${kernelsFail ? 'failing' : 'kernelFunc'} });
  }
  exports.version = { ...tf.version, 'tfjs-node': '4.22.0' };
  tf.registerBackend('tensorflow', () => {
    const backend = tf.findBackendFactory('cpu')();
    backend.firstUse = false; // no advertisement
    backend.isUsingGpuDevice = ${usesGpu};
    return backend;
  }, 3);
  if (!tf.setBackend('tensorflow')) throw new Error('Could not initialize TensorFlow backend.');
`;

/** What the published package throws where its install could not download TensorFlow. */
const WITHOUT_BINARY = `
  throw new Error("The Node.js native addon module (tfjs_binding.node) can not be found at path: /x/tfjs_binding.node. \\n" +
    "Please run command 'npm rebuild @tensorflow/tfjs-node --build-addon-from-source' to rebuild the native addon module.");
`;

/** What `chooseBackend` says, called twice, where this package is installed beside `packages` and nothing else. */
async function choiceBeside(
  packages: Readonly<Record<string, string>>,
): Promise<{ first: BackendChoice; second: BackendChoice; sum: number[]; stderr: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'backends-'));
  try {
    const modules = join(folder, 'node_modules');
    await mkdir(join(modules, '@proj/backends'), { recursive: true });
    await mkdir(join(modules, '@tensorflow'));
    for (const part of ['package.json', 'dist']) {
      await cp(join(root, part), join(modules, '@proj/backends', part), { recursive: true });
    }
    for (const name of ['@proj/core', '@tensorflow/tfjs', '@tensorflow/tfjs-backend-wasm']) {
      await symlink(await realpath(join(root, 'node_modules', name)), join(modules, name));
    }
    for (const [name, code] of Object.entries(packages)) {
      await mkdir(join(modules, name), { recursive: true });
      await writeFile(
        join(modules, name, 'package.json'),
        JSON.stringify({ name, version: '4.22.0', main: 'index.js' }),
      );
      await writeFile(join(modules, name, 'index.js'), code);
    }
    await writeFile(
      join(folder, 'main.mjs'),
      `import { chooseBackend } from '@proj/backends';
       import * as tf from '@tensorflow/tfjs';
       const first = await chooseBackend();
       const second = await chooseBackend();
       const sum = Array.from(tf.add([1, 2], 1).dataSync());
       console.log(JSON.stringify({ first, second, sum }));`,
    );
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['main.mjs'], { cwd: folder });
    return { ...JSON.parse(stdout.trimEnd().split('\n').at(-1)!), stderr };
  } finally {
    await rm(folder, { recursive: true });
  }
}

const GPU = '@tensorflow/tfjs-node-gpu';
const CPU = '@tensorflow/tfjs-node';
const noOnednn = { backend: 'onednn', available: false, reason: '@proj/tfjs-backend-onednn is not installed' };
const not = (backend: string, reason: string) => ({ backend, available: false, reason });

describe.skipIf(!existsSync(join(root, 'dist')))('the optional peers', { timeout: 120_000 }, () => {
  it('tfjs-node-gpu is taken where TensorFlow has a CUDA device', async () => {
    const { first, second, sum, stderr } = await choiceBeside({
      [GPU]: standIn({ usesGpu: true }),
      [CPU]: standIn({}),
    });
    expect(first).toEqual({ backend: 'tfjs-node-gpu', tfName: 'tensorflow', version: `${GPU} 4.22.0`, reasons: [] });
    expect(second).toEqual(first);
    expect(sum).toEqual([2, 3]);
    expect(stderr).toBe('');
  });

  it('without one the next best is taken, tfjs-node among them, though both have one name in tfjs', async () => {
    const { first, second, sum, stderr } = await choiceBeside({ [GPU]: standIn({}), [CPU]: standIn({}) });
    expect(first).toEqual({
      backend: 'tfjs-node',
      tfName: 'tensorflow',
      version: `${CPU} 4.22.0`,
      reasons: [not('tfjs-node-gpu', 'TensorFlow finds no CUDA device'), noOnednn],
    });
    expect(second).toEqual(first);
    expect(sum).toEqual([2, 3]);
    expect(stderr).toBe('');
  });

  it('one whose binary is missing is passed over', async () => {
    const { first, second } = await choiceBeside({ [CPU]: WITHOUT_BINARY });
    expect(first).toMatchObject({ backend: 'wasm', reasons: [{ backend: 'tfjs-node-gpu' }, noOnednn, {}] });
    const [missing, , broken] = first.reasons;
    expect(missing!.reason).toBe(`${GPU} is not installed`);
    expect(broken!.reason).toContain('(tfjs_binding.node) can not be found at path');
    expect(broken!.reason).not.toContain('\n');
    expect(second).toEqual(first);
  });

  it('one that loads but cannot compute is passed over, as on Node 23 and up', async () => {
    const { first, second, sum, stderr } = await choiceBeside({ [CPU]: standIn({ kernelsFail: true }) });
    expect(first).toMatchObject({ backend: 'wasm' });
    expect(first.reasons[2]).toEqual(not('tfjs-node', '(0 , util_1.isNullOrUndefined) is not a function'));
    expect(second).toEqual(first);
    expect(sum).toEqual([2, 3]);
    expect(stderr).toBe('');
  });
});
