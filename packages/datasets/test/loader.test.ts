import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afocus } from '@proj/captcha-gen';
import { type Batch, type BatchLoader, Rng } from '@proj/core';
import {
  captchaFolder,
  cifar10Source,
  fixedLength,
  folderSource,
  generatorSource,
  type LoaderOptions,
  loader,
  webDatasetSource,
} from '@proj/datasets';
import sharp from 'sharp';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { sources, transforms } from './fixtures/paths.js';
import { temporaryFolder } from './temporary-folder.js';

const digits = fixedLength({ charset: '0123456789', length: 4 });
const generator = generatorSource({ module: sources, export: 'stripes', options: {}, seed: 5 });
const numbered = (size: number) => ({ module: sources, export: 'numbered', options: { size } });

/** A loader that is closed when the test ends. */
async function open(options: LoaderOptions) {
  const opened = await loader(options);
  onTestFinished(() => opened.close());
  return opened;
}

async function batches(from: BatchLoader, epoch: number, fromStep?: number): Promise<Batch[]> {
  const all: Batch[] = [];
  for await (const batch of from.epoch(epoch, fromStep === undefined ? {} : { fromStep })) all.push(batch);
  return all;
}

const indices = (all: readonly Batch[]) => all.map((batch) => [...batch.indices]);

/** Twelve pictures of 6x4, their labels 0000..0011, in PNG. */
const folder = temporaryFolder();
beforeAll(async () => {
  for (let i = 0; i < 12; i++) {
    const create = { width: 6, height: 4, channels: 3 as const, background: { r: i * 20, g: 5, b: 250 - i } };
    writeFileSync(join(folder, `${i}_${String(i).padStart(4, '0')}.png`), await sharp({ create }).png().toBuffer());
  }
});

describe('batches', () => {
  it('are pictures [B, H, W, C], labels [B, L] and indices', async () => {
    const train = await open({ source: generator, codec: digits, batchSize: 3, stepsPerEpoch: 2 });
    const [first, second] = await batches(train, 0);
    expect(first!.inputs.shape).toEqual([3, 4, 6, 3]);
    expect(first!.inputs.data).toBeInstanceOf(Uint8Array);
    expect(first!.inputs.data.length).toBe(3 * 4 * 6 * 3);
    expect(first!.inputs.data[4 * 6 * 3]).toBe((5 * 101 + 31) % 256); // picture 1, first value
    expect(first!.labels).toEqual({ data: Int32Array.of(0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2), shape: [3, 4] });
    expect(indices([first!, second!])).toEqual([
      [0, 1, 2],
      [3, 4, 5],
    ]);
    expect(train).toMatchObject({ stepsPerEpoch: 2, batchSize: 3, size: Number.POSITIVE_INFINITY });
  });

  it('have labels [B] where labels are classes', async () => {
    const [batch] = await batches(await open({ source: numbered(3), batchSize: 3 }), 0);
    expect(batch!.labels).toEqual({ data: Int32Array.of(0, 1, 2), shape: [3] });
    expect(batch!.inputs).toEqual({ data: Uint8Array.of(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2), shape: [3, 2, 2, 1] });
  });

  it.each([
    ['a generator', () => ({ source: generator, stepsPerEpoch: 7 })],
    ['a folder', async () => ({ source: folderSource((await captchaFolder(folder)).samples), shuffle: true })],
    [
      'a folder, transformed',
      async () => ({
        source: folderSource((await captchaFolder(folder)).samples, { channels: 1, resize: { width: 5, height: 3 } }),
        shuffle: true,
        transform: { module: transforms, export: 'addNoise', options: { most: 256 } },
      }),
    ],
    [
      'a generator, transformed',
      () => ({
        source: generator,
        stepsPerEpoch: 7,
        transform: { module: transforms, export: 'addNoise', options: { most: 256 } },
      }),
    ],
  ])('of %s are the same for 0, 1 and 3 workers, in any epoch', async (_, describeSource) => {
    const options = { ...(await describeSource()), codec: digits, batchSize: 5, seed: 'same' };
    const alone = await open({ ...options, workers: 0 });
    const expected = [await batches(alone, 0), await batches(alone, 3)];
    expect(expected[0]).not.toEqual(expected[1]);
    for (const [workers, prefetch] of [
      [1, undefined],
      [3, 1],
    ]) {
      const train = await open({ ...options, workers, prefetch });
      // Later epoch first, and both twice: neither order nor what is cached may play a part.
      for (const epoch of [1, 0, 1]) expect(await batches(train, [0, 3][epoch]!)).toEqual(expected[epoch]);
    }
  });

  it('go on in mid-epoch as if there had been no stop', async () => {
    const source = folderSource((await captchaFolder(folder)).samples);
    const transform = { module: transforms, export: 'addNoise', options: { most: 256 } };
    const train = await open({ source, codec: digits, batchSize: 5, shuffle: true, seed: 2, transform });
    const whole = await batches(train, 1);
    expect(whole.length).toBe(3);
    for (const fromStep of [0, 1, 2, 3]) expect(await batches(train, 1, fromStep)).toEqual(whole.slice(fromStep));
  });

  it('hold the same examples, with the same random numbers, whatever their size', async () => {
    const transform = { module: transforms, export: 'addNoise', options: { most: 256 } };
    const examples = async (batchSize: number) => {
      const train = await open({ source: numbered(12), batchSize, shuffle: true, transform, workers: 0 });
      return (await batches(train, 1)).flatMap(({ inputs, indices }) =>
        Array.from(indices, (index, i) => [index, ...inputs.data.subarray(i * 4, i * 4 + 4)]),
      );
    };
    const expected = await examples(12);
    for (const batchSize of [1, 5]) expect(await examples(batchSize)).toEqual(expected);
  });

  it('are the same in two iterations at once', async () => {
    const train = await open({ source: numbered(20), batchSize: 4, shuffle: true, workers: 2 });
    const [a, b] = await Promise.all([batches(train, 0), batches(train, 1)]);
    expect(a).toEqual(await batches(train, 0));
    expect(b).toEqual(await batches(train, 1));
  });
});

