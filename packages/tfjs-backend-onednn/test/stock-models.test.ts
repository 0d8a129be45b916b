import { Rng } from '@proj/core';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { fallbackCalls, resetFallbackCalls } from '../src/index.js';
import { segmentDigits } from './digits.js';
import { available } from './reference.js';

/** Inputs and targets of a training set and of one that the model has not seen. */
interface Data {
  readonly x: tf.Tensor;
  readonly y: tf.Tensor;
  readonly newX: tf.Tensor;
  readonly newY: tf.Tensor;
}

/** One of tfjs's public examples: its network after its description, on data that is made here. */
interface Example {
  readonly build: () => tf.LayersModel;
  readonly data: () => Data;
  readonly fit: tf.ModelFitArgs;
  /** What the loss on new data must fall below. */
  readonly loss: number;
  /** What the accuracy on new data must reach, where it is measured. */
  readonly accuracy?: number;
}

let seed = 0;
/** Initial weights that are the same in every run. */
const init = () => tf.initializers.glorotUniform({ seed: ++seed });
const recurrent = (units: number, returnSequences = false) => ({
  units,
  returnSequences,
  kernelInitializer: init(),
  recurrentInitializer: tf.initializers.orthogonal({ seed: ++seed }),
});
const dense = (units: number, activation?: 'relu' | 'softmax' | 'sigmoid') =>
  tf.layers.dense({ units, kernelInitializer: init(), ...(activation === undefined ? {} : { activation }) });

/** Rows `[0, n)` for training, the rest as new data. */
function split(x: tf.Tensor, y: tf.Tensor, n: number): Data {
  const [trainX, newX] = tf.split(x, [n, x.shape[0]! - n]) as [tf.Tensor, tf.Tensor];
  const [trainY, newY] = tf.split(y, [n, y.shape[0]! - n]) as [tf.Tensor, tf.Tensor];
  return { x: trainX, y: trainY, newX, newY };
}

