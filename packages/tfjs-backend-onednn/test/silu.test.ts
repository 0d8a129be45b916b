import * as tf from '@tensorflow/tfjs';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { autocast, batchNormTrain, type OnednnBackend, profile, resetProfile, silu } from '../src/index.js';
import { available, expectClose, expectSame, noise } from './reference.js';

const swish = (x: tf.Tensor) => tf.layers.activation({ activation: 'swish' }).apply(x) as tf.Tensor;
const shape = [3, 5, 7, 20];

/** The native operations of `f` and how often each ran. */
function operationsOf(f: () => tf.Tensor | tf.Tensor[]): Record<string, number> {
  resetProfile();
  const results = [f()].flat();
  for (const tensor of results) tensor.dataSync();
  return Object.fromEntries(profile().map(({ op, calls }) => [op, calls]));
}

const values = (tensor: tf.Tensor) => ({ shape: tensor.shape, dtype: tensor.dtype, values: tensor.dataSync() });

describe.skipIf(!available)('SiLU', () => {
  beforeAll(() => tf.setBackend('onednn'));
  beforeEach(() => tf.setBackend('onednn'));

  it('gives values and gradient of the stock activation', async () => {
    const x = () => tf.concat([noise([40, 7]).mul(8), tf.tensor2d([[0, -0, 100, -100, 1e-30, 20, -20]])]);
    await expectSame(() => swish(x()));
    await expectSame(() => tf.grad(swish)(x(), noise([41, 7], 2)));
  });

  it('is exact to 4 * 2^-23 of its value, in registers and beside them, and 0 where that is less than 2^-121', () => {
    tf.tidy(() => {
      expect([...silu(tf.tensor([-88.5, -100, -1e30])).dataSync()]).toEqual([-0, -0, -0]);
      const xs = Float32Array.from({ length: 17_403 }, (_, i) => (i - 8701) / 100.7);
      for (const shape of [[17_403], [5801, 3]]) {
        const beta = tf.zeros([shape.at(-1)!]);
        const norm = (x: tf.Tensor) => tf.batchNorm(x, beta, tf.onesLike(beta), beta, tf.onesLike(beta), 0);
        const x = tf.tensor(xs, shape);
        for (const y of [silu(x), silu(norm(x))]) {
          for (const [i, value] of y.dataSync().entries()) {
            const exact = xs[i]! / (1 + Math.exp(-xs[i]!));
            expect(Math.abs(value - exact)).toBeLessThanOrEqual(4 * 2 ** -23 * Math.abs(exact));
          }
        }
      }
    });
  });

  it('has a second derivative, which tfjs gives wrongly for what it composes', () => {
    const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
    const slope = (x: number) => sigmoid(x) * (1 + x * (1 - sigmoid(x)));
    tf.tidy(() => {
      const [x, dy] = [noise([100]).mul(4), noise([100], 2)];
      const first = tf.grad((input) => swish(input).mul(dy).sum());
      const second = tf
        .grad((input) => first(input).sum())(x)
        .dataSync();
      const [xs, dys] = [x.dataSync(), dy.dataSync()];
      for (const [i, value] of second.entries()) {
        const expected = (dys[i]! * (slope(xs[i]! + 1e-5) - slope(xs[i]! - 1e-5))) / 2e-5;
        expect(Math.abs(value - expected)).toBeLessThan(2e-6);
      }
    });
  });

  it('is one operation each way, in any layer', () => {
    tf.tidy(() => {
      expect(operationsOf(() => swish(noise(shape)))).toEqual({ silu: 1 });
      const gradient = operationsOf(() => tf.grad(swish)(noise(shape), noise(shape, 2)));
      expect(gradient).toEqual({ silu: 1, silu_grad: 1 });
      const conv = tf.layers.conv2d({ filters: 4, kernelSize: 1, activation: 'swish' });
      expect(operationsOf(() => conv.apply(noise(shape)) as tf.Tensor)).toMatchObject({ conv2d: 1, silu: 1 });
    });
  });

  it.each([
    ['1x1', [1, 1, 20, 24]],
    ['3x3 of many channels', [3, 3, 40, 36]],
    ['depthwise', [3, 3, 20, 1]],
  ] as const)(
    'gives the same after a convolution with normalisation in a prediction, %s',
    async (name, filterShape) => {
      const predict = () => {
        const x = noise([2, 5, 7, filterShape[2]], 1) as tf.Tensor4D;
        const filter = noise(filterShape, 2) as tf.Tensor4D;
        const y = name === 'depthwise' ? tf.depthwiseConv2d(x, filter, 1, 'same') : tf.conv2d(x, filter, 1, 'same');
        const channels = y.shape[3];
        const [mean, offset, scale] = [3, 4, 5].map((seed) => noise([channels], seed)) as [
          tf.Tensor,
          tf.Tensor,
          tf.Tensor,
        ];
        const normalised = () =>
          tf.batchNorm(y, mean as tf.Tensor1D, tf.ones([channels]), offset as tf.Tensor1D, scale as tf.Tensor1D);
        return [swish(normalised()), swish(normalised().add(noise(y.shape, 6)))];
      };
      await expectSame(predict);
      await tf.setBackend('onednn');
      const operations = operationsOf(() => tf.tidy(predict));
      expect(operations).toMatchObject({ conv2d_norm: 2 });
      expect(Object.keys(operations)).not.toContain('silu');
    },
  );

  type Norm = (x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor) => tf.Tensor;
  const norm: Norm = (x, gamma, beta) => batchNormTrain(x, gamma as tf.Tensor1D, beta as tf.Tensor1D, 1e-3)[0];
  const inputs = () => [noise(shape, 1).mul(2).add(1), noise([20], 2), noise([20], 3)];

  it('runs in the passes of a batch normalisation, whose output is never computed', () => {
    tf.tidy(() => {
      const [x, gamma, beta] = inputs() as [tf.Tensor, tf.Tensor, tf.Tensor];
      const dy = noise(shape, 4);
      const fused: Norm = (...all) => silu(norm(...all));
      // What is used twice is computed for itself.
      const apart: Norm = (...all) => {
        const z = norm(...all);
        z.dataSync();
        return silu(z);
      };
      const fusedOperations = operationsOf(() => tf.grads(fused)([x, gamma, beta], dy));
      expect(fusedOperations).toEqual({ batch_norm_statistics: 1, batch_norm: 1, batch_norm_grad: 1 });
      const expected = tf.grads(apart)([x, gamma, beta], dy);
      for (const [i, gradient] of tf.grads(fused)([x, gamma, beta], dy).entries()) {
        expectClose(values(gradient), values(expected[i]!), { tolerance: 2e-6 });
      }
      expectClose(values(fused(x, gamma, beta)), values(apart(x, gamma, beta)), { tolerance: 1e-6 });

      // The gradient of the normalisation's output, when somebody else asks for it.
      const twice = (input: tf.Tensor) => {
        const z = norm(input, gamma, beta);
        return silu(z).add(z.mul(0.5));
      };
      const sum = (input: tf.Tensor) => apart(input, gamma, beta).add(norm(input, gamma, beta).mul(0.5));
      expectClose(values(tf.grad(twice)(x, dy)), values(tf.grad(sum)(x, dy)), { tolerance: 2e-6 });
      const shifted = (shift: tf.Tensor) => silu(tf.batchNorm(x, noise([20], 5), gamma.abs(), shift, gamma));
      const shiftedApart = (shift: tf.Tensor) => {
        const z = tf.batchNorm(x, noise([20], 5), gamma.abs(), shift, gamma);
        z.dataSync();
        return silu(z);
      };
      expectClose(values(tf.grad(shifted)(beta, dy)), values(tf.grad(shiftedApart)(beta, dy)), { tolerance: 2e-6 });
    });
  });

  it('takes and gives bfloat16, rounded once', () => {
    tf.tidy(() => {
      const low = (x: tf.Tensor) =>
        autocast('bfloat16', () => tf.matMul(x.reshape([-1, 20]) as tf.Tensor2D, tf.eye(20))).reshape(x.shape);
      const exact = (x: tf.Tensor) => tf.tensor(x.dataSync(), x.shape);
      const [x, dy] = [low(noise(shape, 1)), low(noise(shape, 2))];
      const [gamma, beta] = [noise([20], 3), noise([20], 4)];
      const storageOf = (y: tf.Tensor) => (tf.backend() as OnednnBackend).bufferOf(y).storage;
      for (const f of [silu, (y: tf.Tensor) => silu(norm(y, gamma, beta))]) {
        for (const [actual, expected] of [
          [f(x), f(exact(x))],
          [tf.grad(f)(x, dy), tf.grad(f)(exact(x), exact(dy))],
        ] as const) {
          expect([storageOf(actual), storageOf(expected)]).toEqual([3, 0]);
          expectClose(values(actual), values(expected), { tolerance: 2 ** -8 });
        }
      }
    });
  });
});