describe('the order of examples', () => {
  it('never repeats a generated picture', async () => {
    const train = await open({ source: generator, codec: digits, batchSize: 4, stepsPerEpoch: 3 });
    const seen = [0, 1, 2].map((epoch) => batches(train, epoch));
    expect(indices((await Promise.all(seen)).flat()).flat()).toEqual(Array.from({ length: 36 }, (_, i) => i));
  });

  it('repeats a generator with a size in each epoch', async () => {
    const source = { ...generator, size: 5 };
    const validation = await open({ source, codec: digits, batchSize: 2 });
    expect(indices(await batches(validation, 0))).toEqual([[0, 1], [2, 3], [4]]);
    expect(await batches(validation, 9)).toEqual(await batches(validation, 0));
  });

  it('is the permutation that the seed draws for the epoch', async () => {
    const train = await open({ source: numbered(10), batchSize: 4, shuffle: true, seed: 11 });
    for (const epoch of [0, 1]) {
      const order = new Rng(11).split('epoch', epoch).shuffle(Int32Array.from({ length: 10 }, (_, i) => i));
      expect(indices(await batches(train, epoch)).flat()).toEqual([...order]);
    }
    const other = await open({ source: numbered(10), batchSize: 4, shuffle: true, seed: 12 });
    expect(indices(await batches(other, 0))).not.toEqual(indices(await batches(train, 0)));
  });

  it.each([
    [
      'keep',
      [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
        [8, 9],
      ],
    ],
    [
      'drop',
      [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
      ],
    ],
    [
      'wrap',
      [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
        [8, 9, 0, 1],
      ],
    ],
  ] as const)('ends with lastBatch %s', async (lastBatch, expected) => {
    const train = await open({ source: numbered(10), batchSize: 4, lastBatch, workers: 0 });
    expect(indices(await batches(train, 0))).toEqual(expected);
    expect(train.stepsPerEpoch).toBe(expected.length);
  });

  it('wraps round a source smaller than a batch, with random numbers of their own for repeated pictures', async () => {
    const transform = { module: transforms, export: 'addNoise', options: { most: 256 } };
    const train = await open({ source: numbered(2), batchSize: 5, lastBatch: 'wrap', workers: 0, transform });
    const [batch] = await batches(train, 0);
    expect([...batch!.indices]).toEqual([0, 1, 0, 1, 0]);
    expect(new Set([0, 8, 16].map((k) => batch!.inputs.data[k])).size).toBe(3);
  });

  it('can be cut to the first steps', async () => {
    const train = await open({ source: numbered(10), batchSize: 4, stepsPerEpoch: 1, workers: 0 });
    expect(indices(await batches(train, 0))).toEqual([[0, 1, 2, 3]]);
  });
});

