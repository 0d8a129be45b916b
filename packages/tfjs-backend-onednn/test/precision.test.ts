import { readFileSync } from 'node:fs';
import { ProjError } from '@proj/core';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { autocast, batchNormTrain, getPrecision, type OnednnBackend, setPrecision } from '../src/index.js';
import { available, noise } from './reference.js';

const { mixedPrecision: golden } = JSON.parse(readFileSync(new URL('goldens/torch.json', import.meta.url), 'utf8')) as {
  mixedPrecision: { seed: number; gradients: Record<string, number[]>; autocastError: Record<string, number> }[];
};

const BFLOAT16 = 3;
const storageOf = (x: tf.Tensor) => {
  const backend = tf.backend() as OnednnBackend;
  x.dataSync(); // what is deferred has been computed then
  return backend.data.get(x.dataId).buffer?.storage;
};
const isLow = (x: tf.Tensor) => storageOf(x) === BFLOAT16;

/** `x` rounded to bfloat16, stored in it and in float32. */
function rounded(x: tf.Tensor): { low: tf.Tensor; same: tf.Tensor } {
  const matrix = x.reshape([-1, x.shape.at(-1)!]) as tf.Tensor2D;
  const low = autocast('bfloat16', () => tf.matMul(matrix, tf.eye(matrix.shape[1]))).reshape(x.shape);
  expect(isLow(low)).toBe(true);
  return { low, same: tf.tensor(low.dataSync(), x.shape) };
}

/** Largest difference, in units of 2^-8, which is half a step of bfloat16, of the larger of the value and the tensor's mean magnitude. */
function difference(actual: tf.Tensor, expected: tf.Tensor): number {
  expect(actual.shape).toEqual(expected.shape);
  const [a, b] = [actual.dataSync(), expected.dataSync()];
  const mean = expected.abs().mean().dataSync()[0]!;
  return Math.max(0, ...a.map((value, i) => (256 * Math.abs(value - b[i]!)) / Math.max(Math.abs(b[i]!), mean)));
}

/** |difference| / |expected| */
const relativeError = (actual: tf.Tensor, expected: tf.Tensor) =>
  actual.sub(expected).norm().div(expected.norm()).dataSync()[0]!;

