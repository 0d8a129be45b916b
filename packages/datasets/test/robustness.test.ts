import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { fixedLength, folderSource, type LoaderOptions, loader } from '@proj/datasets';
import sharp from 'sharp';
import { describe, expect, it, onTestFinished } from 'vitest';
import { sources, transforms } from './fixtures/paths.js';
import { temporaryFolder } from './temporary-folder.js';

const root = temporaryFolder();
const faulty = (how: string, at = 5) => ({ module: sources, export: 'faulty', options: { how, at, size: 10 } });
const nameOf = (index: number) => `/pictures/ünïcode ${index} 🙂.png`;

async function open(options: Partial<LoaderOptions> & Pick<LoaderOptions, 'source'>) {
  const opened = await loader({ batchSize: 2, ...options });
  onTestFinished(() => opened.close());
  return opened;
}

/** The indices seen until the error, and the error. */
async function run(train: Awaited<ReturnType<typeof loader>>, epoch = 0) {
  const seen: number[] = [];
  let error: unknown;
  try {
    for await (const batch of train.epoch(epoch)) seen.push(...batch.indices);
  } catch (reason) {
    error = reason;
  }
  return { seen, error };
}

describe('a sample that fails', () => {
  it.each([
    ['throw', 'no such colour'],
    ['throw-text', 'only a text'],
    ['throw-loop', 'its own cause'],
  ])('%s: the error names it, after all batches before it', async (how, reason) => {
    for (const workers of [0, 1, 3]) {
      const { seen, error } = await run(await open({ source: faulty(how), workers }));
      expect(seen).toEqual([0, 1, 2, 3]);
      expect(error).toMatchObject({ name: 'ProjError', code: 'sample-failed' });
      expect((error as Error).message).toContain(nameOf(5));
      expect((error as Error).message).toContain(reason);
    }
  });

  it('keeps the stack of the error in the worker', async () => {
    const { error } = await run(await open({ source: faulty('throw') }));
    expect((error as { cause: Error }).cause).toMatchObject({ name: 'TypeError', message: 'no such colour' });
    expect((error as { cause: Error }).cause.stack).toContain('sources.mjs');
  });

  it('names a transform that throws, and data that do not fit their size', async () => {
    const transform = { module: transforms, export: 'failing' };
    const failed = await run(await open({ source: { module: sources, export: 'numbered' }, transform }));
    expect(failed.error).toMatchObject({ code: 'sample-failed', message: expect.stringContaining('number 0') });
    const wrong = await run(await open({ source: { module: sources, export: 'tooLittleData' } }));
    expect(wrong.error).toMatchObject({ code: 'invalid-image', message: expect.stringContaining('sample 0') });
  });

  it.each([undefined, null, 0.5, Number.NaN, {}])('names one whose label is %s', async (label) => {
    for (const size of [undefined, 4]) {
      const source = { module: sources, export: 'labelledBy', options: { label }, size, cacheBytes: size && 1000 };
      const train = await open({ source, workers: 0 });
      for (let again = 0; again < 2; again++) {
        const { error } = await run(train);
        expect(error).toMatchObject({ code: 'invalid-label', message: expect.stringContaining('number 0') });
      }
    }
  });

  it('leaves the loader usable', async () => {
    const train = await open({ source: faulty('throw') });
    await run(train);
    expect((await run(train)).seen).toEqual([0, 1, 2, 3]);
  });
});

