import { readFileSync } from 'node:fs';
import { isProjError } from '@proj/core';
import { countMacs } from '@proj/models-core';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { isNative, useTestBackend } from '../../models-core/test/backend.ts';
import { expectAllNative, expectDescent, expectReloads, expectSeeded } from '../../models-core/test/model-laws.ts';
import {
  countTrainable,
  expectSameNetwork,
  expectSameTraining,
  type ForwardGolden,
  pictures,
  type TrainingGolden,
} from '../../models-core/test/torch-goldens.ts';
import { type EfficientNetOptions, efficientnetB0 } from '../src/index.js';

const goldens = JSON.parse(readFileSync(new URL('./goldens/efficientnets.json', import.meta.url), 'utf8')) as {
  trainable: Record<string, number>;
  scaled: Record<string, { trainable: number; dropPathRates: Record<string, number> }>;
  forward: ForwardGolden;
  training: TrainingGolden;
};

const small: EfficientNetOptions = {
  inputShape: [33, 40, 3],
  numClasses: 5,
  widthMultiplier: 0.25,
  depthMultiplier: 0.5,
};

useTestBackend();

function optionsOf({ inputShape: [, height, width, channels] }: ForwardGolden): EfficientNetOptions {
  return { inputShape: [height, width, channels], dropRate: 0, dropPathRate: 0 };
}

describe('the same network as in timm', () => {
  it('with the same logits', { timeout: 120_000 }, () => {
    const model = efficientnetB0({ ...optionsOf(goldens.forward), numClasses: 20 });
    expectSameNetwork(model, goldens.forward, { tolerance: 2e-6 });
    model.dispose();
  });

  it('with the same gradients', { timeout: 120_000 }, () => {
    const model = efficientnetB0({ ...optionsOf(goldens.training), numClasses: 5, widthMultiplier: 0.25 });
    expectSameTraining(model, goldens.training, { tolerance: 1e-4 });
    model.dispose();
  });

  it.each<[string, EfficientNetOptions]>([
    ['efficientnet_b0', {}],
    ['efficientnet_b1', { depthMultiplier: 1.1 }],
    ['efficientnet_b3', { widthMultiplier: 1.2, depthMultiplier: 1.4 }],
  ])('widened and deepened to %s', { timeout: 120_000 }, (name, options) => {
    const { trainable, dropPathRates } = goldens.scaled[name]!;
    const model = efficientnetB0(options);
    expect(countTrainable(model)).toBe(trainable);
    const drops = model.layers.filter((layer) => layer.name.endsWith('.drop_path'));
    const rates = Object.fromEntries(
      drops.map((layer) => [layer.name.replace('.drop_path', ''), layer.getConfig().rate]),
    );
    expect(Object.keys(rates).sort()).toEqual(Object.keys(dropPathRates).sort());
    for (const [block, rate] of Object.entries(dropPathRates)) expect(rates[block]).toBeCloseTo(rate, 12);
    model.dispose();
  });
});

describe('counts in the docstring and the README', () => {
  it.each([
    [1000, 5_288_548],
    [26, 4_040_854],
  ])('for %i classes', (numClasses, trained) => {
    const model = efficientnetB0({ numClasses });
    expect(countTrainable(model)).toBe(trained);
    expect(goldens.trainable[numClasses]).toBe(trained);
    expect(model.countParams()).toBe(trained + 42_016);
    expect(Math.round(countMacs(model).total / 1e6)).toBe(numClasses === 1000 ? 386 : 385);
    model.dispose();
  });
});

it.skipIf(!isNative)('trains and predicts natively without a fallback', () => {
  const model = efficientnetB0(small);
  expectAllNative(model);
  model.dispose();
});

it('starts the same from the same seed, and differently from another', () =>
  expectSeeded((seed) => efficientnetB0({ ...small, seed })));

it('is saved and loaded by TensorFlow.js alone, with logits, dropout and metadata', async () => {
  const model = efficientnetB0(small);
  await expectReloads(model, (loaded) =>
    expect(loaded.getUserDefinedMetadata()).toEqual({
      task: 'classification',
      architecture: 'efficientnet-b0',
      numClasses: 5,
      input: { height: 33, width: 40, channels: 3, range: [0, 255] },
    }),
  );
  model.dispose();
});

