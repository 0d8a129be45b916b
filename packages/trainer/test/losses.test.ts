import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { softmaxCrossEntropyPerPosition } from '../src/index.js';

interface Case {
  name: string;
  labelSmoothing: number;
  shape: [number, number, number];
  logits: number[];
  labels: number[];
  loss: number;
  gradient: number[];
}
const { cases } = JSON.parse(readFileSync(new URL('goldens/losses.json', import.meta.url), 'utf8')) as {
  cases: Case[];
};

beforeAll(() => tf.setBackend('cpu'));

describe('softmaxCrossEntropyPerPosition', () => {
  it.each(cases)('has the value and gradient of PyTorch: $name', (golden) => {
    const { shape, labelSmoothing } = golden;
    const before = tf.memory().numTensors;
    const logits = tf.tensor(golden.logits, shape);
    const labels = tf.tensor(golden.labels, [shape[0], shape[1]], 'int32');
    const { value, grad } = tf.valueAndGrad((x: tf.Tensor) =>
      softmaxCrossEntropyPerPosition(x, labels, { labelSmoothing }),
    )(logits);
    expect(value.shape).toEqual([]);
    expect(Math.abs(value.dataSync()[0]! - golden.loss)).toBeLessThanOrEqual(1e-6 * Math.max(1, golden.loss));
    const gradient = grad.dataSync();
    golden.gradient.forEach((expected, i) => {
      expect(Math.abs(gradient[i]! - expected)).toBeLessThanOrEqual(1e-6);
    });
    tf.dispose([logits, labels, value, grad]);
    expect(tf.memory().numTensors).toBe(before);
  });

  it.each([
    { logits: [2, 3], labels: [2] },
    { logits: [2, 4, 3], labels: [2, 3] },
    { logits: [2, 4, 3], labels: [3, 4] },
    { logits: [2, 4, 3], labels: [2, 4, 3] },
  ])('refuses logits $logits with labels $labels', ({ logits, labels }) => {
    const call = () =>
      tf.tidy(() => softmaxCrossEntropyPerPosition(tf.zeros(logits), tf.zeros(labels, 'int32')).dataSync());
    expect(call).toThrow(expect.objectContaining({ code: 'shape-mismatch' }));
  });

  it.each([-0.1, 1.1, Number.NaN])('refuses a smoothing of %d', (labelSmoothing) => {
    const call = () =>
      tf.tidy(() => softmaxCrossEntropyPerPosition(tf.zeros([1, 1, 2]), tf.zeros([1, 1], 'int32'), { labelSmoothing }));
    expect(call).toThrow(expect.objectContaining({ code: 'invalid-option' }));
  });
});
