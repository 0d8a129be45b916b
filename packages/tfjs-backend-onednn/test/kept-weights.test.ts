import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { OnednnBackend } from '../src/index.js';
import { available, expectClose, noise, on } from './reference.js';

/** After an operation, before which copies of weights that have gone may still be there. */
const keptBytes = () => {
  tf.tidy(() => tf.ones([1]).add(1).dataSync());
  return (tf.backend() as OnednnBackend).nativeMemory().keptBytes;
};

describe.skipIf(!available)('weights that are used again', () => {
  beforeAll(() => tf.setBackend('onednn'));

  const conv = (x: tf.Tensor, w: tf.Tensor) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'same');

  it('are kept as the convolution wants them, give the same, and go with their tensor', async () => {
    const [x, w] = [noise([1, 8, 8, 16], 1), noise([3, 3, 16, 32], 2)];
    const before = keptBytes();
    const first = conv(x, w).dataSync();
    expect(keptBytes()).toBe(before);
    for (let i = 0; i < 3; i++) expect(conv(x, w).dataSync()).toEqual(first);
    // oneDNN may take some weights as they are; those of this shape it does not.
    expect(keptBytes() - before).toBeGreaterThanOrEqual(w.size * 4);
    // Another shape of picture may want another layout.
    const wide = noise([1, 3, 40, 16], 3);
    const [expected] = await on('cpu', () => conv(noise([1, 3, 40, 16], 3), noise([3, 3, 16, 32], 2)));
    for (let i = 0; i < 3; i++) expectClose((await on('onednn', () => conv(wide, w)))[0]!, expected!);
    w.dispose();
    expect(keptBytes()).toBe(before);
    tf.dispose([x, wide]);
  });

  it('are not those of a variable that has changed, or of a tensor that took their place in memory', () => {
    const x = noise([1, 8, 8, 16], 1);
    const kernel = tf.variable(noise([3, 3, 16, 32], 2));
    const sumOf = (w: tf.Tensor) => tf.tidy(() => conv(x, w).abs().sum().dataSync()[0]!);
    const sums = Array.from({ length: 6 }, (_, i) => {
      if (i > 0) kernel.assign(tf.tidy(() => kernel.mul(2)));
      return [sumOf(kernel), sumOf(kernel), sumOf(kernel)];
    });
    for (const [i, [first, ...others]] of sums.entries()) {
      expect(others).toEqual([first, first]);
      expect(first! / sums[0]![0]!).toBeCloseTo(2 ** i, 4);
    }
    const filled = Array.from({ length: 6 }, (_, i) => {
      const w = tf.fill([3, 3, 16, 32], i + 1);
      const own = [sumOf(w), sumOf(w), sumOf(w)];
      w.dispose();
      return own;
    });
    for (const [i, [first, ...others]] of filled.entries()) {
      expect(others).toEqual([first, first]);
      expect(first! / filled[0]![0]!).toBeCloseTo(i + 1, 4);
    }
    tf.dispose([x, kernel]);
  });

  it.each([1, 2])(
    'are others where the same filters have been given another shape, in steps of %i',
    async (strides) => {
      const [few, many] = [
        [3, 3, 32, 64],
        [3, 3, 64, 32],
      ] as const;
      const convolve = (w: tf.Tensor) =>
        tf.conv2d(noise([1, 9, 9, w.shape[2]!], 1) as tf.Tensor4D, w as tf.Tensor4D, strides, 'same');
      const w = noise(few, 2);
      for (let i = 0; i < 3; i++) tf.tidy(() => convolve(w).dataSync());
      const [actual] = await on('onednn', () => convolve(w.reshape([...many])));
      const [expected] = await on('cpu', () => convolve(noise(few, 2).reshape([...many])));
      expectClose(actual!, expected!);
      await tf.setBackend('onednn');
      w.dispose();
    },
  );

  it.each([16, 40])('of a small product of matrices are kept too, for %i rows', async (rows) => {
    const multiply = (x: tf.Tensor, w: tf.Tensor) =>
      tf.fused.matMul({ a: x as tf.Tensor2D, b: w as tf.Tensor2D, bias: noise([43], 3), activation: 'relu' });
    const [x, w] = [noise([rows, 70], 1), noise([70, 43], 2)];
    const before = keptBytes();
    const [expected] = await on('cpu', () => multiply(noise([rows, 70], 1), noise([70, 43], 2)));
    for (let i = 0; i < 3; i++) expectClose((await on('onednn', () => multiply(x, w)))[0]!, expected!);
    expect(keptBytes() - before).toBeGreaterThanOrEqual(w.size * 4);
    w.dispose();
    expect(keptBytes()).toBe(before);
    x.dispose();
  });

  it('of a small product give the same to the bit at each use, whatever waits before it', async () => {
    const uses = async (rows: number, columns: number, before: () => tf.Tensor) => {
      const [x, w] = [noise([rows, 70], 1) as tf.Tensor2D, noise([70, columns], 2) as tf.Tensor2D];
      const first = before();
      const results = [0, 1, 2].map(() => tf.matMul(x, w));
      tf.dispose([x, w]);
      const values = await Promise.all(results.map((result) => result.data()));
      tf.dispose([first, ...results]);
      return values;
    };
    for (const [rows, columns] of [
      [1, 43],
      [15, 43],
      [40, 43],
      [40, 5],
    ] as const) {
      const idle = await uses(rows, columns, () => tf.zeros([1]));
      const busy = await uses(rows, columns, () => tf.tidy(() => tf.matMul(tf.ones([900, 900]), tf.ones([900, 900]))));
      for (const values of [...idle, ...busy]) expect(values).toEqual(idle[0]);
    }
  });

  it('of a training are none', () => {
    const w = tf.variable(noise([3, 3, 4, 8], 2));
    const before = keptBytes();
    const optimizer = tf.train.sgd(0.01);
    const x = noise([2, 8, 8, 4], 1);
    for (let i = 0; i < 3; i++) optimizer.minimize(() => conv(x, w).square().mean() as tf.Scalar, false, [w]);
    expect(keptBytes()).toBe(before);
    tf.dispose([w, x]);
    optimizer.dispose();
  });
});
