import * as tf from '@tensorflow/tfjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { autocast, batchNormTrain, type OnednnBackend, profile, resetProfile, silu } from '../src/index.js';
import { Storage } from '../src/storage.js';
import { available, expectClose, expectSame, noise, on, type Values } from './reference.js';

type Inputs = [x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, weight: tf.Tensor];

/** [B, H, W, C], with channels and pixels that fill no register and no stretch of rows. */
const shape = [3, 13, 11, 20];
const inputs = (): Inputs => [noise(shape, 1).mul(2).add(1), noise([20], 2), noise([20], 3), noise([20], 4)];

/** Squeeze-and-excitation of `map`: its means, times `weight`, decide by a sigmoid how much of each channel remains. */
const excite = (map: tf.Tensor, weight: tf.Tensor) => map.mul(tf.sigmoid(map.mean([1, 2], true).mul(weight)));

const fused = (...[x, gamma, beta, weight]: Inputs) =>
  excite(silu(batchNormTrain(x, gamma as tf.Tensor1D, beta as tf.Tensor1D, 1e-3)[0]), weight);

/** The same of operations that every backend has. */
const composed = (...[x, gamma, beta, weight]: Inputs) => {
  const { mean, variance } = tf.moments(x, [0, 1, 2]);
  const z = x.sub(mean).mul(variance.add(1e-3).rsqrt()).mul(gamma).add(beta);
  return excite(z.mul(z.sigmoid()), weight);
};

const gradientsOf = (f: (...all: Inputs) => tf.Tensor, low = (x: tf.Tensor) => x) => {
  const [x, ...rest] = inputs();
  return tf.grads(f as (...all: tf.Tensor[]) => tf.Tensor)([low(x), ...rest], low(noise(shape, 5)));
};

