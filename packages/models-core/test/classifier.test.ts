import { isProjError } from '@proj/core';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import {
  type ClassifierOptions,
  cifar10,
  classifierModel,
  classifierTask,
  imageNet,
  type Normalization,
  normalizedPixels,
} from '../src/index.js';
import { useTestBackend } from './backend.ts';

useTestBackend();

const taskOf = (options: ClassifierOptions) =>
  classifierTask('test', options, { inputShape: [2, 2, 3], numClasses: 12, normalization: cifar10 });

/** A model that gives its normalised pixels back. */
function normalizer(options: ClassifierOptions): tf.LayersModel {
  const task = taskOf(options);
  const { input, normalized } = normalizedPixels(task);
  return classifierModel(task, input, tf.layers.flatten().apply(normalized) as tf.SymbolicTensor);
}

describe('pixels are normalised', () => {
  it.each<[string, ClassifierOptions, number[], number[]]>([
    ["by the model's own figures", {}, [0.4914, 0.4822, 0.4465], [0.2023, 0.1994, 0.201]],
    ['by those of ImageNet', { normalization: imageNet }, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]],
    ['by one number for all channels', { normalization: { mean: 0, std: 1 } }, [0, 0, 0], [1, 1, 1]],
    ['to -1..1 where there is one channel', { inputShape: [2, 3, 1] }, [0.5], [0.5]],
  ])('%s, also after saving and loading', async (_, options, mean, std) => {
    const model = normalizer(options);
    const loaded = await tf.models.modelFromJSON(model.toJSON(null, false) as unknown as tf.io.ModelJSON);
    const values = Array.from({ length: 24 }, (_, i) => i * 11); // 0..253
    const shape = [
      24 / tf.util.sizeFromShape(model.inputs[0]!.shape.slice(1) as number[]),
      ...model.inputs[0]!.shape.slice(1),
    ];
    for (const each of [model, loaded]) {
      const outputs = tf.tidy(() => (each.predict(tf.tensor(values, shape as number[])) as tf.Tensor).dataSync());
      outputs.forEach((output, i) => {
        const channel = i % mean.length;
        expect(Math.abs(output - (values[i]! / 255 - mean[channel]!) / std[channel]!)).toBeLessThan(1e-6);
      });
      each.dispose();
    }
  });
});

it('the model says what it is', () => {
  const model = normalizer({});
  expect(model.name).toBe('test');
  expect(model.getUserDefinedMetadata()).toEqual({
    task: 'classification',
    architecture: 'test',
    numClasses: 12,
    input: { height: 2, width: 2, channels: 3, range: [0, 255] },
  });
  model.dispose();
});

it.each<[string, ClassifierOptions, RegExp]>([
  ['no classes', { numClasses: 0 }, /numClasses to be a positive integer/],
  ['a side of 0', { inputShape: [0, 2, 3] }, /three positive integers/],
  ['half a pixel', { inputShape: [2, 2.5, 3] }, /three positive integers/],
  [
    'three means for one channel',
    { inputShape: [2, 2, 1], normalization: imageNet },
    /normalization.mean to be 1 numbers/,
  ],
  [
    'a deviation of 0',
    { normalization: { mean: 0, std: [1, 0, 1] } },
    /std to be 3 positive numbers. Received \[1,0,1\]/,
  ],
  // From JavaScript.
  ['a mean alone', { normalization: { mean: 0 } as unknown as Normalization }, /std to be 3 positive .* undefined/],
  ['a shape in a string', { inputShape: '223' as unknown as [2, 2, 3] }, /three positive integers/],
  ['a mean that is no number', { normalization: { mean: Number.NaN, std: 1 } }, /mean to be 3 numbers/],
])('%s is an error', (_, options, message) => {
  expect(() => taskOf(options)).toThrow(message);
  try {
    taskOf(options);
  } catch (error) {
    expect(isProjError(error, 'invalid-option')).toBe(true);
  }
});
