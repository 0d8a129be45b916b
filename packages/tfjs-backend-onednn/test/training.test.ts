import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import {
  fallbackCalls,
  nativeCalls,
  profile,
  resetFallbackCalls,
  resetNativeCalls,
  resetProfile,
} from '../src/index.js';
import { available, expectClose, noise } from './reference.js';

/** A small net with the parts of the captcha models; the same weights whenever the seed is the same. */
function smallNet(): tf.LayersModel {
  let seed = 0;
  const { layers } = tf;
  const init = () => tf.initializers.heNormal({ seed: ++seed });
  const conv = (filters: number, kernelSize: number, strides = 1) =>
    layers.conv2d({ filters, kernelSize, strides, padding: 'same', useBias: false, kernelInitializer: init() });
  const relu = () => layers.activation({ activation: 'relu' });
  const input = tf.input({ shape: [8, 12, 3] });
  let x = relu().apply(layers.batchNormalization().apply(conv(8, 3).apply(input))) as tf.SymbolicTensor; // [B, 8, 12, 8]
  const y = layers.batchNormalization({ scale: true }).apply(conv(8, 3).apply(x)) as tf.SymbolicTensor;
  x = relu().apply(layers.add().apply([y, x])) as tf.SymbolicTensor;
  x = layers.maxPooling2d({ poolSize: 2 }).apply(x) as tf.SymbolicTensor; // [B, 4, 6, 8]
  x = conv(16, 3, 2).apply(x) as tf.SymbolicTensor; // [B, 2, 3, 16]
  x = layers
    .depthwiseConv2d({ kernelSize: 3, padding: 'same', depthwiseInitializer: init() })
    .apply(x) as tf.SymbolicTensor;
  x = layers.averagePooling2d({ poolSize: [2, 1] }).apply(x) as tf.SymbolicTensor; // [B, 1, 3, 16]
  x = layers.reshape({ targetShape: [3, 16] }).apply(x) as tf.SymbolicTensor;
  x = layers.dense({ units: 10, kernelInitializer: init(), activation: 'tanh' }).apply(x) as tf.SymbolicTensor;
  x = layers.dense({ units: 5, kernelInitializer: init() }).apply(x) as tf.SymbolicTensor; // [B, 3, 5]
  return tf.model({ inputs: input, outputs: x });
}

function makeStep(model: tf.LayersModel, optimizer: tf.Optimizer): () => tf.Scalar {
  return () =>
    tf.tidy(() => {
      const x = noise([2, 8, 12, 3], 7);
      const labels = tf.oneHot(tf.range(0, 6, 1, 'int32').mod(tf.scalar(5, 'int32')).toInt(), 5).reshape([2, 3, 5]);
      const loss = () =>
        tf.losses.softmaxCrossEntropy(labels, model.apply(x, { training: true }) as tf.Tensor) as tf.Scalar;
      return optimizer.minimize(loss, true)!;
    });
}

async function losses(backend: string, steps: number): Promise<number[]> {
  await tf.setBackend(backend);
  const model = smallNet();
  const optimizer = tf.train.adam(0.003);
  const step = makeStep(model, optimizer);
  const curve: number[] = [];
  for (let i = 0; i < steps; i++) {
    const loss = step();
    curve.push((await loss.data())[0]!);
    loss.dispose();
  }
  model.dispose();
  optimizer.dispose();
  return curve;
}

