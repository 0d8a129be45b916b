import * as tf from '@tensorflow/tfjs';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { type OnednnBackend, resetProfile } from '../src/index.js';
import { available, expectSame, noise } from './reference.js';

type Saver = (tensors: tf.Tensor[]) => void;

const native = () => (tf.backend() as OnednnBackend).nativeMemory();

describe.skipIf(!available)('gradients of sum and mean', () => {
  it.each([
    [[], undefined],
    [[5], undefined],
    [[2, 3, 4, 5], undefined],
    [
      [2, 3, 4, 5],
      [1, 2],
    ],
    [
      [2, 3, 4, 5],
      [0, -1],
    ],
    [[4, 1, 3], 1],
    [
      [2, 2, 3, 2, 2],
      [1, 3],
    ],
  ])('of %j over %j, to the second order', (shape, axis) =>
    expectSame(() =>
      [tf.sum, tf.mean].flatMap((reduce) =>
        [false, true].flatMap((keepDims) => {
          const f = (x: tf.Tensor) => reduce(x.square(), axis, keepDims).square().sum();
          return [tf.grad(f)(noise(shape)), tf.grad((x: tf.Tensor) => tf.grad(f)(x).square())(noise(shape, 2))];
        }),
      ),
    ),
  );

  it('take nothing from JavaScript but small tensors', async () => {
    await tf.setBackend('onednn');
    const x = tf.zeros([64, 64, 64, 2]);
    const write = vi.spyOn(tf.backend() as OnednnBackend, 'write');
    tf.tidy(() => tf.grad((a: tf.Tensor) => a.mean([1, 2]).sum())(x));
    const sizes = write.mock.calls.map(([, shape]) => tf.util.sizeFromShape(shape));
    write.mockRestore();
    x.dispose();
    expect(Math.max(...sizes)).toBe(1);
  });
});

describe.skipIf(!available)('the backward pass that frees early', () => {
  beforeEach(() => tf.setBackend('onednn'));

  it('adds up gradients of a tensor used several times, in any order', () =>
    expectSame(() =>
      tf.grads((a: tf.Tensor, b: tf.Tensor) => {
        const c = a.mul(b);
        const d = c.add(a).relu();
        return tf.stack([c.mul(d), d.sub(b), c]).sum();
      })([noise([5, 4], 1), noise([5, 4], 2)]),
    ));

  it('gives gradients of intermediate tensors and of the result itself', () =>
    expectSame(() => {
      const x = noise([6], 1);
      const seen: tf.Tensor[] = [];
      const { value, grad } = tf.valueAndGrad((a: tf.Tensor) => a.square().mul(3))(x, noise([6], 5));
      seen.push(value, grad, tf.grad((a: tf.Tensor) => a.clone())(x));
      return seen;
    }));

  it('second derivatives, also through relu', () =>
    expectSame(() => {
      const third = tf.grad((x: tf.Tensor) => tf.grad((y: tf.Tensor) => y.relu().pow(3))(x));
      return [
        third(noise([7], 1)),
        tf.grad((x: tf.Tensor) => tf.grad((y: tf.Tensor) => y.exp().mul(y))(x))(noise([7], 2)),
      ];
    }));

  it('does not free what a custom gradient hands through or borrows', () => {
    const kept = tf.tensor1d([2, 3]);
    const upstream = tf.tensor1d([1, 10]);
    const x = tf.tensor1d([5, 7]);
    const before = tf.memory().numTensors;
    const through = tf.customGrad((...args) => {
      const [a, save] = args as [tf.Tensor, Saver];
      save([a]);
      return { value: a.mul(2), gradFunc: (dy) => dy as tf.Tensor };
    });
    const borrowed = tf.customGrad((...args) => ({ value: (args[0] as tf.Tensor).neg(), gradFunc: () => kept }));
    const saved = tf.customGrad((...args) => {
      const [a, save] = args as [tf.Tensor, Saver];
      save([a]);
      return { value: a.mul(9), gradFunc: (_, tensors) => (tensors as tf.Tensor[])[0]! };
    });
    const values = [through, borrowed, saved].map((f) => {
      const dx = tf.tidy(() => tf.grad((a: tf.Tensor) => f(a.mul(1)))(x, upstream));
      const result = Array.from(dx.dataSync());
      dx.dispose();
      return result;
    });
    expect(values).toEqual([
      [1, 10],
      [2, 3],
      [5, 7],
    ]);
    expect(Array.from(kept.dataSync())).toEqual([2, 3]);
    expect(Array.from(upstream.dataSync())).toEqual([1, 10]);
    expect(tf.memory().numTensors).toBe(before);
    tf.dispose([kept, upstream, x]);
  });

  it('reports what tfjs reports', () => {
    const x = noise([3], 1);
    expect(() => tf.grad((a: tf.Tensor) => a.greater(0).toFloat())(x)).toThrow(
      /gradient function not found for Greater/,
    );
    expect(() => tf.grad(() => tf.ones([3]))(x)).toThrow(/Cannot compute gradient of y=f\(x\)/);
    x.dispose();
  });

  it('needs less memory than keeping everything to the end', () => {
    const megabyte = 2 ** 20;
    const x = tf.zeros([256, 1024]); // 1 MB
    const chain = (a: tf.Tensor) => {
      for (let i = 0; i < 20; i++) a = a.square();
      return a.sum();
    };
    resetProfile();
    const before = native().liveBytes;
    tf.grad(chain)(x).dispose();
    // 20 saved activations, which the gradients replace one by one; tfjs itself keeps 20 gradients more.
    const peak = (native().peakLiveBytes - before) / megabyte;
    expect(peak).toBeGreaterThan(20);
    expect(peak).toBeLessThan(28);
    x.dispose();
  });
});