describe('a worker', () => {
  it.each([
    ['exit', 'worker-exited'],
    ['uncaught', 'worker-failed'],
    ['loop', 'worker-hung'],
    ['never-resolve', 'worker-hung'],
  ])('that meets %s gives %s with the name of the sample, within seconds', async (how, code) => {
    const train = await open({ source: faulty(how), timeoutMs: 2000 });
    const start = performance.now();
    const { seen, error } = await run(train);
    expect(seen).toEqual([0, 1, 2, 3]);
    expect(error).toMatchObject({ name: 'ProjError', code });
    expect((error as Error).message).toContain(`${nameOf(5)} (index 5)`);
    expect(performance.now() - start).toBeLessThan(15_000);
    const again: number[] = []; // by a new worker
    for await (const batch of train.epoch(0)) if (again.push(...batch.indices) === 4) break;
    expect(again).toEqual([0, 1, 2, 3]);
  });

  it.each([
    ['failsToOpen', 'cannot-open-source', 'the fonts are missing'],
    ['exitsWhileOpening', 'worker-exited', 'while opening its source'],
  ])('that %s gives %s from loader()', async (name, code, reason) => {
    await expect(loader({ source: { module: sources, export: name }, batchSize: 2 })).rejects.toMatchObject({
      code,
      message: expect.stringContaining(reason),
    });
  });

  it('that never opens its source gives worker-hung from loader()', async () => {
    const source = { module: sources, export: 'neverOpens' };
    await expect(loader({ source, batchSize: 2, openTimeoutMs: 1000 })).rejects.toMatchObject({
      code: 'worker-hung',
      message: expect.stringContaining('while opening its source'),
    });
  });

  it('that is slow but gets on does not count as hung', async () => {
    const source = { module: sources, export: 'slow', options: { ms: 250, size: 10 } };
    const train = await open({ source, batchSize: 10, timeoutMs: 2000 }); // 2.5 s a batch
    expect((await run(train)).seen.length).toBe(10);
  });

  it('gives all batches that were made before it failed, on a busy machine too', async () => {
    const runs = Array.from({ length: 16 }, async () => run(await open({ source: faulty('uncaught'), workers: 1 })));
    for (const { seen, error } of await Promise.all(runs)) {
      expect(seen).toEqual([0, 1, 2, 3]);
      expect(error).toMatchObject({ code: 'worker-failed' });
    }
  });

  it('does not count as hung where timeouts are longer than timers can wait', async () => {
    const source = { module: sources, export: 'slow', options: { ms: 50, size: 4 } };
    const longest = Number.MAX_SAFE_INTEGER;
    const train = await open({ source, batchSize: 4, timeoutMs: longest, openTimeoutMs: longest });
    expect((await run(train)).seen.length).toBe(4);
  });

  it('does not count as hung because the main thread was busy', async () => {
    const source = { module: sources, export: 'slow', options: { ms: 20, size: 10 } };
    const train = await open({ source, batchSize: 1, timeoutMs: 800 });
    const iterator = train.epoch(0)[Symbol.asyncIterator]();
    let seen = 0;
    for (let next = iterator.next(); ; next = iterator.next()) {
      const end = performance.now() + 1000;
      while (performance.now() < end);
      if ((await next).done) break;
      if (++seen === 3) break;
    }
    await iterator.return?.();
    expect(seen).toBe(3);
  });
});

describe('back-pressure', () => {
  /** How many samples were made while the consumer holds the first batch. */
  async function madeWhileWaiting(options: Partial<LoaderOptions>) {
    const log = join(mkdtempSync(join(root, 'log-')), 'samples');
    const train = await open({
      source: { module: sources, export: 'numbered', options: { size: 100, log } },
      ...options,
    });
    const iterator = train.epoch(0)[Symbol.asyncIterator]();
    await iterator.next();
    let made = 0;
    for (let before = -1; before !== made; ) {
      before = made;
      await sleep(500);
      made = readFileSync(log, 'utf8').trim().split('\n').length;
    }
    await iterator.return?.();
    await sleep(300);
    const afterwards = readFileSync(log, 'utf8').trim().split('\n').length;
    return { made, afterwards };
  }

  it('makes no more than the batches ahead', async () => {
    const cases = [
      [1, 3, 8],
      [2, 3, 8],
      [1, 0, 2],
      [0, 3, 2],
    ] as const;
    const seen = await Promise.all(cases.map(([workers, prefetch]) => madeWhileWaiting({ workers, prefetch })));
    expect(seen).toEqual(cases.map(([, , expected]) => ({ made: expected, afterwards: expected })));
  });

  it('makes no more than the memory allows', async () => {
    // A batch has 2 pictures of 4 bytes.
    const [two, one] = await Promise.all(
      [16, 0].map((prefetchBytes) => madeWhileWaiting({ prefetch: 10, prefetchBytes })),
    );
    expect([two!.made, one!.made]).toEqual([2 + 4, 2 + 2]);
  });

  it('stops in mid-batch when the loop is left', async () => {
    const log = join(mkdtempSync(join(root, 'log-')), 'samples');
    const source = { module: sources, export: 'slow', options: { ms: 100, size: 40, log } };
    const train = await open({ source, batchSize: 10 });
    const iterator = train.epoch(0)[Symbol.asyncIterator]();
    await iterator.next();
    await iterator.return?.();
    const made = () => readFileSync(log, 'utf8').trim().split('\n').length;
    const before = made();
    await sleep(900); // time for the nine or so that a worker would make which was not told
    expect(made() - before).toBeLessThanOrEqual(2);
  });
});

describe('a batch', () => {
  it('is transferred from its worker, not copied', async () => {
    const source = { module: sources, export: 'watchesMemory', size: 4 };
    const labels = async (workers: number) => {
      const all: number[] = [];
      for await (const batch of (await open({ source, batchSize: 1, workers })).epoch(0))
        all.push(...batch.labels.data);
      return all;
    };
    // From the second on: whether the worker's memory of the batch before is gone.
    expect(await labels(1)).toEqual([0, 1, 1, 1]);
    expect(await labels(0)).toEqual([0, 0, 0, 0]);
  });
});

