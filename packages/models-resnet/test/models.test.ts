import { readFileSync } from 'node:fs';
import { isProjError } from '@proj/core';
import { countMacs } from '@proj/models-core';
import type * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { isNative, useTestBackend } from '../../models-core/test/backend.ts';
import { expectAllNative, expectReloads, expectSeeded } from '../../models-core/test/model-laws.ts';
import {
  countTrainable,
  expectSameNetwork,
  expectSameTraining,
  type ForwardGolden,
  type TrainingGolden,
} from '../../models-core/test/torch-goldens.ts';
import { resnet18, resnet34, type resnetModels, wideResNet } from '../src/index.js';

const goldens = JSON.parse(readFileSync(new URL('./goldens/resnets.json', import.meta.url), 'utf8')) as {
  trainable: Record<string, number>;
  forward: Record<string, ForwardGolden>;
  training: Record<string, TrainingGolden>;
};

type Shape = readonly [number, number, number];
type Build = (inputShape: Shape) => tf.LayersModel;

/** How each golden's model is made here. */
const forward: Record<string, Build> = {
  resnet34: (inputShape) => resnet34({ inputShape, numClasses: 378 }),
  'resnet18 narrow': (inputShape) => resnet18({ inputShape, numClasses: 5, width: 8, stem: 'narrow' }),
  'wideresnet-28-10': (inputShape) => wideResNet({ inputShape }),
};
const training: Record<string, Build> = {
  'resnet34 thin': (inputShape) => resnet34({ inputShape, numClasses: 5, width: 4 }),
  'wideresnet-16-1': (inputShape) => wideResNet({ inputShape, depth: 16, widenFactor: 1 }),
};

/** Small forms of every model of the package, and what they are called. */
const small: Record<keyof typeof resnetModels, [architecture: string, build: (seed: number) => tf.LayersModel]> = {
  resnet18: ['resnet18', (seed) => resnet18({ inputShape: [32, 40, 3], numClasses: 5, width: 4, seed })],
  resnet34: ['resnet34', (seed) => resnet34({ inputShape: [32, 40, 3], numClasses: 5, width: 4, seed })],
  wideResNet: ['wideresnet-10-1', (seed) => wideResNet({ inputShape: [8, 8, 3], depth: 10, widenFactor: 1, seed })],
};

useTestBackend();

const shapeOf = ({ inputShape: [, height, width, channels] }: ForwardGolden): Shape => [height, width, channels];

describe('the same network as in PyTorch', () => {
  // To fill 36 million weights takes half a minute.
  const isLong = (name: string) => name === 'wideresnet-28-10';
  const shown = Object.entries(goldens.forward).filter(([name]) => process.env.PROJ_TEST_LONG === '1' || !isLong(name));
  it.each(shown)('%s', { timeout: 120_000 }, (name, golden) => {
    const model = forward[name]!(shapeOf(golden));
    expectSameNetwork(model, golden, { tolerance: 2e-6 });
    model.dispose();
  });

  it.each(Object.entries(goldens.training))('%s, and the same gradients', { timeout: 120_000 }, (name, golden) => {
    const model = training[name]!(shapeOf(golden));
    expectSameNetwork(model, golden, { tolerance: 2e-6 });
    expectSameTraining(model, golden, { tolerance: 1e-4 });
    model.dispose();
  });
});

describe('counts in the docstrings and the README', () => {
  it.each<[string, () => tf.LayersModel, trained: number, statistics: number, macs: number]>([
    ['resnet18', resnet18, 11_689_512, 9_600, 1_814_073_344],
    ['resnet34', resnet34, 21_797_672, 17_024, 3_663_761_408],
  ])('%s', { timeout: 120_000 }, (name, build, trained, statistics, macs) => {
    const model = build();
    expect(countTrainable(model)).toBe(trained);
    expect(goldens.trainable[name]).toBe(trained);
    expect(model.countParams()).toBe(trained + statistics);
    expect(countMacs(model).total).toBe(macs);
    model.dispose();
  });

  it('wideresnet-28-10', { timeout: 120_000 }, () => {
    const model = wideResNet();
    expect(countTrainable(model)).toBe(36_479_194);
    expect(goldens.forward['wideresnet-28-10']!.trainable).toBe(36_479_194);
    expect(model.countParams()).toBe(36_479_194 + 17_952);
    expect(countMacs(model).total).toBe(5_243_328_768);
    model.dispose();
  });

  it.each([
    ['wideresnet-16-4', { depth: 16, widenFactor: 4 }],
    ['wideresnet-40-2', { depth: 40, widenFactor: 2 }],
  ])('%s has the parameters of the PyTorch module', (name, options) => {
    const model = wideResNet(options);
    expect(model.name).toBe(name);
    expect(countTrainable(model)).toBe(goldens.trainable[name]);
    model.dispose();
  });
});

