import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { dropout, nativeCalls, resetNativeCalls } from '../src/index.js';
import { numbersOf, philox } from './philox.js';
import { available, expectClose, noise } from './reference.js';

/** What a seed leaves of ones, by the plain generator. */
function expectedMask(n: number, rate: number, seed: number): Float32Array {
  const threshold = Math.floor(rate * 2 ** 32);
  return Float32Array.from(numbersOf(seed, n), (number) => (number < threshold ? 0 : 1 / (1 - rate)));
}

const maskOf = (n: number, rate: number, seed: number) =>
  tf.tidy(() => dropout(tf.ones([n]), { rate, seed }).dataSync<'float32'>());

const mean = (values: Float32Array) => values.reduce((sum, x) => sum + x, 0) / values.length;

it('the plain generator gives the numbers that the Random123 library publishes', () => {
  const hex = (numbers: number[]) => numbers.map((x) => x.toString(16).padStart(8, '0')).join(' ');
  const f = 0xffffffff;
  expect(hex(philox([0, 0, 0, 0], [0, 0]))).toBe('6627e8d5 e169c58d bc57ac4c 9b00dbd8');
  expect(hex(philox([f, f, f, f], [f, f]))).toBe('408f276d 41c83b0e a20bc7c6 6d5451fd');
  const pi = [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344];
  expect(hex(philox(pi, [0xa4093822, 0x299f31d0]))).toBe('d16cfe09 94fdcceb 5001e420 24126ea1');
});

describe.skipIf(!available)('dropout', () => {
  beforeAll(() => tf.setBackend('onednn'));

  it.each([
    ['less than a block', 5, 0.5, 7],
    ['a block and a part', 231, 0.1, -3],
    ['all threads at work', 40_001, 0.9, 0.25],
    ['a large seed', 130, 0.3, 2 ** 53 - 1],
  ])('has the masks of Philox4x32-10: %s', (_, n, rate, seed) => {
    expect(maskOf(n, rate, seed)).toEqual(expectedMask(n, rate, seed));
  });

  it.each([1, 1.5, -0.1, Number.NaN])('refuses the rate %d', (rate) => {
    const x = tf.ones([4]);
    const refused = expect.objectContaining({ code: 'invalid-option', received: String(rate) });
    expect(() => dropout(x, { rate, seed: 1 })).toThrow(refused);
    x.dispose();
  });

  it('refuses what is not float32', () => {
    const x = tf.ones([4], 'int32');
    const refused = expect.objectContaining({ code: 'invalid-dtype', received: 'int32' });
    expect(() => dropout(x, { rate: 0.5, seed: 1 })).toThrow(refused);
    x.dispose();
  });

  it('keeps mean and adds the variance that its rate says', () => {
    const n = 1_000_000;
    for (const rate of [0.05, 0.2, 0.5, 0.8]) {
      const values = maskOf(n, rate, 11);
      const variance = rate / (1 - rate);
      // Five standard errors; of the variance its own is that of the share of zeros, scaled.
      const error = 5 * Math.sqrt(variance / n);
      expect(Math.abs(mean(values) - 1)).toBeLessThan(error);
      const squares = mean(values.map((x) => (x - 1) ** 2));
      expect(Math.abs(squares - variance)).toBeLessThan((error * Math.abs(1 - 2 * rate)) / (1 - rate) + 1e-5);
      expect(new Set(values).size).toBe(2);
    }
  });

  it('masks of neighbouring seeds and positions have nothing to do with each other', () => {
    const n = 200_000;
    const signs = (seed: number) => maskOf(n, 0.5, seed).map((x) => x - 1);
    const [one, two] = [signs(1), signs(2)];
    const bound = 5 / Math.sqrt(n);
    expect(Math.abs(mean(one.map((x, i) => x * two[i]!)))).toBeLessThan(bound);
    for (const shift of [1, 4, 16, 64]) {
      expect(Math.abs(mean(one.map((x, i) => x * one[(i + shift) % n]!)))).toBeLessThan(bound);
    }
  });

  it('the same seed has the same mask under any shape, another seed another', () => {
    const of = (shape: number[], seed: number) =>
      tf.tidy(() => dropout(tf.ones(shape), { rate: 0.5, seed }).dataSync());
    expect(of([6, 5, 4], 3)).toEqual(of([120], 3));
    expect(of([120], 4)).not.toEqual(of([120], 3));
    expect(of([0, 3], 1)).toEqual(new Float32Array());
    expect(of([], 1)).toHaveLength(1);
  });

  it('its gradient is the upstream gradient under the same mask, to any order', () => {
    tf.tidy(() => {
      const attrs = { rate: 0.4, seed: 9 };
      const [x, dy] = [noise([7, 13], 1), noise([7, 13], 2)];
      const expected = expectedMask(91, 0.4, 9).map((mask, i) => mask * dy.dataSync()[i]!);
      const { shape, dtype } = x;
      const dx = tf.grad((a: tf.Tensor) => dropout(a, attrs))(x, dy);
      expectClose({ shape, dtype, values: dx.dataSync() }, { shape, dtype, values: expected });
      const second = tf.grad((a: tf.Tensor) => tf.grad((b: tf.Tensor) => dropout(b, attrs).square())(a))(x);
      const curvature = expectedMask(91, 0.4, 9).map((mask) => 2 * mask * mask);
      expectClose({ shape, dtype, values: second.dataSync() }, { shape, dtype, values: curvature });
    });
  });

  it('does not hide what is not finite, as tfjs does not', () => {
    const x = new Float32Array(64).fill(Number.POSITIVE_INFINITY);
    const values = tf.tidy(() => dropout(tf.tensor1d(x), { rate: 0.5, seed: 1 }).dataSync());
    expect(values.every((y) => Number.isNaN(y) || y === Number.POSITIVE_INFINITY)).toBe(true);
    expect(values.some(Number.isNaN)).toBe(true);
  });
});

