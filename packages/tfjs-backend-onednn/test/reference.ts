import * as tf from '@tensorflow/tfjs';
import { expect } from 'vitest';
import { fallbackCalls, isAvailable, resetFallbackCalls } from '../src/index.js';

type Result = tf.Tensor | readonly tf.Tensor[];

/** Tests need the native build; say so once where it is missing. */
export const available = isAvailable().available;
if (!available) console.warn(`Native tests are skipped: ${isAvailable().reason}`);

export interface Values {
  readonly shape: readonly number[];
  readonly dtype: tf.DataType;
  readonly values: ArrayLike<number>;
}

/** The result of `f` on one backend, with a check that it leaves no tensors behind. */
export async function on(backend: 'onednn' | 'cpu', f: () => Result): Promise<Values[]> {
  await tf.setBackend(backend);
  const before = tf.memory().numTensors;
  const values = tf.tidy(() => {
    const result = f();
    const tensors = (Array.isArray(result) ? result : [result]) as tf.Tensor[];
    return tensors.map((tensor) => ({ shape: tensor.shape, dtype: tensor.dtype, values: tensor.dataSync() }));
  });
  expect(tf.memory().numTensors).toBe(before);
  return values;
}

/**
 * Runs `f` natively and on tfjs's plain JS backend and compares shapes, dtypes and values. `f` must make its own
 * tensors. No kernel may fall back.
 *
 * A value may differ by 1e-5 of the largest magnitude in its tensor (sums of many terms) or, with `elementwise`, by
 * 1e-5 of itself.
 */
export async function expectSame(f: () => Result, { elementwise = false } = {}): Promise<void> {
  await tf.setBackend('onednn');
  resetFallbackCalls();
  const native = await on('onednn', f);
  expect(fallbackCalls()).toEqual({});
  const reference = await on('cpu', f);
  expect(native.length).toBe(reference.length);
  for (const [i, expected] of reference.entries()) expectClose(native[i]!, expected, { elementwise });
}

/** A value may differ by `tolerance` of `largest`, the largest magnitude expected, or, with `elementwise`, of itself. */
export function expectClose(
  actual: Values,
  expected: Values,
  { elementwise = false, tolerance = 1e-5, largest = largestOf(expected.values) } = {},
): void {
  expect(actual.shape).toEqual(expected.shape);
  expect(actual.dtype).toBe(expected.dtype);
  expect(actual.values.length).toBe(expected.values.length);
  for (let i = 0; i < expected.values.length; i++) {
    const [a, b] = [actual.values[i]!, expected.values[i]!];
    if (Object.is(a, b) || a === b) continue;
    const allowed = tolerance * (elementwise ? Math.abs(b) : largest);
    if (!(Math.abs(a - b) <= allowed)) {
      expect.fail(`[${expected.shape}] at ${i}: ${a} natively, ${b} expected, allowed difference ${allowed}`);
    }
  }
}

function largestOf(values: ArrayLike<number>): number {
  const magnitudes = Array.from(values).filter(Number.isFinite).map(Math.abs);
  return magnitudes.reduce((a, b) => Math.max(a, b), 0);
}

/** Reproducible values in about [-2, 2), none of them twice in a small tensor, so that a maximum is unique. */
export function noise(shape: readonly number[], seed = 1): tf.Tensor {
  const size = tf.util.sizeFromShape(shape as number[]);
  const values = new Float32Array(size);
  let state = (seed * 2654435761) >>> 0;
  for (let i = 0; i < size; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[i] = state / 2 ** 30 - 2;
  }
  return tf.tensor(values, shape as number[]);
}