describe.each(Object.entries(small))('%s', (_, [architecture, build]) => {
  it.skipIf(!isNative)('trains and predicts natively without a fallback', () => {
    const model = build(1);
    expectAllNative(model);
    model.dispose();
  });

  it('starts the same from the same seed, and differently from another', () => expectSeeded(build));

  it('is saved and loaded by TensorFlow.js alone, with logits and metadata', async () => {
    const model = build(1);
    const [height, width, channels] = model.inputs[0]!.shape.slice(1);
    await expectReloads(model, (loaded) =>
      expect(loaded.getUserDefinedMetadata()).toEqual({
        task: 'classification',
        architecture,
        numClasses: model.outputShape[1],
        input: { height, width, channels, range: [0, 255] },
      }),
    );
    model.dispose();
  });

  it('begins with convolutions of deviation sqrt(2 / fanOut)', () => {
    const model = build(1);
    for (const layer of model.layers.filter((each) => each.getClassName() === 'Conv2D')) {
      const kernel = layer.getWeights()[0]!;
      const [height, width, , filters] = kernel.shape as [number, number, number, number];
      const values = [...kernel.dataSync()];
      const ratio = Math.sqrt(
        (values.reduce((sum, x) => sum + x * x, 0) / values.length) * height * width * filters * 0.5,
      );
      // Four of the ratio's own deviations.
      expect(Math.abs(ratio - 1), layer.name).toBeLessThan(4 / Math.sqrt(2 * values.length));
    }
    model.dispose();
  });
});

describe('options', () => {
  const thin = { inputShape: [60, 200, 3], numClasses: 378, width: 2 } as const;

  it('the wide stem leaves a quarter of each side, the narrow one all', () => {
    const mapOf = (stem?: 'wide' | 'narrow') => {
      const model = resnet34({ ...thin, stem });
      const shapes = [1, 2, 3, 4].map(
        (stage) => (model.getLayer(`layer${stage}.2.relu2`).output as tf.SymbolicTensor).shape,
      );
      expect(model.outputShape).toEqual([null, 378]);
      model.dispose();
      return shapes.map(([, height, width]) => [height, width]);
    };
    expect(mapOf()).toEqual([
      [15, 50],
      [8, 25],
      [4, 13],
      [2, 7],
    ]);
    expect(mapOf('wide')).toEqual(mapOf());
    expect(mapOf('narrow')).toEqual([
      [60, 200],
      [30, 100],
      [15, 50],
      [8, 25],
    ]);
  });

  it('zeroInitResidual begins each block as the identity', () => {
    const gammas = (model: tf.LayersModel) => {
      const norms = model.layers.filter((layer) => layer.getClassName() === 'BatchNormalization');
      const zeros = norms.filter((layer) =>
        layer
          .getWeights()[0]!
          .dataSync()
          .every((x) => x === 0),
      );
      model.dispose();
      return zeros.map(({ name }) => name);
    };
    expect(gammas(resnet18({ ...thin }))).toEqual([]);
    const blocks = [1, 2, 3, 4].flatMap((stage) => [0, 1].map((i) => `layer${stage}.${i}.bn2`));
    expect(gammas(resnet18({ ...thin, zeroInitResidual: true }))).toEqual(blocks);
  });

  it('dropRate puts dropout between the convolutions of each block', () => {
    const model = wideResNet({ inputShape: [8, 8, 3], depth: 16, widenFactor: 1, dropRate: 0.3 });
    const drops = model.layers.filter((layer) => layer.getClassName() === 'Dropout');
    expect(drops.map(({ name }) => name)).toEqual(
      [1, 2, 3].flatMap((group) => [0, 1].map((i) => `block${group}.layer.${i}.dropout`)),
    );
    for (const { name } of drops) {
      expect(model.getLayer(name).getConfig().rate).toBe(0.3);
      const conv = model.getLayer(name.replace('dropout', 'conv2'));
      expect((conv.input as tf.SymbolicTensor).sourceLayer.name).toBe(name);
    }
    model.dispose();
  });

  it.each<[string, () => tf.LayersModel, RegExp]>([
    ['an unknown stem', () => resnet34({ stem: 'deep' as 'wide' }), /'wide' or 'narrow'. Received deep/],
    ['half a channel', () => resnet18({ width: 1.5 }), /width to be a positive integer/],
    ['a depth between blocks', () => wideResNet({ depth: 30 }), /depth to be 6 n \+ 4/],
    ['no blocks', () => wideResNet({ depth: 4 }), /depth to be 6 n \+ 4/],
    ['no width', () => wideResNet({ widenFactor: 0 }), /widenFactor to be a positive integer/],
    ['dropping all', () => wideResNet({ dropRate: 1 }), /dropRate in 0..1/],
    ['no classes', () => resnet34({ numClasses: 0 }), /numClasses to be a positive integer/],
  ])('%s is an error', (_, make, message) => {
    expect(make).toThrow(message);
    try {
      make();
    } catch (error) {
      expect(isProjError(error, 'invalid-option')).toBe(true);
    }
  });
});