/** The example `mnist`: a convolutional net on 28x28 digits, here of seven segments, moved about and under noise. */
const mnist: Example = {
  build: () => {
    const conv = (filters: number, inputShape?: [number, number, number]) =>
      tf.layers.conv2d({
        filters,
        kernelSize: 3,
        activation: 'relu',
        kernelInitializer: init(),
        ...(inputShape && { inputShape }),
      });
    const pool = () => tf.layers.maxPooling2d({ poolSize: 2, strides: 2 });
    const model = tf.sequential({
      layers: [conv(16, [28, 28, 1]), pool(), conv(32), pool(), conv(32), tf.layers.flatten()],
    });
    model.add(dense(64, 'relu'));
    model.add(dense(10, 'softmax'));
    model.compile({ optimizer: tf.train.rmsprop(0.003), loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
    return model;
  },
  data: () => {
    const { pictures, digits } = segmentDigits('digits', 640, 0.3);
    return split(pictures, tf.oneHot(digits, 10), 512);
  },
  fit: { epochs: 5, batchSize: 32 },
  loss: 0.2,
  accuracy: 0.95,
};

/** The example `addition-rnn`: sums of two numbers as texts, read by one LSTM and written by another. */
const addition: Example = {
  build: () => {
    const model = tf.sequential();
    model.add(tf.layers.lstm({ ...recurrent(32), inputShape: [3, 12] }));
    model.add(tf.layers.repeatVector({ n: 2 }));
    model.add(tf.layers.lstm(recurrent(32, true)));
    model.add(tf.layers.timeDistributed({ layer: dense(12, 'softmax') }));
    model.compile({ optimizer: tf.train.adam(0.03), loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
    return model;
  },
  data: () => {
    const characters = '0123456789+ ';
    const encode = (texts: string[]) =>
      tf.oneHot(
        texts.map((text) => [...text].map((character) => characters.indexOf(character))),
        characters.length,
      );
    const sums = Array.from({ length: 100 }, (_, i) => [Math.floor(i / 10), i % 10] as const);
    const x = encode(sums.map(([a, b]) => `${a}+${b}`)); // [100, 3, 12]
    const y = encode(sums.map(([a, b]) => String(a + b).padEnd(2))); // [100, 2, 12]
    // There are no more sums of two digits than these; it is to know them all.
    return { x, y, newX: x, newY: y };
  },
  fit: { epochs: 40, batchSize: 50 },
  loss: 0.5,
  accuracy: 0.8,
};

/** The example `jena-weather`: a GRU that foretells the temperature, half a day on, here of a climate made of two waves. */
const weather: Example = {
  build: () => {
    const model = tf.sequential();
    model.add(tf.layers.gru({ ...recurrent(24), inputShape: [12, 2] }));
    model.add(dense(1));
    model.compile({ optimizer: tf.train.rmsprop(0.01), loss: 'meanAbsoluteError' });
    return model;
  },
  data: () => {
    const rng = new Rng('climate');
    const hours = 24 * 20;
    const temperature = Float32Array.from(
      { length: hours },
      (_, t) => Math.sin((2 * Math.PI * t) / 24) + 0.5 * Math.sin((2 * Math.PI * t) / 100) + rng.normal(0, 0.05),
    );
    const pressure = Float32Array.from({ length: hours }, (_, t) => Math.cos((2 * Math.PI * t) / 100));
    const starts = Array.from({ length: 400 }, (_, i) => i);
    const x = starts.map((t) => Array.from({ length: 12 }, (_, i) => [temperature[t + i]!, pressure[t + i]!]));
    const y = starts.map((t) => [temperature[t + 23]!]); // half a day after the last hour seen
    return split(tf.tensor3d(x), tf.tensor2d(y), 300);
  },
  fit: { epochs: 8, batchSize: 50 },
  // Half a day on the temperature has turned: to say that it stays errs by 1.3, to say its mean by 0.65.
  loss: 0.25,
};

/** The example `sentiment`, its convolutional form: words embedded, read in threes; here of a language of 60 words. */
const sentiment: Example = {
  build: () => {
    const model = tf.sequential();
    const embeddings = tf.initializers.randomUniform({ minval: -0.05, maxval: 0.05, seed: ++seed });
    model.add(tf.layers.embedding({ inputDim: 60, outputDim: 16, inputLength: 20, embeddingsInitializer: embeddings }));
    model.add(tf.layers.dropout({ rate: 0.5, seed: ++seed }));
    const kernelInitializer = init();
    model.add(tf.layers.conv1d({ filters: 32, kernelSize: 3, activation: 'relu', kernelInitializer }));
    model.add(tf.layers.globalMaxPooling1d({}));
    model.add(dense(32, 'relu'));
    model.add(dense(1, 'sigmoid'));
    model.compile({ optimizer: tf.train.adam(0.01), loss: 'binaryCrossentropy', metrics: ['accuracy'] });
    return model;
  },
  data: () => {
    const rng = new Rng('reviews');
    const count = 600;
    const reviews = Array.from({ length: count }, () => Array.from({ length: 20 }, () => 10 + rng.int(50)));
    // Words 0..4 praise, 5..9 blame; each review has three of a kind.
    const praise = reviews.map((review) => {
      const good = rng.int(2);
      for (let i = 0; i < 3; i++) review[rng.int(20)] = 5 * (1 - good) + rng.int(5);
      return [good];
    });
    return split(tf.tensor2d(reviews, [count, 20], 'int32'), tf.tensor2d(praise), 500);
  },
  fit: { epochs: 3, batchSize: 50 },
  loss: 0.1,
  accuracy: 0.95,
};

/** The model as it comes back from what `save` gave out. */
async function savedAndLoaded(model: tf.LayersModel): Promise<tf.LayersModel> {
  const artifacts = await new Promise<tf.io.ModelArtifacts>((resolve, reject) => {
    const handler = tf.io.withSaveHandler(async (saved) => {
      resolve(saved);
      return { modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(saved) };
    });
    model.save(handler, { includeOptimizer: true }).catch(reject);
  });
  return tf.loadLayersModel(tf.io.fromMemory(artifacts));
}

const long = process.env.PROJ_TEST_LONG === '1';

describe.skipIf(!available || !long)("tfjs's public examples", { timeout: 240_000 }, () => {
  beforeAll(() => tf.setBackend('onednn'));

  it.each([
    ['mnist', mnist],
    ['addition-rnn', addition],
    ['jena-weather', weather],
    ['sentiment', sentiment],
  ])('%s: fit, evaluate, predict, save and load', async (_, { build, data, fit, loss, accuracy }) => {
    seed = 0;
    const model = build();
    const { x, y, newX, newY } = data();
    resetFallbackCalls();
    const { history } = await model.fit(x, y, { ...fit, shuffle: false, verbose: 0, validationData: [newX, newY] });
    expect(history.loss).toHaveLength(fit.epochs!);
    expect(history.loss!.at(-1)).toBeLessThan(history.loss![0] as number);

    const figures = (of: tf.LayersModel) =>
      tf.tidy(() => [of.evaluate(newX, newY, { batchSize: 32 })].flat().map((figure) => figure.dataSync()[0]!));
    const predictions = (of: tf.LayersModel) =>
      tf.tidy(() => (of.predict(newX, { batchSize: 32 }) as tf.Tensor).dataSync());
    const reached = figures(model);
    expect(reached[0]).toBeLessThan(loss);
    if (accuracy !== undefined) expect(reached[1]).toBeGreaterThanOrEqual(accuracy);
    // What fit measured on the same data, in batches of another size.
    expect(Math.abs((history.val_loss!.at(-1) as number) - reached[0]!)).toBeLessThan(1e-4);
    expect(fallbackCalls()).toEqual({});

    const { numTensors } = tf.memory();
    figures(model);
    predictions(model);
    expect(tf.memory().numTensors).toBe(numTensors);

    const loaded = await savedAndLoaded(model);
    expect(predictions(loaded)).toEqual(predictions(model));
    expect(figures(loaded)).toEqual(reached);
    const goesOn = await loaded.fit(x, y, { ...fit, epochs: 1, shuffle: false, verbose: 0 });
    expect(goesOn.history.loss![0]).toBeLessThan(history.loss![0] as number);

    model.dispose();
    loaded.dispose();
    tf.dispose([x, y, newX, newY]);
  });
});
