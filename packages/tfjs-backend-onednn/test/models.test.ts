import { adam, adamW, clipByGlobalNorm, ema, modelVariables, noDecayOnBiasAndNorm, sgd } from '@proj/optimizers';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { fallbackCalls, nativeCalls, resetFallbackCalls, resetNativeCalls } from '../src/index.js';
import { nets } from './nets.js';
import { available, noise } from './reference.js';

const BATCH = 2;

/** Pictures of 0..255 as a model takes them, and labels of its classes. */
function batchFor(model: tf.LayersModel): { x: tf.Tensor; labels: tf.Tensor } {
  return tf.tidy(() => {
    const x = noise([BATCH, ...(model.inputs[0]!.shape.slice(1) as number[])])
      .add(2)
      .mul(255 / 4);
    const [classes, ...positions] = (model.outputs[0]!.shape.slice(1) as number[]).reverse() as [number, ...number[]];
    const size = BATCH * tf.util.sizeFromShape(positions);
    const indices = tf.tensor1d(Int32Array.from({ length: size }, (_, i) => (i * 7) % classes));
    return { x, labels: tf.oneHot(indices, classes).reshape([BATCH, ...positions.reverse(), classes]) };
  });
}

/** Runs `f` once to make what is made once, then again, and expects that all of it was native. */
function expectNative(f: () => void): void {
  f();
  resetFallbackCalls();
  resetNativeCalls();
  f();
  expect(fallbackCalls()).toEqual({});
  expect(Object.keys(nativeCalls()).length).toBeGreaterThan(0);
}

describe.skipIf(!available)('nothing falls back', { timeout: 120_000 }, () => {
  beforeAll(() => tf.setBackend('onednn'));

  it.each(Object.entries(nets))('in a training step and a prediction of %s', (_, build) => {
    const model = build();
    const { x, labels } = batchFor(model);
    const optimizer = tf.train.momentum(1e-4, 0.9);
    const loss = () => {
      const logits = model.apply(x, { training: true }) as tf.Tensor;
      const smoothing = 0.1;
      return tf.losses.softmaxCrossEntropy(labels, logits, undefined, smoothing) as tf.Scalar;
    };
    let value: number | undefined;
    expectNative(() =>
      tf.tidy(() => {
        value = optimizer.minimize(loss, true)!.dataSync()[0];
        (model.predict(x) as tf.Tensor).argMax(-1).dataSync();
      }),
    );
    expect(value).toBeGreaterThan(0);
    expect(value).toBeLessThan(100);
    model.dispose();
    tf.dispose([x, labels]);
  });

  const tfjsOptimizers: Record<string, () => tf.Optimizer> = {
    sgd: () => tf.train.sgd(0.01),
    momentum: () => tf.train.momentum(0.01, 0.9),
    'momentum, Nesterov': () => tf.train.momentum(0.01, 0.9, true),
    adagrad: () => tf.train.adagrad(0.01),
    adadelta: () => tf.train.adadelta(0.01),
    adam: () => tf.train.adam(0.01),
    adamax: () => tf.train.adamax(0.01),
    rmsprop: () => tf.train.rmsprop(0.01),
    'rmsprop, centred with momentum': () => tf.train.rmsprop(0.01, 0.9, 0.5, 1e-7, true),
  };
  it.each(Object.entries(tfjsOptimizers))('in a step of tf.train: %s', (_, make) => {
    const model = nets.ResNet!();
    const { x, labels } = batchFor(model);
    const optimizer = make();
    const loss = () => tf.losses.softmaxCrossEntropy(labels, model.apply(x, { training: true }) as tf.Tensor);
    expectNative(() => optimizer.minimize(() => loss() as tf.Scalar));
    model.dispose();
    tf.dispose([x, labels]);
  });

  const ourOptimizers = {
    'sgd, Nesterov': () => sgd({ momentum: 0.9, nesterov: true, weightDecay: 5e-4 }),
    adam: () => adam({ weightDecay: 1e-4 }),
    'adamW with groups': () => adamW({ weightDecay: 0.01, groups: [noDecayOnBiasAndNorm()] }),
  };
  it.each(Object.entries(ourOptimizers))(
    'in a step of ours with clipped gradients and averaged weights: %s',
    (_, make) => {
      const model = nets.ResNet!();
      const { x, labels } = batchFor(model);
      const variables = modelVariables(model);
      const optimizer = make();
      const average = ema();
      expectNative(() => {
        const { value, grads } = tf.variableGrads(
          () => tf.losses.softmaxCrossEntropy(labels, model.apply(x, { training: true }) as tf.Tensor).asScalar(),
          Object.values(variables),
        );
        const clipped = clipByGlobalNorm(grads, 1);
        optimizer.apply(clipped.gradients, { learningRate: 0.01, variables });
        average.update(variables);
        average.swap(variables);
        tf.dispose([value, grads, clipped.gradients, clipped.norm]);
      });
      optimizer.dispose();
      average.dispose();
      model.dispose();
      tf.dispose([x, labels]);
    },
  );

  const losses: Record<string, (labels: tf.Tensor, logits: tf.Tensor) => tf.Tensor> = {
    softmaxCrossEntropy: (labels, logits) => tf.losses.softmaxCrossEntropy(labels, logits, undefined, 0.1),
    sigmoidCrossEntropy: (labels, logits) => tf.losses.sigmoidCrossEntropy(labels, logits, undefined, 0.1),
    meanSquaredError: (labels, logits) => tf.losses.meanSquaredError(labels, logits),
    absoluteDifference: (labels, logits) => tf.losses.absoluteDifference(labels, logits),
    huberLoss: (labels, logits) => tf.losses.huberLoss(labels, logits),
    logLoss: (labels, logits) => tf.losses.logLoss(labels, tf.sigmoid(logits)),
    hingeLoss: (labels, logits) => tf.losses.hingeLoss(labels, logits),
    cosineDistance: (labels, logits) => tf.losses.cosineDistance(labels, logits, 1),
    weighted: (labels, logits) => tf.losses.softmaxCrossEntropy(labels, logits, tf.tensor1d([1, 0.5, 0, 2, 1, 1, 1])),
  };
  it.each(Object.entries(losses))('in tf.losses.%s and its gradient', (_, loss) => {
    const logits = noise([7, 5]);
    const labels = tf.oneHot([0, 1, 2, 3, 4, 0, 1], 5).toFloat();
    expectNative(() =>
      tf.tidy(() =>
        tf
          .grad((x: tf.Tensor) => loss(labels, x))(logits)
          .dataSync(),
      ),
    );
    tf.dispose([logits, labels]);
  });
});
