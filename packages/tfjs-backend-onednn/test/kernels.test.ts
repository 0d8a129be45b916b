import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import '../src/index.js';
import { available } from './reference.js';

/** Made by kernels/make-tfjs-node.mjs from the published package. */
const tfjsNode = JSON.parse(readFileSync(new URL('kernels/tfjs-node.json', import.meta.url), 'utf8')) as {
  package: string;
  kernels: string[];
};

describe.skipIf(!available)('kernels', () => {
  const ours = new Set(tf.getKernelsForBackend('onednn').map(({ kernelName }) => kernelName));

  it(`every one that ${tfjsNode.package} registers is here`, () => {
    expect(tfjsNode.kernels).toHaveLength(155);
    expect(tfjsNode.kernels.filter((name) => !ours.has(name))).toEqual([]);
  });

  it('every one of the plain JS backend is here', () => {
    const theirs = tf.getKernelsForBackend('cpu').map(({ kernelName }) => kernelName);
    expect(theirs.length).toBeGreaterThan(150);
    expect(theirs.filter((name) => !ours.has(name))).toEqual([]);
  });
});
