import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { autocast, type Precision } from '../src/index.js';
import { segmentDigits } from './digits.js';
import { available } from './reference.js';

const SEEDS = [1, 2, 3];
const EPOCHS = 4;
const BATCH = 32;

/** A stem and two residual blocks on digits `[B, 28, 28, 1] -> [B, 10]`. */
function residualNet(seed: number): tf.LayersModel {
  const { layers } = tf;
  let drawn = 100 * seed;
  const on = (layer: tf.layers.Layer, x: tf.SymbolicTensor | tf.SymbolicTensor[]) =>
    layer.apply(x) as tf.SymbolicTensor;
  const convNorm = (x: tf.SymbolicTensor, filters: number, strides: number) => {
    const kernelInitializer = tf.initializers.heNormal({ seed: ++drawn });
    const conv = layers.conv2d({ filters, kernelSize: 3, strides, padding: 'same', useBias: false, kernelInitializer });
    return on(layers.batchNormalization({ momentum: 0.9 }), on(conv, x));
  };
  const relu = (x: tf.SymbolicTensor) => on(layers.reLU(), x);
  const block = (x: tf.SymbolicTensor, filters: number) => {
    const inner = convNorm(relu(convNorm(x, filters, 2)), filters, 1);
    return relu(on(layers.add(), [inner, convNorm(x, filters, 2)]));
  };
  const input = tf.input({ shape: [28, 28, 1] });
  const features = block(block(relu(convNorm(input, 8, 1)), 16), 32);
  const kernelInitializer = tf.initializers.heNormal({ seed: ++drawn });
  const logits = layers.dense({ units: 10, kernelInitializer });
  return tf.model({ inputs: input, outputs: on(logits, on(layers.globalAveragePooling2d({}), features)) });
}

/** Loss and accuracy on new digits after a training in `precision`, from weights and batches that `seed` determines. */
function trained(precision: Precision, seed: number): { loss: number; accuracy: number } {
  return tf.tidy(() => {
    const { pictures, digits } = segmentDigits(`training ${seed}`, 1024, 0.7);
    const model = residualNet(seed);
    const optimizer = tf.train.momentum(0.05, 0.9);
    const variables = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
    const steps = (EPOCHS * 1024) / BATCH;
    for (let step = 0; step < steps; step++) {
      // Falls to 0, so that the end is that of the training and not of its last batches.
      optimizer.setLearningRate(0.025 * (1 + Math.cos((Math.PI * step) / steps)));
      tf.tidy(() => {
        const from = (step * BATCH) % 1024;
        const labels = tf.oneHot(digits.slice(from, BATCH), 10);
        const loss = () => {
          const logits = model.apply(pictures.slice(from, BATCH), { training: true }) as tf.Tensor;
          return tf.losses.softmaxCrossEntropy(labels, logits) as tf.Scalar;
        };
        autocast(precision, () => optimizer.minimize(loss, false, variables));
      });
    }
    const unseen = segmentDigits(`unseen ${seed}`, 1024, 0.7);
    const logits = autocast(precision, () => model.predict(unseen.pictures) as tf.Tensor2D);
    const loss = tf.losses.softmaxCrossEntropy(tf.oneHot(unseen.digits, 10), logits).dataSync()[0]!;
    const accuracy = logits.argMax(1).equal(unseen.digits).mean().dataSync()[0]!;
    model.dispose();
    optimizer.dispose();
    return { loss, accuracy };
  });
}

describe.skipIf(!available || process.env.PROJ_TEST_LONG !== '1')('convergence', { timeout: 600_000 }, () => {
  beforeAll(() => tf.setBackend('onednn'));

  it('a training in bfloat16 ends where one in float32 does, but for the noise between seeds', () => {
    const [float32, bfloat16] = (['float32', 'bfloat16'] as const).map((precision) =>
      SEEDS.map((seed) => trained(precision, seed)),
    ) as [{ loss: number; accuracy: number }[], { loss: number; accuracy: number }[]];
    const logs = (of: typeof float32) => of.map(({ loss }) => Math.log(loss));
    const mean = (numbers: number[]) => numbers.reduce((sum, x) => sum + x, 0) / numbers.length;
    const variance = (numbers: number[]) => {
      const center = mean(numbers);
      return numbers.reduce((sum, x) => sum + (x - center) ** 2, 0) / (numbers.length - 1);
    };
    const ended = JSON.stringify({ float32, bfloat16 });
    console.info(ended);
    // All learn: who guesses is right once in ten times.
    for (const { accuracy } of [...float32, ...bfloat16]) expect(accuracy, ended).toBeGreaterThan(0.5);
    // Of 1,024 unseen digits an accuracy between 0.5 and 1 has a deviation of at most 0.016.
    for (const [i, { accuracy }] of float32.entries()) {
      expect(Math.abs(bfloat16[i]!.accuracy - accuracy), ended).toBeLessThan(0.05);
    }
    // Welch's t between the logarithms of the losses stays below 2.78, the 95% point of 4 degrees of freedom.
    const [a, b] = [logs(float32), logs(bfloat16)];
    const noise = Math.sqrt((variance(a) + variance(b)) / SEEDS.length);
    expect(Math.abs(mean(a) - mean(b)), ended).toBeLessThan(2.78 * noise);
    // The precision was another: no two trainings end in the same bits.
    for (const [i, { loss }] of float32.entries()) expect(bfloat16[i]!.loss).not.toBe(loss);
  });
});
