import { readFileSync } from 'node:fs';
import { isProjError } from '@proj/core';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { isNative, useTestBackend } from '../../models-core/test/backend.ts';
import { expectAllNative, expectDescent, expectReloads, expectSeeded } from '../../models-core/test/model-laws.ts';
import {
  countTrainable,
  expectSameNetwork,
  type ForwardGolden,
  pictures,
} from '../../models-core/test/torch-goldens.ts';
import {
  type CaptchaModelOptions,
  captchaMetadata,
  captchaModels,
  captchaV1,
  captchaV2,
  captchaV3,
  captchaV4,
  countMacs,
} from '../src/index.js';

const { models: goldens, trainable: trainableParameters } = JSON.parse(
  readFileSync(new URL('./goldens/captcha_models.json', import.meta.url), 'utf8'),
) as { models: Record<string, ForwardGolden>; trainable: Record<string, number> };

/** How each golden's model is made here; the option of the input's size comes from the golden. */
const builders: Record<string, { build: (options: CaptchaModelOptions) => tf.LayersModel; afterFlatten?: string }> = {
  v1: { build: captchaV1, afterFlatten: 'fc1' },
  v2: { build: captchaV2 },
  v3: { build: captchaV3 },
  v4: { build: captchaV4 },
  'v4 narrow': {
    build: (options) => captchaV4({ ...options, width: 8, blocks: [1, 2, 1, 3], stemStride: 1, columns: 3 }),
  },
};

const small: Record<string, CaptchaModelOptions> = {
  v1: { inputShape: [16, 16, 1] },
  v2: { inputShape: [16, 16, 1] },
  v3: { inputShape: [16, 16, 1] },
  v4: { inputShape: [16, 96, 3] },
};

const architectures = Object.keys(captchaModels) as (keyof typeof captchaModels)[];

useTestBackend();

describe('the same network as in PyTorch', () => {
  it.each(Object.keys(goldens))('%s', { timeout: 300_000 }, (name) => {
    const golden = goldens[name]!;
    const { build, afterFlatten } = builders[name]!;
    const [, height, width, channels] = golden.inputShape;
    const model = build({ inputShape: [height, width, channels] });
    expect(model.outputShape).toEqual([null, 4, 62]);
    expectSameNetwork(model, golden, { tolerance: 2e-6, afterFlatten });
    model.dispose();
  });
});

describe('counts in the docstrings', () => {
  it.each([
    ['v1', 17_420_856, 17_420_856, 257_679_360],
    ['v2', 2_352_056, 2_350_072, 316_923_904],
    ['v3', 5_668_600, 5_662_776, 945_020_928],
    ['v4', 367_854, 366_478, 23_191_552],
  ] as const)('%s has %i parameters, %i trained, and %i MACs', (architecture, all, trained, macs) => {
    const model = captchaModels[architecture]();
    expect(model.countParams()).toBe(all);
    expect(countTrainable(model)).toBe(trained);
    expect(countMacs(model).total).toBe(macs);
    model.dispose();
  });

  it.each<[string, () => tf.LayersModel]>([
    ['v1 grey', () => captchaV1({ inputShape: [128, 128, 1] })],
    ['v2 grey', () => captchaV2({ inputShape: [128, 128, 1] })],
    ['v3 colour', () => captchaV3({ inputShape: [128, 128, 3] })],
  ])('%s has the parameters of the PyTorch module', (name, build) => {
    const model = build();
    expect(countTrainable(model)).toBe(trainableParameters[name]);
    model.dispose();
  });

  it('are those of the v4 variants', () => {
    const millions = ([{ width: 24 }, { width: 32 }, { blocks: [1, 1, 1, 1] }, { blocks: [2, 2, 2, 2] }] as const).map(
      (options) => {
        const model = captchaV4(options);
        const { total } = countMacs(model);
        model.dispose();
        return Math.round(total / 1e6);
      },
    );
    expect(millions).toEqual([51, 90, 33, 70]);
  });
});