describe.skipIf(!available)('bfloat16', () => {
  beforeAll(() => tf.setBackend('onednn'));
  afterEach(() => setPrecision('float32'));

  it('rounds to nearest even, keeps range, infinity and not-a-number', () => {
    const values = [1, 1 + 2 ** -8, 1 + 3 * 2 ** -8, -1 - 2 ** -8, 3e38, -1e-30, 0];
    const expected = [1, 1, 1 + 2 ** -6, -1, Math.fround(3e38), -1e-30, 0];
    tf.tidy(() => {
      const { same } = rounded(tf.tensor(values, [values.length, 1]));
      for (const [i, value] of same.dataSync().entries()) {
        if (i < 4) expect(value).toBe(expected[i]);
        else expect(Math.abs(value - expected[i]!)).toBeLessThanOrEqual(Math.abs(expected[i]!) * 2 ** -8);
      }
      const special = rounded(tf.tensor([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN], [3, 1]));
      expect([...special.same.dataSync()]).toEqual([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN]);
    });
  });

  const shape = [2, 6, 8, 16];
  type Op = (x: tf.Tensor4D, y: tf.Tensor4D) => tf.Tensor;
  it.each<[string, boolean, Op]>([
    ['relu', true, (x) => x.relu()],
    ['sigmoid', true, (x) => x.sigmoid()],
    ['add', true, (x, y) => x.add(y)],
    ['sub', true, (x, y) => x.sub(y)],
    ['mul', true, (x, y) => x.mul(y)],
    ['mul by float32 scales of channels', true, (x) => x.mul(noise([2, 1, 1, 16], 5))],
    ['add of a float32 map', false, (x) => x.add(noise(shape, 5))],
    ['mul by a scalar', true, (x) => x.mul(0.3)],
    ['maxPool', true, (x) => tf.maxPool(x, 3, 2, 'same')],
    ['avgPool', true, (x) => tf.avgPool(x, 2, 2, 'same')],
    [
      'gradient of maxPool',
      true,
      (x) => tf.grad((x) => tf.maxPool(x as tf.Tensor4D, 3, 2, 'same'))(x, tf.maxPool(x, 3, 2, 'same')),
    ],
    [
      'gradient of avgPool',
      true,
      (x) => tf.grad((x) => tf.avgPool(x as tf.Tensor4D, 2, 2, 'same'))(x, tf.avgPool(x, 2, 2, 'same')),
    ],
    ['transpose', true, (x) => x.transpose([0, 3, 1, 2])],
    ['slice', true, (x) => x.slice([0, 1, 2, 3], [2, 4, 5, 6])],
    [
      'pad',
      true,
      (x) =>
        x.pad(
          [
            [0, 0],
            [1, 2],
            [2, 1],
            [0, 0],
          ],
          0.5,
        ),
    ],
    ['concat', true, (x, y) => tf.concat([x, y], 3)],
    ['split', true, (x) => tf.split(x, 2, 3)[1]!],
    [
      'batchNorm',
      true,
      (x) => tf.batchNorm(x, noise([16], 3), noise([16], 4).abs().add(0.1), noise([16], 5), noise([16], 6)),
    ],
    [
      'training batchNorm',
      true,
      (x) => batchNormTrain(x, noise([16], 3) as tf.Tensor1D, noise([16], 4) as tf.Tensor1D, 1e-3)[0],
    ],
    ['mean', false, (x) => x.mean([1, 2])],
    ['softmax', false, (x) => x.softmax()],
    ['exp', false, (x) => x.exp()],
    ['greater', false, (x, y) => x.greater(y).toFloat()],
  ])('%s of bfloat16 tensors is that of float32, rounded once', (_, low, op) => {
    tf.tidy(() => {
      const [x, y] = [rounded(noise(shape, 1)), rounded(noise(shape, 2))];
      const actual = op(x.low as tf.Tensor4D, y.low as tf.Tensor4D);
      const expected = op(x.same as tf.Tensor4D, y.same as tf.Tensor4D);
      expect(isLow(actual)).toBe(low);
      expect(isLow(expected)).toBe(false);
      expect(difference(actual, expected)).toBeLessThanOrEqual(low ? 1 : 1e-3);
    });
  });

  it.each<[string, (x: tf.Tensor) => tf.Tensor]>([
    ['conv2d', (x) => tf.conv2d(x as tf.Tensor4D, noise([3, 3, 16, 8], 3) as tf.Tensor4D, 1, 'same')],
    ['strided conv2d', (x) => tf.conv2d(x as tf.Tensor4D, noise([3, 3, 16, 8], 3) as tf.Tensor4D, 2, 'same')],
    ['depthwiseConv2d', (x) => tf.depthwiseConv2d(x as tf.Tensor4D, noise([3, 3, 16, 1], 3) as tf.Tensor4D, 1, 'same')],
    ['matMul', (x) => tf.matMul(x.reshape([-1, 16]) as tf.Tensor2D, noise([16, 5], 3) as tf.Tensor2D)],
  ])('%s under autocast takes float32 and gives bfloat16; its gradients likewise', (_, op) => {
    tf.tidy(() => {
      const x = noise(shape, 1);
      const exact = op(x);
      const low = autocast('bfloat16', () => op(x));
      expect([isLow(exact), isLow(low)]).toEqual([false, true]);
      expect(relativeError(low, exact)).toBeGreaterThan(0);
      expect(relativeError(low, exact)).toBeLessThan(2 ** -8);
      const dy = noise(low.shape, 4);
      const dx = autocast('bfloat16', () => tf.grad(op)(x, dy));
      expect(isLow(dx)).toBe(true);
      expect(relativeError(dx, tf.grad(op)(x, dy))).toBeLessThan(2 ** -8);
    });
  });

  it("gradients are as close to exact ones as PyTorch's autocast", () => {
    const shapes = {
      w1: [3, 3, 3, 16],
      w2: [3, 3, 16, 16],
      gamma1: [16],
      gamma2: [16],
      beta1: [16],
      beta2: [16],
      w3: [16, 10],
    };
    const names = Object.keys(shapes);
    const convBn = (x: tf.Tensor, w: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor) => {
      const y = tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'same');
      return batchNormTrain(y, gamma.div(4) as tf.Tensor1D, beta.add(4) as tf.Tensor1D, 1e-3)[0];
    };
    const squares = names.map(() => ({ ours: 0, theirs: 0 }));
    for (const { seed, gradients, autocastError } of golden) {
      tf.tidy(() => {
        const parameters = Object.values(shapes).map((shape, i) => noise(shape, seed + i));
        const loss = (...[w1, w2, gamma1, gamma2, beta1, beta2, w3]: tf.Tensor[]) => {
          const first = convBn(noise([4, 16, 16, 3], seed + 7), w1!, gamma1!, beta1!).relu();
          const second = convBn(first, w2!, gamma2!, beta2!).add(first).relu();
          const mean = second.mul(noise([4, 16, 16, 16], seed + 8)).mean([1, 2]) as tf.Tensor2D;
          return tf
            .matMul(mean, w3 as tf.Tensor2D)
            .mul(noise([4, 10], seed + 9))
            .sum();
        };
        const errorsOf = (actual: tf.Tensor[]) =>
          actual.map((gradient, i) => relativeError(gradient, tf.tensor(gradients[names[i]!]!, gradient.shape)));
        for (const error of errorsOf(tf.grads(loss)(parameters))) expect(error).toBeLessThan(1e-5);
        for (const [i, error] of errorsOf(autocast('bfloat16', () => tf.grads(loss)(parameters))).entries()) {
          squares[i]!.ours += error ** 2;
          squares[i]!.theirs += autocastError[names[i]!]! ** 2;
        }
      });
    }
    // Rounding noise of the same size: a single tensor may have some percent more of it, all together not.
    for (const [i, { ours, theirs }] of squares.entries()) {
      expect(ours, names[i]).toBeGreaterThan(0);
      expect(Math.sqrt(ours / theirs), names[i]).toBeLessThan(1.1);
    }
    const total = (of: 'ours' | 'theirs') => squares.reduce((sum, square) => sum + square[of], 0);
    expect(total('ours')).toBeLessThanOrEqual(total('theirs'));
  });

  it('is a matter of autocast or of the whole process, and of synchronous functions', async () => {
    expect(getPrecision()).toBe('float32');
    expect(autocast('bfloat16', getPrecision)).toBe('bfloat16');
    expect(getPrecision()).toBe('float32');
    expect(() => autocast('bfloat16', () => tf.nextFrame())).toThrow(ProjError);
    expect(() =>
      autocast('bfloat16', () => {
        throw new Error('mine');
      }),
    ).toThrow('mine');
    expect(getPrecision()).toBe('float32');
    expect(() => setPrecision('float16' as 'float32')).toThrow(/float32 or bfloat16/);
    setPrecision('bfloat16');
    const x = noise([4, 4], 1) as tf.Tensor2D;
    const y = tf.matMul(x, x);
    expect(isLow(y)).toBe(true);
    expect((await y.data()).length).toBe(16);
    expect(await y.data()).toEqual(y.dataSync());
    tf.dispose([x, y]);
  });
});
