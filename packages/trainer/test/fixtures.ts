import { type Batch, type BatchLoader, Rng } from '@proj/core';
import * as tf from '@tensorflow/tfjs';
import type { Metric, TrainEvent, TrainListener } from '../src/index.js';

/** Two halves of 8x8 pixels, each dark, grey or bright with noise: labels `[B, 2]` of 3 classes. */
export function halvesLoader({ batchSize = 8, stepsPerEpoch = 5, seed = 1 } = {}): BatchLoader {
  const makeBatch = (epoch: number, step: number): Batch => {
    const rng = new Rng(seed).split(epoch, step);
    const labels = Int32Array.from({ length: batchSize * 2 }, () => rng.int(3));
    const data = Uint8Array.from({ length: batchSize * 64 }, (_, i) => {
      const half = i % 8 < 4 ? 0 : 1;
      return 40 + 80 * labels[Math.floor(i / 64) * 2 + half]! + rng.int(41) - 20;
    });
    return {
      inputs: { data, shape: [batchSize, 8, 8, 1] },
      labels: { data: labels, shape: [batchSize, 2] },
      indices: Int32Array.from({ length: batchSize }, (_, i) => (epoch * stepsPerEpoch + step) * batchSize + i),
    };
  };
  return {
    stepsPerEpoch,
    async *epoch(epoch, { fromStep = 0 } = {}) {
      for (let step = fromStep; step < stepsPerEpoch; step++) yield makeBatch(epoch, step);
    },
    close: async () => undefined,
  };
}

/** Pictures `[8, 8, 1]` to logits `[2, 3]`, with weights that depend on nothing but the seed. */
export function smallModel({
  batchNorm = true,
  dropout = 0,
  l2 = 0,
  name = 'small',
}: {
  batchNorm?: boolean;
  dropout?: number;
  l2?: number;
  name?: string;
} = {}): tf.LayersModel {
  const kernelInitializer = () => tf.initializers.heNormal({ seed: 7 });
  const kernelRegularizer = () => (l2 > 0 ? tf.regularizers.l2({ l2 }) : undefined);
  const input = tf.input({ shape: [8, 8, 1], name: 'pictures' });
  let x = tf.layers.rescaling({ scale: 1 / 255, name: 'scale' }).apply(input) as tf.SymbolicTensor;
  const add = (layer: tf.layers.Layer) => {
    x = layer.apply(x) as tf.SymbolicTensor;
  };
  const regularized = (regularizer: ReturnType<typeof kernelRegularizer>) =>
    regularizer === undefined ? {} : { kernelRegularizer: regularizer };
  add(
    tf.layers.conv2d({
      filters: 4,
      kernelSize: 3,
      strides: 2,
      name: 'conv',
      kernelInitializer: kernelInitializer(),
      ...regularized(kernelRegularizer()),
    }),
  );
  if (batchNorm) add(tf.layers.batchNormalization({ name: 'norm', momentum: 0.9 }));
  add(tf.layers.reLU({ name: 'relu' }));
  add(tf.layers.flatten({ name: 'flatten' }));
  if (dropout > 0) add(tf.layers.dropout({ rate: dropout, name: 'dropout' }));
  add(
    tf.layers.dense({
      units: 6,
      name: 'head',
      kernelInitializer: kernelInitializer(),
      ...regularized(kernelRegularizer()),
    }),
  );
  add(tf.layers.reshape({ targetShape: [2, 3], name: 'logits' }));
  return tf.model({ inputs: input, outputs: x, name });
}

/** Share of the positions that are read right. */
export const positionAccuracy: Metric<{ right: number; all: number }> = {
  name: 'positionAccuracy',
  init: () => ({ right: 0, all: 0 }),
  update: ({ right, all }, { logits, shape, labels }) => {
    const classes = shape.at(-1)!;
    labels.forEach((label, i) => {
      const row = logits.subarray(i * classes, (i + 1) * classes);
      if (row.indexOf(Math.max(...row)) === label) right++;
    });
    return { right, all: all + labels.length };
  },
  merge: (a, b) => ({ right: a.right + b.right, all: a.all + b.all }),
  compute: ({ right, all }) => right / all,
};

/** Keeps all events. */
export function recorder(): { events: TrainEvent[]; listener: TrainListener } {
  const events: TrainEvent[] = [];
  return { events, listener: (event) => void events.push(event) };
}

/** The events of one type. */
export function eventsOf<T extends TrainEvent['type']>(events: readonly TrainEvent[], type: T) {
  return events.filter((event): event is Extract<TrainEvent, { type: T }> => event.type === type);
}