describe.each(architectures)('%s', (architecture) => {
  const build = captchaModels[architecture];

  it.skipIf(!isNative)('trains and predicts natively without a fallback', () => {
    const model = captchaModels[architecture]({ ...small[architecture], numClasses: 6, length: 2 });
    expectAllNative(model);
    model.dispose();
  });

  it('starts the same from the same seed, and differently from another', () =>
    expectSeeded((seed) => build({ ...small[architecture], seed }), /^(?!align).*\/kernel$/));

  it('is saved and loaded by TensorFlow.js alone, with logits and metadata', async () => {
    const model = build({ ...small[architecture], charset: '0123456789äß', length: 5 });
    const [height, width, channels] = small[architecture]!.inputShape!;
    await expectReloads(model, (loaded) =>
      expect(captchaMetadata(loaded)).toEqual({
        task: 'captcha',
        architecture,
        charset: '0123456789äß',
        numClasses: 12,
        length: 5,
        input: { height, width, channels, range: [0, 255] },
      }),
    );
    model.dispose();
  });
});

describe('training', () => {
  const classes = [0, 5, 1, 4];

  /** Loss over two positions of six classes. */
  function lossOf(logits: tf.Tensor): tf.Scalar {
    const batch = logits.shape[0]!;
    const labels = tf.oneHot(tf.tensor2d(classes.slice(0, 2 * batch), [batch, 2], 'int32'), 6); // [B, L, C]
    return tf.losses.softmaxCrossEntropy(labels, logits).asScalar();
  }

  it.each(architectures)(
    'a step of %s against the gradient lowers the loss as far as the gradient says',
    { timeout: 300_000 },
    (architecture) => {
      const model = captchaModels[architecture]({ ...small[architecture], numClasses: 6, length: 2, seed: 3 });
      // Two pictures only where one would leave batch normalisation a single value to normalise.
      const batch = architecture === 'v1' || architecture === 'v3' ? 1 : 2;
      tf.tidy(() => expectDescent(model, pictures([batch, ...small[architecture]!.inputShape!]), lossOf));
      model.dispose();
    },
  );

  it('of v4 with tf.train.adam learns two captchas by heart', { timeout: 300_000 }, () => {
    const model = captchaV4({ width: 4, inputShape: [16, 64, 3], numClasses: 6, length: 2, seed: 3 });
    const x = pictures([2, 16, 64, 3]);
    const loss = () => tf.tidy(() => lossOf(model.apply(x, { training: true }) as tf.Tensor));
    const variables = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
    const optimizer = tf.train.adam(0.01);
    const losses = Array.from({ length: 10 }, () => {
      const value = optimizer.minimize(loss, true, variables)!;
      const number = value.dataSync()[0]!;
      value.dispose();
      return number;
    });
    expect(losses[0]).toBeGreaterThan(1);
    expect(losses.at(-1)!).toBeLessThan(0.2 * losses[0]!);
    optimizer.dispose();
    model.dispose();
    x.dispose();
  });
});

