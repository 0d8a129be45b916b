import type { Batch } from '@proj/core';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { evaluate, softmaxCrossEntropyPerPosition } from '../src/index.js';
import { halvesLoader, positionAccuracy, smallModel } from './fixtures.js';

vi.setConfig({ testTimeout: 120_000 }); // a busy machine is slow with TensorFlow.js's plain backend

beforeAll(() => tf.setBackend('cpu'));

describe('evaluate', () => {
  const metrics = { accuracy: positionAccuracy };
  const loss = softmaxCrossEntropyPerPosition;

  it('measures in inference mode what the model predicts, batches of any size weighted by it', async () => {
    const model = smallModel({ dropout: 0.5, l2: 0.01 });
    const loader = halvesLoader({ stepsPerEpoch: 2 });
    const small = halvesLoader({ stepsPerEpoch: 1, batchSize: 3, seed: 5 });
    async function* batches() {
      yield* loader.epoch(0);
      yield* small.epoch(0);
    }
    let right = 0;
    let lossSum = 0;
    for await (const { inputs, labels } of batches()) {
      tf.tidy(() => {
        const logits = model.predict(tf.tensor(Float32Array.from(inputs.data), [...inputs.shape])) as tf.Tensor;
        const y = tf.tensor2d(labels.data, labels.shape as [number, number], 'int32');
        right += tf.sum(tf.equal(tf.argMax(logits, -1), y)).dataSync()[0]!;
        lossSum += loss(logits, y).dataSync()[0]! * inputs.shape[0]!;
      });
    }
    const penalty = tf.tidy(() =>
      ['conv', 'head'].reduce(
        (sum, layer) => sum + 0.01 * model.getLayer(layer).weights[0]!.read().square().sum().dataSync()[0]!,
        0,
      ),
    );

    const before = tf.memory().numTensors;
    const seen: number[] = [];
    const result = await evaluate({ model, data: batches(), metrics, loss, onProgress: (n) => void seen.push(n) });
    expect(tf.memory().numTensors).toBe(before);
    expect(seen).toEqual([8, 16, 19]);
    expect(result.n).toBe(19);
    expect(result.metrics.accuracy).toBeCloseTo(right / 38, 10);
    expect(result.loss).toBeCloseTo(lossSum / 19 + penalty, 5);
    expect(await evaluate({ model, data: loader })).toEqual({ n: 16, metrics: {} });
  });

  it('stops when it is told to', async () => {
    const controller = new AbortController();
    const model = smallModel();
    const options = { model, data: halvesLoader({ stepsPerEpoch: 1000 }), metrics, signal: controller.signal };
    const before = tf.memory().numTensors;
    const running = evaluate({ ...options, onProgress: (n) => n >= 24 && controller.abort() });
    await expect(running).rejects.toMatchObject({ code: 'aborted' });
    expect(tf.memory().numTensors).toBe(before);
  });

  it('refuses no data and pictures that do not fit', async () => {
    async function* none(): AsyncGenerator<Batch> {
      yield* [];
    }
    const model = smallModel();
    await expect(evaluate({ model, data: none() })).rejects.toMatchObject({ code: 'no-data' });
    const other = tf.sequential({ layers: [tf.layers.flatten({ inputShape: [4, 4, 3] })] });
    await expect(evaluate({ model: other, data: halvesLoader() })).rejects.toMatchObject({ code: 'shape-mismatch' });
  });
});
