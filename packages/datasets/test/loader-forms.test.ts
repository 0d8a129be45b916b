import type { TransformJson } from '@proj/augment';
import { afocus } from '@proj/captcha-gen';
import { type Batch, type BatchLoader, Rng } from '@proj/core';
import {
  balancedWeights,
  ctc,
  fixedLength,
  generatorSource,
  type LoaderOptions,
  type LoaderState,
  loader,
  oneHot,
} from '@proj/datasets';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { sources, transforms } from './fixtures/paths.js';

const numbered = (size: number) => ({ module: sources, export: 'numbered', options: { size } });
const transform = (name: string, options: object) => ({ module: transforms, export: name, options });

/** A loader that is closed when the test ends. */
async function open(options: LoaderOptions) {
  const opened = await loader({ workers: 0, ...options });
  onTestFinished(() => opened.close());
  return opened;
}

async function all(batches: AsyncIterable<Batch>): Promise<Batch[]> {
  const list: Batch[] = [];
  for await (const batch of batches) list.push(batch);
  return list;
}

const indices = (batches: readonly Batch[]) => batches.flatMap((batch) => [...batch.indices]);

describe('pictures of real numbers', () => {
  it('make batches of real numbers, the same for any number of workers', async () => {
    const options = {
      source: numbered(10),
      batchSize: 4,
      shuffle: true,
      transform: transform('normalize', { mean: 2, deviation: 4, noise: 0.5 }),
    };
    const expected = await all((await open(options)).epoch(1));
    const [first] = expected;
    expect(first!.inputs.data).toBeInstanceOf(Float32Array);
    expect(first!.inputs.shape).toEqual([4, 2, 2, 1]);
    for (const [row, index] of first!.indices.entries()) {
      const noise = first!.inputs.data[row * 4]! - (index - 2) / 4;
      expect(noise).toBeGreaterThanOrEqual(-1e-6);
      expect(noise).toBeLessThan(0.5);
    }
    expect(expected[2]!.inputs.data.length).toBe(2 * 4);
    expect(await all((await open({ ...options, workers: 2 })).epoch(1))).toEqual(expected);
  });

  it('come from the pipelines of @proj/augment, in workers too', async () => {
    const options = {
      source: generatorSource({
        module: '@proj/captcha-gen',
        export: 'afocus',
        seed: 1,
        size: 6,
        parentURL: import.meta.url,
      }),
      codec: fixedLength(afocus()),
      batchSize: 3,
      transform: {
        module: '@proj/augment',
        export: 'pipeline',
        options: [
          { name: 'randomCrop', size: [32, 32] },
          { name: 'normalize', mean: 0.5, std: 0.5 },
        ] satisfies TransformJson[],
        parentURL: import.meta.url,
      },
    };
    const expected = await all((await open(options)).epoch(0));
    expect(expected.map(({ inputs }) => inputs.shape)).toEqual([
      [3, 32, 32, 3],
      [3, 32, 32, 3],
    ]);
    for (const { inputs } of expected) {
      expect(inputs.data).toBeInstanceOf(Float32Array);
      expect(inputs.data.every((value) => Math.abs(value) <= 1)).toBe(true);
      expect(inputs.data.some((value) => value !== inputs.data[0])).toBe(true);
    }
    expect(await all((await open({ ...options, workers: 2 })).epoch(0))).toEqual(expected);
  });

  it('do not mix with bytes, within a batch or between batches', async () => {
    for (const batchSize of [10, 2]) {
      const train = await open({ source: numbered(10), batchSize, transform: transform('floatsFromOn', { value: 4 }) });
      await expect(all(train.epoch(0))).rejects.toMatchObject({
        code: 'picture-size-mismatch',
        expected: 'values as Uint8Array',
        received: 'Float32Array',
        message: expect.stringContaining('number 4'),
      });
    }
  });

  it.each(['nothing', 'bytes', 'no size', 'too few'])(
    '%s from a transform is an error, not a blank picture',
    async (what) => {
      const train = await open({ source: numbered(4), batchSize: 2, transform: transform('givesWrong', { what }) });
      await expect(all(train.epoch(0))).rejects.toMatchObject({
        code: 'invalid-image',
        message: expect.stringContaining('number 0'),
      });
    },
  );
});