it("begins with timm's deviations", () => {
  const model = efficientnetB0({ inputShape: [32, 32, 3] });
  const deviation = (values: number[]) => Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length);
  for (const layer of model.layers.filter((each) => /Conv2D$/.test(each.getClassName()))) {
    const [kernel, bias] = layer.getWeights() as [tf.Tensor, tf.Tensor?];
    const [height, width, , filters] = kernel.shape as [number, number, number, number];
    const values = [...kernel.dataSync()];
    const ratio = deviation(values) / Math.sqrt(2 / (height * width * filters));
    // Four of the ratio's own deviations.
    expect(Math.abs(ratio - 1), layer.name).toBeLessThan(4 / Math.sqrt(2 * values.length));
    expect(new Set(bias?.dataSync() ?? [0])).toEqual(new Set([0]));
  }
  const [kernel, bias] = model.getLayer('classifier').getWeights() as [tf.Tensor, tf.Tensor];
  const weights = [...kernel.dataSync()];
  const largest = weights.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
  expect(largest).toBeLessThanOrEqual(Math.fround(1 / Math.sqrt(1000)));
  expect(deviation(weights) * Math.sqrt(3 * 1000)).toBeCloseTo(1, 2);
  expect(new Set(bias.dataSync())).toEqual(new Set([0]));
  model.dispose();
});

describe('stochastic depth', () => {
  it('skips a block for some examples and not for others', () => {
    const model = efficientnetB0({ ...small, dropPathRate: 0.9 });
    const name = 'blocks.5.1'; // the ninth of ten, and the last that has a shortcut
    const drop = model.getLayer(`${name}.drop_path`);
    const add = model.getLayer(`${name}.add`);
    expect(drop.getConfig().rate).toBeCloseTo((0.9 * 8) / 10, 12);
    Object.assign(drop, { seed: 2 });
    tf.tidy(() => {
      const [, height, width, channels] = (drop.input as tf.SymbolicTensor).shape;
      const branch = tf.ones([64, height!, width!, channels!]);
      const kept = drop.apply(branch, { training: true }) as tf.Tensor;
      const sums = (add.apply([kept, tf.zerosLike(kept)]) as tf.Tensor).max([1, 2, 3]);
      const least = kept.min([1, 2, 3]);
      expect(sums.dataSync()).toEqual(least.dataSync());
      const skipped = sums.dataSync().filter((x) => x === 0).length;
      // 64 * 0.72 = 46 on average, deviation 3.6.
      expect(skipped).toBeGreaterThan(31);
      expect(skipped).toBeLessThan(61);
    });
    model.dispose();
  });

  it('and dropout can be left out', () => {
    const model = efficientnetB0({ ...small, dropRate: 0, dropPathRate: 0 });
    expect(model.layers.filter((layer) => layer.getClassName() === 'Dropout')).toEqual([]);
    model.dispose();
  });
});

it('a step against the gradient lowers the loss as far as the gradient says', { timeout: 120_000 }, () => {
  const model = efficientnetB0({ ...small, seed: 3 });
  tf.tidy(() => {
    const labels = tf.oneHot(tf.tensor1d([0, 3], 'int32'), 5);
    expectDescent(model, pictures([2, 33, 40, 3]), (logits) =>
      tf.losses.softmaxCrossEntropy(labels, logits).asScalar(),
    );
  });
  model.dispose();
});

it.each<[string, EfficientNetOptions, RegExp]>([
  ['no width', { widthMultiplier: 0 }, /widthMultiplier to be a positive number/],
  ['an endless depth', { depthMultiplier: Infinity }, /depthMultiplier to be a positive number/],
  ['dropping all', { dropRate: 1 }, /dropRate in 0..1/],
  ['a negative rate', { dropPathRate: -0.1 }, /dropPathRate in 0..1/],
  ['half a class', { numClasses: 2.5 }, /numClasses to be a positive integer/],
])('%s is an error', (_, options, message) => {
  expect(() => efficientnetB0(options)).toThrow(message);
  try {
    efficientnetB0(options);
  } catch (error) {
    expect(isProjError(error, 'invalid-option')).toBe(true);
  }
});