describe('settings that make no sense', () => {
  it.each([
    [{ batchSize: 0 }, 'invalid-option'],
    [{ batchSize: 2.5 }, 'invalid-option'],
    [{ lastBatch: 'cut' }, 'invalid-option'],
    [{ onBadPicture: 'ignore' }, 'invalid-option'],
    [{ workers: -1 }, 'invalid-option'],
    [{ prefetch: Number.NaN }, 'invalid-option'],
    [{ stepsPerEpoch: 0 }, 'invalid-option'],
    [{ timeoutMs: 0 }, 'invalid-option'],
    [{ openTimeoutMs: 0.5 }, 'invalid-option'],
    [{ prefetchBytes: -1 }, 'invalid-option'],
    [{ stepsPerEpoch: 4 }, 'invalid-steps'],
    [{ source: generator }, 'invalid-steps'],
    [{ source: { ...generator, size: 0 } }, 'empty-source'],
    [{ source: { ...generator, size: 2.5 } }, 'invalid-option'],
    [{ source: folderSource([]) }, 'empty-source'],
    [{ source: { ...numbered(10), size: 9 } }, 'cannot-open-source'],
    [{ source: numbered(0) }, 'empty-source'],
    [{ batchSize: 11, lastBatch: 'drop' }, 'empty-source'],
    [{ source: { ...numbered(3), options: { log: () => 1 } } }, 'invalid-option'],
    [{ source: undefined }, 'invalid-option'],
    [{ source: { size: 3, samples: [] } }, 'invalid-option'],
    [{ source: { module: sources } }, 'invalid-option'],
    [{ transform: (image: unknown) => image }, 'invalid-option'],
    [{ source: { module: '@proj/not-there', export: 'x' } }, 'cannot-resolve-module'],
    [{ source: { module: sources, export: 'missing' } }, 'cannot-open-source'],
    [{ source: { module: sources, export: 'notASource' } }, 'cannot-open-source'],
    [{ source: { module: './not-there.mjs', export: 'x', parentURL: import.meta.url } }, 'cannot-open-source'],
    [{ transform: { module: transforms, export: 'notATransform' } }, 'cannot-open-source'],
  ] as const)('%o: %s', async (wrong, code) => {
    const options = { source: numbered(10), batchSize: 4, workers: 0, ...wrong };
    await expect(loader(options as LoaderOptions)).rejects.toMatchObject({ name: 'ProjError', code });
  });

  it.each([
    [{ batchsize: 4 }, 'loader', 'batchSize'],
    [{ suffle: true }, 'loader', 'shuffle'],
    [{ source: { ...generator, sede: 1 } }, '`source`', 'seed'],
    [{ transform: { module: transforms, export: 'crop', option: {} } }, '`transform`', 'options'],
  ])('%o is misspelt: %s has no such option but %s', async (wrong, owner, right) => {
    const options = { source: numbered(10), batchSize: 4, workers: 0, ...wrong };
    const error = await loader(options as LoaderOptions).catch((reason) => reason);
    expect(error).toMatchObject({ code: 'unknown-option', fix: `Did you mean \`${right}\`?` });
    expect(error.message).toContain(`${owner} has no option`);
  });

  it('are told for sources too', () => {
    for (const source of [folderSource, webDatasetSource])
      expect(() => (source as (samples: unknown, options: object) => unknown)([], { chanels: 1 })).toThrow(
        expect.objectContaining({ code: 'unknown-option', message: expect.stringContaining(`${source.name} has no`) }),
      );
  });

  it('are told in the words of the module that refuses them', async () => {
    const transform = { module: '@proj/augment', export: 'pipeline', options: [{ name: 'randomCorp' }] };
    const failing = loader({ source: numbered(4), batchSize: 2, transform, workers: 1 });
    const error = await failing.catch((reason) => reason);
    expect(error).toMatchObject({ code: 'cannot-open-source', cause: { code: 'unknown-transform' } });
    expect(error.message).toMatch(/^Cannot open the transform 'pipeline' of file:.*: Unknown transform `randomCorp`/);
    expect(error.message.match(/Expected/g)).toHaveLength(1);
  });

  it('are told where a dataset stands for its samples', async () => {
    const dataset = await captchaFolder(folder);
    for (const source of [folderSource, webDatasetSource, cifar10Source])
      expect(() => (source as (samples: unknown) => unknown)(dataset)).toThrow(
        expect.objectContaining({ code: 'invalid-option', fix: expect.stringContaining('`samples`') }),
      );
  });

  it('are told for epochs too', async () => {
    const train = await open({ source: numbered(4), batchSize: 2, workers: 0 });
    for (const epoch of [-1, 0.5])
      expect(() => train.epoch(epoch)).toThrow(expect.objectContaining({ code: 'invalid-option' }));
    expect(() => train.epoch(0, { fromStep: -1 })).toThrow(expect.objectContaining({ code: 'invalid-option' }));
    const endless = await open({ source: generator, codec: digits, batchSize: 4, stepsPerEpoch: 1, workers: 0 });
    await expect(batches(endless, 2 ** 29)).rejects.toMatchObject({ code: 'invalid-steps' });
  });
});