describe('initial weights', () => {
  it.each(['v1', 'v2', 'v3'] as const)('of %s lie in U(+-1/sqrt(fanIn)), as in PyTorch', (architecture) => {
    const model = captchaModels[architecture]({ ...small[architecture] });
    for (const layer of model.layers.filter((each) => each.getClassName() === 'Conv2D' || each.name.startsWith('fc'))) {
      const [kernel, bias] = layer.getWeights();
      const fanIn = kernel!.shape.slice(0, -1).reduce((product, side) => product * side, 1);
      const values = kernel!.dataSync<'float32'>();
      const meanSquare = values.reduce((sum, x) => sum + x * x, 0) / values.length;
      const largest = values.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
      expect(largest).toBeLessThanOrEqual(Math.fround(1 / Math.sqrt(fanIn)));
      expect(meanSquare * 3 * fanIn).toBeGreaterThan(0.8);
      expect(meanSquare * 3 * fanIn).toBeLessThan(1.2);
      expect(bias!.dataSync().some((x) => x !== 0)).toBe(true);
    }
    model.dispose();
  });

  it('of v4 make each block the identity unless told not to', () => {
    const gammas = (model: tf.LayersModel) =>
      model.layers
        .filter(({ name }) => /block\d\.2\.bn$/.test(name))
        .map((layer) => layer.getWeights()[0]!.dataSync()[0]);
    const identity = captchaV4({ ...small.v4, blocks: [1, 2, 1, 1] });
    const plain = captchaV4({ ...small.v4, zeroInitResidual: false });
    expect(gammas(identity)).toEqual([0, 0, 0, 0, 0]);
    expect(gammas(plain)).toEqual([1, 1, 1]);
    identity.dispose();
    plain.dispose();
  });

  it.each([
    [
      96,
      3,
      2,
      [
        [1, 0, 0, 0, 0, 0],
        [0, 1, 0, 0, 0, 0],
        [0, 0, 1, 0, 0, 0],
        [0, 0, 0, 1, 0, 0],
      ],
    ],
    [
      32,
      2,
      2,
      [
        [1, 0.75, 0.25, 0],
        [0, 0.25, 0.75, 1],
      ],
    ],
    [
      64,
      2,
      1,
      [
        [0.5, 0],
        [0.5, 0],
        [0, 0.5],
        [0, 0.5],
      ],
    ],
  ])(
    'of v4 take the columns of a picture %i wide for %i characters by linear interpolation',
    (width, length, columns, rows) => {
      const model = captchaV4({ ...small.v4, inputShape: [16, width, 3], length, columns });
      const matrix = model.getLayer('align').getWeights()[0]!.arraySync() as number[][];
      expect(matrix.slice(0, rows.length)).toEqual(rows);
      for (const sum of matrix[0]!.map((_, i) => matrix.reduce((total, row) => total + row[i]!, 0)))
        expect(sum).toBe(1);
      model.dispose();
    },
  );
});

describe('options', () => {
  it.each<[string, () => tf.LayersModel, RegExp]>([
    ['a repeated character', () => captchaV4({ charset: 'abca' }), /'a' twice/],
    ['an empty charset', () => captchaV4({ charset: '' }), /at least one class/],
    ['numClasses that charset contradicts', () => captchaV4({ charset: 'abc', numClasses: 4 }), /numClasses to be 3/],
    ['no characters', () => captchaV2({ length: 0 }), /length to be a positive integer/],
    ['a broken shape', () => captchaV3({ inputShape: [32, 32.5, 1] }), /three positive integers/],
    ['a picture that is too small', () => captchaV1({ inputShape: [15, 32, 1] }), /at least 16/],
    ['a picture that does not divide', () => captchaV4({ inputShape: [64, 120, 3] }), /divide by 16/],
    [
      'fewer columns than characters',
      () => captchaV4({ inputShape: [64, 48, 3] }),
      /4 columns of 16 pixels, a width of at least 64/,
    ],
    ['a stage without blocks', () => captchaV4({ blocks: [1, 0, 1, 1] }), /blocks of four stages/],
    ['no width', () => captchaV4({ width: 0 }), /width to be a positive integer/],
    ['no columns', () => captchaV4({ columns: 0 }), /columns to be a positive integer/],
  ])('%s is an error', (_, make, message) => {
    expect(make).toThrow(message);
    try {
      make();
    } catch (error) {
      expect(isProjError(error, 'invalid-option')).toBe(true);
    }
  });

  it('a model of something else has no captcha metadata', () => {
    const other = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [1] })] });
    expect(() => captchaMetadata(other)).toThrow(/does not say that it reads captchas/);
    other.dispose();
  });

  it('numClasses alone leaves the characters open', () => {
    const model = captchaV4({ ...small.v4, numClasses: 63, length: 6 });
    expect(captchaMetadata(model)).not.toHaveProperty('charset');
    expect(model.outputShape).toEqual([null, 6, 63]);
    model.dispose();
  });
});