describe.skipIf(!available)('the stock Dropout layer', () => {
  beforeAll(() => tf.setBackend('onednn'));

  type Layer = tf.layers.Layer;
  const applied = (layer: Layer, x: tf.Tensor, training: boolean) =>
    tf.tidy(() => (layer.apply(x, { training }) as tf.Tensor).dataSync());

  it('draws natively: one mask for a seed, which may be changed, a new one at each call without', () => {
    const x = tf.ones([40, 10]);
    resetNativeCalls();
    const seeded = tf.layers.dropout({ rate: 0.5, seed: 5 }) as unknown as tf.layers.Layer & { seed: number };
    const first = applied(seeded, x, true);
    expect(first).toEqual(expectedMask(400, 0.5, 5));
    expect(applied(seeded, x, true)).toEqual(first);
    seeded.seed = 6;
    expect(applied(seeded, x, true)).toEqual(expectedMask(400, 0.5, 6));
    const free = tf.layers.dropout({ rate: 0.5 });
    expect(applied(free, x, true)).not.toEqual(applied(free, x, true));
    expect(nativeCalls().Dropout).toBe(5);
    x.dispose();
  });

  it('does nothing in inference, or with a rate of 0 or 1', () => {
    const x = tf.ones([400]);
    const ones = new Float32Array(400).fill(1);
    expect(applied(tf.layers.dropout({ rate: 0.5 }), x, false)).toEqual(ones);
    for (const rate of [0, 1]) expect(applied(tf.layers.dropout({ rate }), x, true)).toEqual(ones);
    x.dispose();
  });

  it.each([
    ['a noise shape', () => tf.layers.dropout({ rate: 0.5, seed: 3, noiseShape: [8, 1, 6] })],
    ['SpatialDropout1D', () => tf.layers.spatialDropout1d({ rate: 0.5, seed: 3 } as { rate: number })],
  ])('drops whole lines along dimensions that share a mask: %s', (_, make) => {
    const x = noise([8, 9, 6], 2);
    const mask = expectedMask(48, 0.5, 3);
    const expected = x.dataSync().map((value, i) => value * mask[6 * Math.floor(i / 54) + (i % 6)]!);
    expect(applied(make(), x, true)).toEqual(expected);
    x.dispose();
  });

  it("keeps name and settings in saved models, and is tfjs's own on other backends", async () => {
    const layer = tf.layers.dropout({ rate: 0.25, seed: 8 });
    expect(layer.getClassName()).toBe('Dropout');
    expect(layer.getConfig()).toMatchObject({ rate: 0.25, seed: 8 });
    await tf.setBackend('cpu');
    const x = tf.ones([400]);
    const ours = applied(layer, x, true);
    const theirs = tf.tidy(() => tf.dropout(x, 0.25, undefined, 8).dataSync());
    expect(ours).toEqual(theirs);
    x.dispose();
    await tf.setBackend('onednn');
  });
});