describe('lastBatch pad', () => {
  it('fills the last batch with blank rows: pictures 0, labels and indices -1', async () => {
    const train = await open({ source: numbered(5), batchSize: 4, lastBatch: 'pad', workers: 1 });
    const [, last] = await all(train.epoch(0));
    expect(train.stepsPerEpoch).toBe(2);
    expect(last!.inputs).toEqual({ data: Uint8Array.from([4, 4, 4, 4, ...Array(12).fill(0)]), shape: [4, 2, 2, 1] });
    expect(last!.labels).toEqual({ data: Int32Array.of(4, -1, -1, -1), shape: [4] });
    expect([...last!.indices]).toEqual([4, -1, -1, -1]);
  });

  it('fills encoded labels too, and leaves full batches alone', async () => {
    const source = { module: sources, export: 'stripes', size: 3 };
    const codec = fixedLength({ charset: '0123456789', length: 4 });
    const [first, last] = await all((await open({ source, codec, batchSize: 2, lastBatch: 'pad' })).epoch(0));
    expect([...first!.indices]).toEqual([0, 1]);
    expect(last!.labels).toEqual({ data: Int32Array.of(0, 0, 0, 2, -1, -1, -1, -1), shape: [2, 4] });
  });
});

describe('codecs in a loader', () => {
  it('give labels the shape they have', async () => {
    const source = { module: sources, export: 'stripes', size: 2 };
    const charset = '0123456789';
    for (const [codec, shape] of [
      [ctc({ charset, length: 6 }), [2, 6]],
      [oneHot(fixedLength({ charset, length: 4 })), [2, 4, 10]],
    ] as const) {
      const [batch] = await all((await open({ source, codec, batchSize: 2 })).epoch(0));
      expect(batch!.labels.shape).toEqual(shape);
      expect(batch!.labels.data.length).toBe(shape.reduce((product, side) => product * side, 1));
      expect(batch!.labels.data.slice(codec.length)).toEqual(codec.encode('0001'));
    }
  });
});

describe('weights', () => {
  it('draw each example as often as its share says, rounded down or up', async () => {
    const weights = fc.array(fc.oneof(fc.constant(0), fc.double({ min: 0.01, max: 10, noNaN: true })), {
      minLength: 5,
      maxLength: 40,
    });
    await fc.assert(
      fc.asyncProperty(weights, fc.integer(), async (weights, seed) => {
        fc.pre(weights.some((weight) => weight > 0));
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        const train = await open({ source: numbered(weights.length), batchSize: 7, weights, seed });
        const drawn = indices(await all(train.epoch(3)));
        expect(drawn.length).toBe(weights.length);
        for (const [index, weight] of weights.entries()) {
          const share = (weights.length * weight) / total;
          const count = drawn.filter((each) => each === index).length;
          expect(count).toBeGreaterThanOrEqual(Math.floor(share - 1e-6));
          expect(count).toBeLessThanOrEqual(weight === 0 ? 0 : Math.ceil(share + 1e-6));
        }
      }),
      { numRuns: 40 },
    );
  });

  it('balance classes in every epoch, with other examples of the common ones in each', async () => {
    const samples = Array.from({ length: 100 }, (_, k) => ({ label: k < 90 ? 0 : 1 }));
    const train = await open({ source: numbered(100), batchSize: 10, weights: balancedWeights(samples), seed: 4 });
    const epochs = await Promise.all([0, 1].map(async (epoch) => indices(await all(train.epoch(epoch)))));
    for (const drawn of epochs) expect(drawn.filter((index) => index >= 90).length).toBe(50);
    expect(new Set(epochs[0]).size).toBe(60);
    const common = epochs.map((drawn) => new Set(drawn.filter((index) => index < 90)));
    expect([...common[0]!].filter((index) => !common[1]!.has(index)).length).toBeGreaterThan(5);
    expect(indices(await all(train.epoch(1, { fromStep: 4 })))).toEqual(epochs[1]!.slice(40));
    // Mixed, not one class after the other: the first half has about half of the rare ones.
    const early = epochs[0]!.slice(0, 50).filter((index) => index >= 90).length;
    expect(Math.abs(early - 25)).toBeLessThan(4 * 2.52); // hypergeometric: 50 of 100 drawn, 50 of them rare
  });

  it.each([[[1, 2]], [[1, -1, 1]], [[0, 0, 0]], [[1, Number.NaN, 1]], [[1, Number.POSITIVE_INFINITY, 1]]])(
    'that make no sense are refused: %j',
    async (weights) => {
      const failing = loader({ source: numbered(3), batchSize: 2, workers: 0, weights });
      await expect(failing).rejects.toMatchObject({ code: 'invalid-weights' });
    },
  );

  it('are refused for an endless source', async () => {
    const source = { module: sources, export: 'stripes' };
    await expect(loader({ source, batchSize: 2, workers: 0, stepsPerEpoch: 2, weights: [1] })).rejects.toMatchObject({
      code: 'invalid-weights',
      fix: expect.stringContaining('size'),
    });
  });
});