// The plain JS backend takes its time.
describe.skipIf(!available)('training through tf.layers', { timeout: 240_000 }, () => {
  it.each([0, 0.75, 1])('averages move to the values of a batch with momentum %d', (momentum) => {
    const [mean, variance, batchMean, batchVariance] = [[4, 8], [1], [-2, 6], [3]].map((values) => tf.tensor1d(values));
    const inputs = { mean: mean!, variance: variance!, batchMean: batchMean!, batchVariance: batchVariance! };
    const moved = tf.engine().runKernel('MoveAverages', inputs, { momentum }) as unknown as tf.Tensor[];
    const expected = [[4 * momentum - 2 * (1 - momentum), 8 * momentum + 6 * (1 - momentum)], [3 - 2 * momentum]];
    expect(moved.map((tensor) => [...tensor.dataSync()])).toEqual(expected);
    tf.dispose([mean!, variance!, batchMean!, batchVariance!, ...moved]);
  });

  it('averages that are not float32 are an error', () => {
    const [whole, two] = [tf.ones([2], 'bool'), tf.ones([2])];
    const inputs = { mean: whole, variance: two, batchMean: two, batchVariance: two };
    expect(() => tf.engine().runKernel('MoveAverages', inputs, { momentum: 0.5 })).toThrow(
      expect.objectContaining({ code: 'kernel-missing' }),
    );
    tf.dispose([whole, two]);
  });

  it('averages that move to values of another shape are an error', () => {
    const [two, three] = [tf.zeros([2]), tf.zeros([3])];
    for (const [batchMean, batchVariance] of [
      [two, three],
      [three, two],
    ]) {
      const inputs = { mean: three, variance: three, batchMean: batchMean!, batchVariance: batchVariance! };
      expect(() => tf.engine().runKernel('MoveAverages', inputs, { momentum: 0.9 })).toThrow('MoveAverages: Shapes');
    }
    tf.dispose([two, three]);
  });

  it('follows the loss curve of the plain JS backend', async () => {
    const native = await losses('onednn', 12);
    const reference = await losses('cpu', 12);
    expect(native.at(-1)).toBeLessThan(native[0]! / 2);
    // Rounding may flip a ReLU, after which two correct engines part slowly.
    for (const [i, loss] of reference.entries()) expect(Math.abs(native[i]! - loss)).toBeLessThan(2e-3 * reference[0]!);
  });

  it('two models trained at once go as each alone', async () => {
    await tf.setBackend('onednn');
    const train = async (rate: number) => {
      const model = smallNet();
      const optimizer = tf.train.adam(rate);
      const step = makeStep(model, optimizer);
      const curve: number[] = [];
      for (let i = 0; i < 8; i++) {
        const loss = step();
        // Here the other one gets its turn, while this one's step still computes.
        curve.push((await loss.data())[0]!);
        loss.dispose();
      }
      model.dispose();
      optimizer.dispose();
      return curve;
    };
    const alone = [await train(0.003), await train(0.001)];
    expect(await Promise.all([train(0.003), train(0.001)])).toEqual(alone);
    expect(alone[0]).not.toEqual(alone[1]);
  });

  it('makes no fallback call, leaks no tensor and no byte', async () => {
    await tf.setBackend('onednn');
    const model = smallNet();
    const optimizer = tf.train.adam(0.001);
    const step = makeStep(model, optimizer);
    step().dispose();
    step().dispose();
    resetFallbackCalls();
    resetNativeCalls();
    resetProfile();
    const before = tf.memory();
    for (let i = 0; i < 3; i++) step().dispose();
    const after = tf.memory();
    expect(fallbackCalls()).toEqual({});
    expect(nativeCalls().Conv2DBackpropFilter).toBe(9);
    expect(nativeCalls().BatchNormTrainGrad).toBe(6);
    expect(after).toEqual(before);
    expect(after.unreliable).toBe(false);
    const times = profile();
    expect(times.find(({ op }) => op === 'conv2d')?.calls).toBe(12);
    // Of the gradient of the pictures nobody asked.
    expect(times.find(({ op }) => op === 'conv2d_backward_data')?.calls).toBe(9);
    expect(times.every(({ milliseconds }) => milliseconds >= 0)).toBe(true);
    model.dispose();
    optimizer.dispose();
  });

  it('fit, evaluate, predict and save work with a stock model', async () => {
    await tf.setBackend('onednn');
    const model = smallNet();
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const [x, y] = [noise([8, 8, 12, 3], 1), noise([8, 3, 5], 2)];
    const history = await model.fit(x, y, { epochs: 2, batchSize: 4, shuffle: false, verbose: 0 });
    expect(history.history.loss).toHaveLength(2);
    expect((model.evaluate(x, y, { batchSize: 4 }) as tf.Scalar).dataSync()[0]).toBeGreaterThan(0);
    const artifacts = await new Promise<tf.io.ModelArtifacts>((resolve) =>
      model.save(
        tf.io.withSaveHandler(async (saved) => {
          resolve(saved);
          return { modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(saved) };
        }),
      ),
    );
    const loaded = await tf.loadLayersModel(tf.io.fromMemory(artifacts));
    expect(JSON.stringify(artifacts.modelTopology)).toContain('"BatchNormalization"');
    const predict = (m: tf.LayersModel) => (m.predict(x) as tf.Tensor).dataSync();
    expect(predict(loaded)).toEqual(predict(model));
    model.dispose();
    loaded.dispose();
    tf.dispose([x, y]);
  });
});

describe.skipIf(!available)('fused BatchNormalization layer', () => {
  it.each([
    ['last axis', {}, [6, 5, 4]],
    ['matrix', { momentum: 0.6, epsilon: 0.01 }, [9, 4]],
    ['another axis, which stays unfused', { axis: 1 }, [6, 4, 5]],
  ] as const)('trains as the stock layer: %s', async (_, settings, shape) => {
    const outcome = async (backend: string) => {
      await tf.setBackend(backend);
      return tf.tidy(() => {
        const layer = tf.layers.batchNormalization({ ...settings });
        const x = noise(shape, 3).mul(3).add(10);
        layer.build([...shape]);
        layer.setWeights([noise([4], 4), noise([4], 5), noise([4], 6), noise([4], 7).abs()]);
        const f = (input: tf.Tensor) => layer.call(input, { training: true }) as tf.Tensor;
        const inference = layer.call(x, { training: false }) as tf.Tensor;
        // tfjs's gradient of the unfused layer fails for another axis than the last.
        const results =
          'axis' in settings
            ? [f(x), f(x)]
            : [
                ...Object.values(tf.variableGrads(() => f(x).mul(noise(shape, 8)).sum() as tf.Scalar).grads),
                tf.grad((input) => f(input).mul(noise(shape, 8)).sum())(x),
              ];
        return [...layer.getWeights(), ...results, inference].map((tensor) => ({
          shape: tensor.shape,
          dtype: tensor.dtype,
          values: tensor.dataSync(),
        }));
      });
    };
    resetNativeCalls();
    const native = await outcome('onednn');
    expect(nativeCalls().BatchNormTrain ?? 0).toBe('axis' in settings ? 0 : 2);
    const reference = await outcome('cpu');
    for (const [i, expected] of reference.entries()) expectClose(native[i]!, expected, { tolerance: 3e-5 });
  });

  it('trains without gamma or beta, which the stock layer cannot', async () => {
    await tf.setBackend('onednn');
    for (const settings of [{ scale: false }, { center: false }, { scale: false, center: false }]) {
      tf.tidy(() => {
        const layer = tf.layers.batchNormalization(settings);
        const x = noise([50, 3], 1);
        const y = layer.apply(x, { training: true }) as tf.Tensor;
        const { mean, variance } = tf.moments(y, 0);
        expect(Math.max(...mean.abs().dataSync())).toBeLessThan(1e-5);
        expect(Math.max(...variance.sub(1).abs().dataSync())).toBeLessThan(2e-3);
        expect(layer.trainableWeights).toHaveLength(Object.keys(settings).length === 2 ? 0 : 1);
      });
    }
  });
});
