import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { type BackendName, chooseBackend } from '../src/index.js';

const STEPS = 20;
const CLASSES = 5;

/** A small recogniser with every kind of layer that models v1 to v4 have; all its randomness is seeded. */
function model(): tf.LayersModel {
  const conv = (filters: number, seed: number, strides = 1) =>
    tf.layers.conv2d({
      filters,
      kernelSize: 3,
      strides,
      padding: 'same',
      useBias: false,
      kernelInitializer: tf.initializers.heNormal({ seed }),
    });
  const input = tf.input({ shape: [16, 24, 1] });
  let x = conv(8, 1).apply(input);
  x = tf.layers.batchNormalization().apply(x);
  x = tf.layers.reLU().apply(x);
  x = tf.layers.maxPooling2d({ poolSize: 2 }).apply(x) as tf.SymbolicTensor; // [B, 8, 12, 8]
  let y = conv(8, 2).apply(x);
  y = tf.layers.batchNormalization().apply(y);
  y = tf.layers.add().apply([x, y as tf.SymbolicTensor]);
  y = tf.layers.reLU().apply(y);
  y = conv(16, 3, 2).apply(y); // [B, 4, 6, 16]
  y = tf.layers
    .depthwiseConv2d({ kernelSize: 3, padding: 'same', depthwiseInitializer: tf.initializers.heNormal({ seed: 4 }) })
    .apply(y);
  y = tf.layers.averagePooling2d({ poolSize: 2 }).apply(y);
  y = tf.layers.flatten().apply(y);
  y = tf.layers.dropout({ rate: 0.25, seed: 5 }).apply(y);
  const dense = tf.layers.dense({ units: CLASSES, kernelInitializer: tf.initializers.glorotUniform({ seed: 6 }) });
  return tf.model({ inputs: input, outputs: dense.apply(y) as tf.SymbolicTensor });
}

/** Loss of each of some steps with Adam, on the active backend; checks that no step leaves a tensor behind. */
function lossCurve(): number[] {
  const network = model();
  const optimizer = tf.train.adam(0.01);
  const pictures = tf.tensor(
    Float32Array.from({ length: 12 * 16 * 24 }, (_, i) => Math.sin(i * 12.9898)),
    [12, 16, 24, 1],
  );
  const labels = tf.oneHot(
    Array.from({ length: 12 }, (_, i) => (i * 7) % CLASSES),
    CLASSES,
  );
  const step = () =>
    tf.tidy(() => {
      const loss = optimizer.minimize(() => {
        const logits = network.apply(pictures, { training: true }) as tf.Tensor2D; // [B, CLASSES]
        return tf.losses.softmaxCrossEntropy(labels, logits) as tf.Scalar;
      }, true);
      return loss!.dataSync()[0]!;
    });
  // The first step makes the optimizer's state.
  const losses = [step()];
  const { numTensors } = tf.memory();
  const ids = tf.backend().numDataIds();
  for (let i = 1; i < STEPS; i++) losses.push(step());
  expect(tf.memory().numTensors).toBe(numTensors);
  expect(tf.backend().numDataIds()).toBe(ids);
  tf.dispose([pictures, labels]);
  network.dispose();
  optimizer.dispose();
  return losses;
}

const available = async (backend: BackendName) => {
  const choice = await chooseBackend({ backend }).catch(() => undefined);
  return choice !== undefined;
};

describe('a training on each backend follows that on the plain JS backend', async () => {
  await chooseBackend({ backend: 'cpu' });
  const expected = lossCurve();

  it('which itself learns', () => {
    expect(expected[0]).toBeGreaterThan(1);
    expect(expected.at(-1)!).toBeLessThan(0.5 * expected[0]!);
  });

  for (const backend of ['wasm', 'onednn', 'tfjs-node', 'tfjs-node-gpu'] as const) {
    const present = await available(backend);
    it.skipIf(!present)(
      `${backend}${present ? '' : ' (not available here)'}`,
      async () => {
        await chooseBackend({ backend });
        const losses = lossCurve();
        losses.forEach((loss, i) => {
          // Rounding differs, and Adam's first steps make much of small gradients: the tolerance grows with the steps.
          expect(Math.abs(loss - expected[i]!)).toBeLessThan(1e-5 + 2e-4 * i);
        });
      },
      120_000,
    );
  }
});