describe('the state of a loader', () => {
  const options = (more: Partial<LoaderOptions> = {}): LoaderOptions => ({
    source: numbered(11),
    batchSize: 3,
    shuffle: true,
    seed: 'x',
    transform: transform('addNoise', { most: 256 }),
    ...more,
  });

  /** Runs to the step, keeps the state as JSON, and goes on with another loader. */
  async function stopAndGoOn(steps: number, first: BatchLoader & { state: LoaderState }, second: LoaderOptions) {
    const before: Batch[] = [];
    for await (const batch of first.epoch(2)) {
      before.push(batch);
      if (before.length === steps) break;
    }
    const state = JSON.parse(JSON.stringify(first.state)) as LoaderState;
    expect(JSON.stringify(state).length).toBeLessThan(300);
    return [...before, ...(await all((await open(second)).resume(state)))];
  }

  it('lets another go on as if there had been no stop', async () => {
    for (const more of [{}, { weights: Array.from({ length: 11 }, (_, k) => k) }, { lastBatch: 'pad' as const }]) {
      const whole = await all((await open(options(more))).epoch(2));
      for (const steps of [1, 3, 4])
        expect(await stopAndGoOn(steps, await open(options(more)), options({ ...more, workers: 1 }))).toEqual(whole);
    }
  });

  it('counts the batches that were given, not those made ahead', async () => {
    const train = await open(options({ workers: 2 }));
    expect(train.state).toMatchObject({ epoch: 0, step: 0 });
    for await (const _ of train.epoch(5)) break;
    expect(train.state).toMatchObject({ epoch: 5, step: 1 });
  });

  it('is refused by a loader that would give other batches', async () => {
    const { state } = await open(options());
    const endless = { source: { module: sources, export: 'stripes' }, stepsPerEpoch: 4 };
    for (const [more, field] of [
      [{ seed: 'y' }, 'seed'],
      [{ batchSize: 4 }, 'batchSize'],
      [{ shuffle: false }, 'shuffle'],
      [{ source: numbered(12) }, 'size'],
      [{ lastBatch: 'drop' as const }, 'lastBatch'],
      [{ weights: Array(11).fill(1) }, 'weights'],
      [{ ...endless, transform: undefined }, 'size null'],
      [{ transform: undefined }, 'transform null'],
      [{ transform: transform('addNoise', { most: 255 }) }, 'transform "'],
      [{ transform: transform('normalize', { most: 256 }) }, 'transform "'],
    ] as const) {
      const other = await open(options(more));
      expect(() => other.resume(state)).toThrow(
        expect.objectContaining({ code: 'state-mismatch', expected: expect.stringContaining(field) }),
      );
    }
    const same = await open(options());
    for (const wrong of [undefined, {}, { ...state, step: -1 }, { ...state, epoch: 0.5 }])
      expect(() => same.resume(wrong as LoaderState)).toThrow(expect.objectContaining({ code: 'state-mismatch' }));
  });

  it('knows transforms by export and options, wherever their module lies; states of before do not know them', async () => {
    const { state } = await open(options());
    const moved = { ...transform('addNoise', { most: 256 }), module: './fixtures/transforms.mjs' };
    const elsewhere = await open(options({ transform: { ...moved, parentURL: import.meta.url } }));
    expect(elsewhere.state).toEqual(state);
    const other = await open(options({ transform: undefined }));
    const { transform: _, ...plan } = state.plan;
    expect(await all(other.resume({ ...state, plan }))).toHaveLength(4);
    const big = await open(options({ transform: transform('addNoise', { most: 256, unused: 1n }) }));
    expect(await all(big.resume(big.state))).toHaveLength(4);
  });

  it('of a random place goes on right', async () => {
    const rng = new Rng(3);
    for (let run = 0; run < 5; run++) {
      const batchSize = 1 + rng.int(6);
      const chosen = options({ batchSize, lastBatch: rng.pick(['keep', 'drop', 'wrap', 'pad']), seed: rng.int(1000) });
      const whole = await all((await open(chosen)).epoch(2));
      expect(await stopAndGoOn(1 + rng.int(whole.length), await open(chosen), chosen)).toEqual(whole);
    }
  });
});