describe('closing', () => {
  it('ends loops without an error, refuses new ones, and may be repeated', async () => {
    const train = await open({
      source: { module: sources, export: 'slow', options: { ms: 50, size: 40 } },
      batchSize: 4,
    });
    const iterator = train.epoch(0)[Symbol.asyncIterator]();
    await iterator.next();
    const next = iterator.next();
    await train.close();
    expect(await next).toEqual({ done: true, value: undefined });
    expect(() => train.epoch(0)).toThrow(expect.objectContaining({ code: 'loader-closed' }));
    await train.close();
  });

  it.each([
    'leaves the loop',
    'never iterates',
    'ends the epoch',
    'leaves hung workers behind',
    'closes an idle loader',
    'closes while it waits',
  ])('neither keeps a process alive nor cuts it short: one that %s', async (program) => {
    const script = fileURLToPath(new URL('./fixtures/process.mjs', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [script, program], { timeout: 25_000 });
    expect(stdout).toBe('end of program\n');
  });
});

describe('bad pictures', () => {
  /** Ten pictures, of which 3 is no picture and 4 is cut short. */
  async function badFolder() {
    const folder = mkdtempSync(join(root, 'bad-'));
    const samples = [];
    for (let label = 0; label < 10; label++) {
      const path = join(folder, `${label} ü.png`);
      const png = await sharp({ create: { width: 8, height: 4, channels: 3, background: '#123456' } })
        .png()
        .toBuffer();
      writeFileSync(path, label === 3 ? 'no picture' : label === 4 ? png.subarray(0, 60) : png);
      samples.push({ path, label });
    }
    return samples;
  }

  it('are errors that name the file', async () => {
    const samples = await badFolder();
    for (const workers of [0, 1]) {
      const { seen, error } = await run(await open({ source: folderSource(samples), workers }));
      expect(seen).toEqual([0, 1]);
      expect(error).toMatchObject({ code: 'cannot-decode', message: expect.stringContaining(samples[3]!.path) });
    }
  });

  it('are skipped and counted when asked, the same for any number of workers', async () => {
    const samples = await badFolder();
    for (const workers of [0, 1, 3]) {
      const train = await open({ source: folderSource(samples), workers, batchSize: 4, onBadPicture: 'skip' });
      for (const epoch of [0, 1]) {
        const shapes: number[][] = [];
        const seen: number[] = [];
        for await (const batch of train.epoch(epoch)) {
          shapes.push([batch.inputs.shape[0]!, batch.labels.shape[0]!, batch.inputs.data.length / (8 * 4 * 3)]);
          seen.push(...batch.labels.data);
        }
        expect(shapes).toEqual([
          [3, 3, 3],
          [3, 3, 3],
          [2, 2, 2],
        ]);
        expect(seen).toEqual([0, 1, 2, 5, 6, 7, 8, 9]);
      }
      expect(train.skipped.map(({ index, name }) => [index, name])).toEqual([3, 4].map((i) => [i, samples[i]!.path]));
      expect(train.skipped[0]!.reason).toContain('Cannot decode');
    }
  });

  it('are an error when a whole batch is bad', async () => {
    const samples = await badFolder();
    const source = folderSource([samples[3]!, samples[4]!]);
    const { error } = await run(await open({ source, onBadPicture: 'skip' }));
    expect(error).toMatchObject({ code: 'no-good-picture' });
  });

  it('do not hide faults of the program', async () => {
    const { error } = await run(await open({ source: faulty('throw'), onBadPicture: 'skip' }));
    expect(error).toMatchObject({ code: 'sample-failed' });
  });

  it('of two sizes are an error that names file, sizes and mend', async () => {
    const samples = (await badFolder()).filter(({ label }) => label !== 3 && label !== 4);
    await sharp({ create: { width: 9, height: 4, channels: 3, background: '#000' } })
      .png()
      .toFile(samples[5]!.path);
    for (const batchSize of [4, 1]) {
      const { error } = await run(await open({ source: folderSource(samples), batchSize }));
      expect(error).toMatchObject({
        code: 'picture-size-mismatch',
        expected: expect.stringContaining('4x8x3'),
        received: '4x9x3',
      });
      for (const part of [samples[5]!.path, 'resize']) expect((error as Error).message).toContain(part);
    }
    const resized = folderSource(samples, { resize: { width: 8, height: 4 } });
    expect((await run(await open({ source: resized }))).error).toBeUndefined();
    const transform = { module: transforms, export: 'crop', options: { width: 7, height: 3 } };
    expect((await run(await open({ source: folderSource(samples), transform }))).error).toBeUndefined();
  });
});

describe('labels', () => {
  it('that the codec does not know, or that have none, are errors that name the sample', async () => {
    const source = { module: sources, export: 'stripes' };
    const codec = fixedLength({ charset: '01', length: 4 });
    const unknown = await run(await open({ source, stepsPerEpoch: 2, codec }));
    expect(unknown.error).toMatchObject({
      code: 'unknown-character',
      message: expect.stringContaining('picture 2 of seed 0'),
    });
    const missing = await run(await open({ source, stepsPerEpoch: 2 }));
    expect(missing.error).toMatchObject({
      code: 'missing-codec',
      message: expect.stringContaining('picture 0 of seed 0'),
    });
  });
});
