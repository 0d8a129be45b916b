import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Batch } from '@proj/core';
import { fixedLength, folderSource, generatorSource, type LoaderOptions, loader } from '@proj/datasets';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { cacheMemory, ExampleCache } from '../src/example-cache.js';
import { sources, transforms } from './fixtures/paths.js';
import { temporaryFolder } from './temporary-folder.js';

const root = temporaryFolder();
const newLog = () => join(mkdtempSync(join(root, 'log-')), 'samples');
const numbered = (size: number, log: string, cacheBytes: number) => ({
  ...{ module: sources, export: 'numbered', options: { size, log } },
  ...{ size, cacheBytes },
});
/** Writes into the picture that it is given. */
const addNoise = { module: transforms, export: 'addNoise', options: { most: 256 } };

async function open(options: LoaderOptions) {
  const opened = await loader(options);
  onTestFinished(() => opened.close());
  return opened;
}

async function epochs(options: LoaderOptions, which: readonly number[]): Promise<Batch[]> {
  const train = await open(options);
  const all: Batch[] = [];
  for (const epoch of which) for await (const batch of train.epoch(epoch)) all.push(batch);
  return all;
}

/** How often each example was made. */
function made(log: string, size: number): number[] {
  const counts = Array(size).fill(0) as number[];
  if (existsSync(log)) for (const line of readFileSync(log, 'utf8').trim().split('\n')) counts[Number(line)]!++;
  return counts;
}

describe('a loader that keeps examples', () => {
  it('makes each once for all workers and epochs, and gives the batches that it gives without', async () => {
    const size = 40;
    for (const transform of [addNoise, undefined]) {
      const options = { batchSize: 4, shuffle: true, ...(transform && { transform }) };
      const expected = await epochs({ ...options, source: numbered(size, newLog(), 0), workers: 0 }, [0, 1, 2, 1]);
      for (const workers of [0, 1, 3]) {
        const log = newLog();
        expect(await epochs({ ...options, source: numbered(size, log, 10_000), workers }, [0, 1, 2, 1])).toEqual(
          expected,
        );
        expect(made(log, size)).toEqual(Array(size).fill(1));
      }
    }
  });

  it('takes no more memory than it is told: what has no room is made in every epoch', async () => {
    const log = newLog();
    // An example: 4 pixels, a label of one or two digits, and four words of its own; the first word is the counter.
    const bytes = 4 + 7 * (16 + 4 + 4);
    const batches = await epochs({ source: numbered(20, log, bytes), batchSize: 4 }, [0, 1, 2]);
    expect(batches.length).toBe(15);
    expect(made(log, 20)).toEqual([...Array(7).fill(1), ...Array(13).fill(3)]);
  });

  it('keeps decoded files: later epochs do not read them', async () => {
    const folder = mkdtempSync(join(root, 'files-'));
    const golden = (name: string) => new URL(`./goldens/pictures/${name}`, import.meta.url);
    const samples = ['rgb.png', 'exif-1.jpg', 'palette.png'].map((name, label) => {
      copyFileSync(golden(name), join(folder, name));
      return { path: join(folder, name), label };
    });
    const options = { batchSize: 3, transform: addNoise };
    const kept = await open({ ...options, source: folderSource(samples) });
    const unkept = await open({ ...options, source: folderSource(samples, { cacheBytes: 0 }) });
    const first = async (train: typeof kept) => (await train.epoch(0)[Symbol.asyncIterator]().next()).value;
    const expected = await first(unkept);
    expect(await first(kept)).toEqual(expected);
    for (const { path } of samples) rmSync(path);
    expect(await first(kept)).toEqual(expected);
    await expect(first(unkept)).rejects.toMatchObject({ code: 'cannot-read' });
  });

  it('keeps what a generator with a size draws', async () => {
    const stripes = { module: sources, export: 'stripes', seed: 5, size: 10 };
    const codec = fixedLength({ charset: '0123456789', length: 4 });
    const expected = await epochs({ source: generatorSource(stripes), codec, batchSize: 4 }, [0, 1]);
    const source = generatorSource({ ...stripes, cacheBytes: 500 }); // room for half of them
    expect(await epochs({ source, codec, batchSize: 4, workers: 2 }, [0, 1])).toEqual(expected);
  });

  it('has what a worker made that then ended', async () => {
    const log = newLog();
    const options = { how: 'exit', at: 5, size: 10, log };
    const source = { module: sources, export: 'faulty', options, size: 10, cacheBytes: 1000 };
    const train = await open({ source, batchSize: 2 });
    for (let again = 0; again < 2; again++) {
      const seen: number[] = [];
      const run = async () => {
        for await (const batch of train.epoch(0)) seen.push(...batch.labels.data);
      };
      await expect(run()).rejects.toMatchObject({ code: 'worker-exited' });
      expect(seen).toEqual([0, 1, 2, 3]);
    }
    expect(made(log, 10)).toEqual([1, 1, 1, 1, 1, 0, 0, 0, 0, 0]);
  });

  it('needs a size, and a number of bytes that can be had', async () => {
    const endless = { module: sources, export: 'stripes' };
    for (const source of [
      { ...endless, cacheBytes: 1 },
      { ...endless, size: 3, cacheBytes: -1 },
      { ...endless, size: 3, cacheBytes: 2 ** 33 },
    ])
      await expect(loader({ source, batchSize: 1, stepsPerEpoch: 1, workers: 0 })).rejects.toMatchObject({
        code: 'invalid-option',
      });
  });
});

describe('the memory of kept examples', () => {
  const example = fc.record({
    width: fc.integer({ min: 1, max: 9 }),
    height: fc.integer({ min: 1, max: 9 }),
    channels: fc.constantFrom(1, 3, 4),
    label: fc.oneof(fc.string({ unit: 'binary' }), fc.integer()),
    seed: fc.integer({ min: 0, max: 255 }),
  });

  it('gives every thread what was put in first, and keeps all that it has room for', () => {
    const puts = fc.array(fc.record({ index: fc.nat(20), example }), { maxLength: 60 });
    fc.assert(
      fc.property(puts, fc.integer({ min: 0, max: 4000 }), (puts, bytes) => {
        const memory = cacheMemory(21, bytes);
        const [writer, reader] = [new ExampleCache(memory), new ExampleCache(memory)];
        const expected = new Map<number, unknown>();
        let room = Math.floor(bytes / 4) - 1;
        for (const { index, example } of puts) {
          const { width, height, channels, label, seed } = example;
          const data = Uint8ClampedArray.from({ length: width * height * channels }, (_, k) => (k * 7 + seed) % 256);
          const sample = { image: { data, width, height, channels }, label };
          if (!expected.has(index)) {
            const words = 4 + Math.ceil((data.length + Buffer.byteLength(JSON.stringify(label))) / 4);
            expected.set(index, words <= room ? structuredClone(sample) : undefined);
            if (words <= room) room -= words;
          }
          writer.put(index, sample);
          data.fill(9); // what is kept is a copy
        }
        for (let index = 0; index <= 20; index++) {
          const found = reader.get(index);
          const copy = found && { ...found, image: { ...found.image, data: found.image.data.slice() } };
          expect(copy).toEqual(expected.get(index));
        }
      }),
    );
  });
});