describe.skipIf(!available)('squeeze-and-excitation', () => {
  beforeEach(() => tf.setBackend('onednn'));

  it('has the values and the gradients of the operations that it is composed of', async () => {
    const [value] = await on('onednn', () => fused(...inputs()));
    const gradients = await on('onednn', () => gradientsOf(fused));
    const [expectedValue] = await on('cpu', () => composed(...inputs()));
    const expected = await on('cpu', () => gradientsOf(composed));
    expectClose(value!, expectedValue!);
    for (const [i, gradient] of gradients.entries()) expectClose(gradient, expected[i]!);
  });

  it('goes back through the gate in the passes of one sum and of the normalisation', () => {
    tf.tidy(() => {
      const xs = inputs();
      xs[0].dataSync();
      resetProfile();
      tf.grads(fused as (...all: tf.Tensor[]) => tf.Tensor)(xs, noise(shape, 5));
      const operations = Object.fromEntries(profile().map(({ op, calls }) => [op, calls]));
      expect(operations).toMatchObject({ sum_products: 1, batch_norm: 1, batch_norm_grad: 1 });
      expect(operations).not.toHaveProperty('scale_shift');
      expect(operations).not.toHaveProperty('copy_strided');
      expect(operations).not.toHaveProperty('add');
    });
  });

  it('gives what is between its passes to whoever asks for it', async () => {
    const map = () => noise(shape, 1);
    const gate = (seed: number) => noise([3, 1, 1, 20], seed);
    const spread = (x: tf.Tensor) => tf.tile(x, [1, 13, 11, 1]);
    await expectSame(() =>
      map()
        .mul(gate(2))
        .add(spread(gate(3))),
    );
    await expectSame(() => spread(gate(3)).add(gate(2).mul(map())));
    await expectSame(() => [map().mul(gate(2)), spread(gate(3)), map().mul(noise(shape, 2))]);
    await expectSame(() => map().mul(noise(shape, 2)).sum([1, 2]));
    await expectSame(() => map().mul(noise(shape, 2)).sum([1, 2], true));
    await expectSame(() => map().mul(noise(shape, 2)).sum([0, 1]));
    await expectSame(() => map().mul(gate(2)).sum([1, 2]));
    await expectSame(() =>
      map()
        .mul(map())
        .add(spread(gate(3))),
    );
    // The gradient of a SiLU of a normalisation, where something else than that of the normalisation takes it.
    const shifted = (x: tf.Tensor, shift: tf.Tensor) => {
      const z = tf.batchNorm(x, tf.zeros([20]), tf.ones([20]), shift, tf.ones([20]));
      return excite(tf.getBackend() === 'cpu' ? z.mul(z.sigmoid()) : silu(z), noise([20], 4));
    };
    const gradients = () => tf.grads(shifted)([map(), noise([20], 3)], noise(shape, 5));
    const [native, expected] = [await on('onednn', gradients), await on('cpu', gradients)];
    for (const [i, gradient] of native.entries()) expectClose(gradient, expected[i]!);
  });

  it.each([
    ['a number', []],
    ['a number for each channel', [20]],
    ['a number for each channel, as a map', [1, 1, 1, 20]],
  ])('rescales by %s in one pass', async (_, scale) => {
    const rescale = (x: tf.Tensor, by: tf.Tensor, plus: tf.Tensor) => plus.add(by.mul(x));
    const xs = () => [noise(shape, 1), noise(scale, 2), noise(scale, 3)] as const;
    await expectSame(() => tf.tidy(() => rescale(...xs())));
    await expectSame(() => xs()[0].mul(xs()[1]));
    await expectSame(() => xs()[0].mul(xs()[1]).add(tf.scalar(2)));
    await expectSame(() => xs()[0].mul(3).add(xs()[2]));
    const gradients = () => tf.grads(rescale)([...xs()], noise(shape, 5));
    const [native, expected] = [await on('onednn', gradients), await on('cpu', gradients)];
    for (const [i, gradient] of native.entries()) expectClose(gradient, expected[i]!);

    await tf.setBackend('onednn');
    tf.tidy(() => {
      const all = xs();
      all[0].dataSync();
      resetProfile();
      rescale(...all);
      expect(profile().map(({ op, calls }) => [op, calls])).toEqual([['scale_shift', 1]]);
    });
  });

  it('stores a sum of two precisions as it does where its parts were computed before', () => {
    tf.tidy(() => {
      const low = (x: tf.Tensor) =>
        autocast('bfloat16', () => tf.matMul(x.reshape([-1, 20]) as tf.Tensor2D, tf.eye(20)));
      const storageOf = (lowMap: boolean, lowShift: boolean, apart: boolean) => {
        const [map, shift] = [noise(shape, 1), noise([3, 1, 1, 20], 3)];
        const product = (lowMap ? low(map).reshape(shape) : map).mul(noise([3, 1, 1, 20], 2));
        const repeated = tf.tile(lowShift ? low(shift).reshape(shift.shape) : shift, [1, 13, 11, 1]);
        if (apart) for (const part of [product, repeated]) part.dataSync();
        return (tf.backend() as OnednnBackend).bufferOf(product.add(repeated)).storage;
      };
      for (const [map, shift] of [
        [true, true],
        [true, false],
        [false, true],
        [false, false],
      ] as const) {
        expect(storageOf(map, shift, false)).toBe(storageOf(map, shift, true));
      }
      expect(storageOf(true, true, true)).toBe(Storage.bfloat16);
    });
  });

  it('sums products as exactly as float64 does', () => {
    tf.tidy(() => {
      const [batch, pixels, channels] = [2, 40 * 50, 9] as const;
      const [a, b] = [noise([batch, 40, 50, channels], 1).add(3), noise([batch, 40, 50, channels], 2).add(3)];
      const [x, y] = [a.dataSync(), b.dataSync()];
      for (const [i, sum] of a.mul(b).sum([1, 2]).dataSync().entries()) {
        const first = Math.floor(i / channels) * pixels * channels + (i % channels);
        const terms = Array.from({ length: pixels }, (_, p) => x[first + p * channels]! * y[first + p * channels]!);
        const exact = terms.reduce((total, term) => total + term, 0);
        expect(Math.abs(sum - exact)).toBeLessThan(1e-6 * exact);
      }
    });
  });

  it('takes and gives bfloat16, rounded once', () => {
    tf.tidy(() => {
      const low = (x: tf.Tensor) =>
        autocast('bfloat16', () => tf.matMul(x.reshape([-1, x.shape.at(-1)!]) as tf.Tensor2D, tf.eye(20))).reshape(
          x.shape,
        );
      const exact = (x: tf.Tensor) => tf.tensor(low(x).dataSync(), x.shape);
      const values = (tensor: tf.Tensor): Values => ({
        shape: tensor.shape,
        dtype: tensor.dtype,
        values: tensor.dataSync(),
      });
      const actual = gradientsOf(fused, low);
      expect((tf.backend() as OnednnBackend).bufferOf(actual[0]!).storage).toBe(Storage.bfloat16);
      for (const [i, expected] of gradientsOf(fused, exact).entries()) {
        expectClose(values(actual[i]!), values(expected), { tolerance: 2 ** -7 });
      }
      const scaled = (of: typeof low) => of(noise(shape, 1)).mul(of(noise([3, 1, 1, 20], 2)));
      const moved = (of: typeof low) => scaled(of).add(tf.tile(of(noise([3, 1, 1, 20], 3)), [1, 13, 11, 1]));
      const sum = (of: typeof low) =>
        of(noise(shape, 1))
          .mul(of(noise(shape, 2)))
          .sum([1, 2]);
      for (const f of [scaled, moved]) expectClose(values(f(low)), values(f(exact)), { tolerance: 2 ** -8 });
      expectClose(values(sum(low)), values(sum(exact)), { tolerance: 1e-6 });
    });
  });
});