describe('modules', () => {
  it('are found from parentURL: relative paths and packages', async () => {
    for (const [module, name] of [
      ['./fixtures/sources.mjs', 'stripes'],
      ['@proj/captcha-gen', 'afocus'],
    ] as const) {
      const source = generatorSource({ module, export: name, parentURL: import.meta.url });
      expect(source.module).toMatch(/^file:.*\.m?js$/);
      expect(source).not.toHaveProperty('parentURL');
      expect(JSON.parse(JSON.stringify(source))).toEqual(source);
    }
  });

  it('gives captchas of @proj/captcha-gen', async () => {
    const source = generatorSource({
      module: '@proj/captcha-gen',
      export: 'afocus',
      seed: 3,
      parentURL: import.meta.url,
    });
    const style = afocus();
    const codec = fixedLength(style);
    const train = await open({ source, codec, batchSize: 4, stepsPerEpoch: 2 });
    const [, second] = await batches(train, 0);
    expect(second!.inputs.shape).toEqual([4, 64, 128, 3]);
    const { image, label } = style.generate(3, 6);
    const elements = 64 * 128 * 3;
    expect(Buffer.from(second!.inputs.data.subarray(2 * elements, 3 * elements)).equals(Buffer.from(image.data))).toBe(
      true,
    );
    expect(codec.decode((second!.labels.data as Int32Array).subarray(8, 12))).toBe(label);
  });
});

describe('a folder', () => {
  it('takes class indices as labels', async () => {
    const { samples } = await captchaFolder(folder);
    const source = folderSource(samples.map(({ path }, label) => ({ path, label })));
    const [batch] = await batches(await open({ source, batchSize: 12, workers: 0 }), 0);
    expect([...batch!.labels.data]).toEqual(Array.from({ length: 12 }, (_, i) => i));
  });
});
