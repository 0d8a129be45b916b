import { existsSync } from 'node:fs';
import { ProjError } from '@proj/core';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { BACKENDS, type BackendName, chooseBackend, describeChoice } from '../src/index.js';

const failure = (backend: string) =>
  chooseBackend({ backend: backend as BackendName }).then(
    () => {
      throw new Error(`${backend} should not have worked`);
    },
    (error: unknown) => error as ProjError,
  );
const installed = (name: string) => existsSync(new URL(`../node_modules/${name}`, import.meta.url));

describe('chooseBackend', () => {
  it('tries the backends from best to worst and gives the reason against each better one', async () => {
    const choice = await chooseBackend();
    const position = BACKENDS.indexOf(choice.backend);
    expect(choice.reasons.map(({ backend }) => backend)).toEqual(BACKENDS.slice(0, position));
    for (const { available, reason } of choice.reasons) {
      expect(available).toBe(false);
      expect(reason).toMatch(/\S/);
      expect(reason).not.toContain('\n');
    }
    expect(tf.getBackend()).toBe(choice.tfName);
    // wasm and the plain JS backend always work.
    expect(position).toBeLessThanOrEqual(BACKENDS.indexOf('wasm'));
  });

  it.skipIf(installed('@tensorflow/tfjs-node-gpu'))('says that a package is not installed', async () => {
    const { reasons } = await chooseBackend({ backend: 'auto' });
    expect(reasons[0]).toEqual({
      backend: 'tfjs-node-gpu',
      available: false,
      reason: '@tensorflow/tfjs-node-gpu is not installed',
    });
  });

  it.each(['wasm', 'cpu'] as const)('takes %s when asked for it, and computes', async (backend) => {
    const choice = await chooseBackend({ backend });
    expect(choice).toMatchObject({ backend, tfName: backend, reasons: [] });
    expect(choice.version).toMatch(/\d+\.\d+\.\d+/);
    expect(tf.getBackend()).toBe(backend);
    expect(tf.tidy(() => tf.add([1, 2], 1).arraySync())).toEqual([2, 3]);
  });

  it.skipIf(installed('@tensorflow/tfjs-node'))(
    'refuses one that does not work here, and keeps the present',
    async () => {
      await chooseBackend({ backend: 'cpu' });
      const error = await failure('tfjs-node');
      expect(error).toBeInstanceOf(ProjError);
      expect(error).toMatchObject({ code: 'backend-unavailable', received: '@tensorflow/tfjs-node is not installed' });
      expect(error.expected).toContain('tfjs-node');
      expect(error.fix).toContain('@tensorflow/tfjs-node');
      expect(tf.getBackend()).toBe('cpu');
    },
  );

  it('refuses a name it does not know', async () => {
    const error = await failure('webgl');
    expect(error).toMatchObject({ code: 'unknown-backend', received: 'webgl' });
    expect(error.expected).toContain('onednn');
  });
});

describe('describeChoice', () => {
  const choice = {
    backend: 'wasm',
    tfName: 'wasm',
    version: '4.22.0, SIMD',
    reasons: [
      { backend: 'tfjs-node-gpu', available: false, reason: 'not installed' },
      { backend: 'onednn', available: false, reason: 'no addon' },
    ],
  } as const;

  it('names the choice and the reasons in one line, and prints it once', () => {
    const lines: string[] = [];
    const print = (line: string) => lines.push(line);
    const line = describeChoice(choice, print);
    expect(line).toBe('Backend: wasm (4.22.0, SIMD); not tfjs-node-gpu: not installed; not onednn: no addon');
    expect(describeChoice(choice, print)).toBe(line);
    expect(lines).toEqual([line]);
  });

  it('leaves out what is not known', () => {
    expect(describeChoice({ backend: 'cpu', tfName: 'cpu', reasons: [] }, () => {})).toBe('Backend: cpu');
  });
});
