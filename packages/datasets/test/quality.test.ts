import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Rng } from '@proj/core';
import { captchaFolder, decodeImage, measureQuality, qualityFilter } from '@proj/datasets';
import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import goldens from './goldens/quality.json' with { type: 'json' };
import { temporaryFolder } from './temporary-folder.js';

const pictures = new URL('./goldens/quality/', import.meta.url);
const root = temporaryFolder();

/** A dataset of these files' pictures. */
const datasetOf = (files: readonly string[]) => ({
  samples: files,
  image: (index: number) => decodeImage(files[index]!),
});

/** Blobs that no two seeds share, as a file of some format. */
async function drawing(seed: number, name: string, change = (image: Sharp) => image.png()): Promise<string> {
  const rng = new Rng(seed);
  const pixels = Buffer.from(Array.from({ length: 8 * 8 * 3 }, () => rng.int(256)));
  const large = sharp(pixels, { raw: { width: 8, height: 8, channels: 3 } }).resize(64, 64);
  const path = join(root, name);
  writeFileSync(path, await change(sharp(await large.png().toBuffer())).toBuffer());
  return path;
}

describe('measureQuality', () => {
  it.each(goldens.cases)('$file as OpenCV, numpy and imagehash measure it', async (golden) => {
    const image = await decodeImage(new URL(golden.file, pictures));
    const { sharpness, contrast, ...rest } = measureQuality(image);
    expect(rest).toEqual({ width: golden.width, height: golden.height, hash: golden.hash });
    expect(sharpness).toBeCloseTo(golden.sharpness, 6);
    expect(contrast).toBeCloseTo(golden.contrast, 9);
    for (const channels of [1, 4] as const) {
      const same = await decodeImage(new URL(golden.file, pictures), { channels });
      expect(measureQuality(same)).toEqual(measureQuality(image));
    }
  });
});

describe('qualityFilter', () => {
  it('tells what it dropped and why, the first reason that holds', async () => {
    const cut = join(root, 'cut.png');
    writeFileSync(cut, readFileSync(new URL('rings.png', pictures)).subarray(0, 900));
    const flat = join(root, 'flat.png');
    await sharp({ create: { width: 60, height: 60, channels: 3, background: '#808080' } }).toFile(flat);
    const files = [
      await drawing(1, 'good.png'),
      cut,
      flat,
      await drawing(2, 'small.png', (image) => image.resize(20, 20).png()),
      await drawing(3, 'blurred.png', (image) => image.blur(6).png()),
      await drawing(1, 'again.jpg', (image) => image.jpeg({ quality: 60 })),
      await drawing(1, 'scaled.webp', (image) => image.resize(90, 90).webp()),
      await drawing(4, 'other.png'),
    ];
    const limits = { minWidth: 32, minHeight: 32, minContrast: 5, minSharpness: 10, maxDistance: 4 };
    const report = await qualityFilter(datasetOf(files), limits);
    expect(report.kept).toEqual([files[0], files[7]]);
    expect(report.dropped.map(({ index, reason }) => [index, reason])).toEqual([
      [1, 'unreadable'],
      [2, 'flat'],
      [3, 'small'],
      [4, 'blurred'],
      [5, 'duplicate'],
      [6, 'duplicate'],
    ]);
    expect(report.dropped.map(({ sample }) => sample)).toEqual(files.slice(1, 7));
    expect(report.counts).toEqual({ unreadable: 1, small: 1, flat: 1, blurred: 1, duplicate: 2 });
    expect(report.dropped[0]!.detail).toContain('cut.png');
    expect(report.dropped[2]!.detail).toBe('20x20, less than 32x32');
    expect(report.dropped[3]!.detail).toMatch(/^sharpness [0-9.]+, less than 10$/);
    expect(report.dropped[5]).toMatchObject({ duplicateOf: files[0], detail: expect.stringContaining('at most 4') });

    const untouched = await qualityFilter(datasetOf(files));
    expect(untouched.dropped.map(({ reason }) => reason)).toEqual(['unreadable']);
    const oneByOne = await qualityFilter(datasetOf(files), { ...limits, concurrency: 1 });
    // But for the decoder's words, which libvips may mix up when several pictures fail at once.
    const decisions = ({ kept, dropped }: typeof report) => ({
      kept,
      dropped: dropped.map(({ detail: _, ...decision }) => decision),
    });
    expect(decisions(oneByOne)).toEqual(decisions(report));
  });

  it('finds the near-duplicates that comparing all with all finds', async () => {
    const rng = new Rng(7);
    const images = Array.from({ length: 120 }, (_, k) => {
      const source = new Rng(k % 40); // three of each, with more and more noise
      const data = Uint8ClampedArray.from({ length: 32 * 32 }, () => source.int(256) + rng.normal(0, (k / 40) * 25));
      return { data, width: 32, height: 32, channels: 1 };
    });
    const hashes = images.map((image) => BigInt(`0x${measureQuality(image).hash}`));
    const distance = (a: number, b: number) => (hashes[a]! ^ hashes[b]!).toString(2).replaceAll('0', '').length;
    const dataset = { samples: images.map((_, k) => k), image: async (k: number) => images[k]! };
    for (const maxDistance of [0, 3, 12, 32]) {
      const kept: number[] = [];
      const twins = new Map<number, number>();
      for (const k of dataset.samples) {
        const near = kept.filter((other) => distance(k, other) <= maxDistance);
        const nearest = near.sort((a, b) => distance(k, a) - distance(k, b) || a - b)[0];
        if (nearest === undefined) kept.push(k);
        else twins.set(k, nearest);
      }
      const report = await qualityFilter(dataset, { maxDistance });
      expect(report.kept).toEqual(kept);
      expect(report.dropped.map(({ sample, duplicateOf }) => [sample, duplicateOf])).toEqual([...twins]);
    }
  });

  it('lets other errors through, and refuses options that make no sense', async () => {
    const missing = datasetOf([join(mkdtempSync(join(root, 'x-')), 'gone.png')]);
    await expect(qualityFilter(missing)).rejects.toMatchObject({ code: 'cannot-read' });
    for (const wrong of [
      { maxDistance: 33 },
      { maxDistance: 0.5 },
      { minWidth: -1 },
      { minContrast: Number.NaN },
      { concurrency: 0 },
    ])
      await expect(qualityFilter(datasetOf([]), wrong)).rejects.toMatchObject({ code: 'invalid-option' });
  });

  const data = process.env.PROJ_DATA ?? resolve(import.meta.dirname, '../../../data');
  it.skipIf(!existsSync(join(data, 'captcha-v2')))(
    `looks through real captchas (skipped where ${data} is missing)`,
    async () => {
      const folder = await captchaFolder(join(data, 'captcha-v2'), { limit: 100 });
      const { kept, counts } = await qualityFilter(folder, {
        minWidth: 200,
        minHeight: 50,
        minContrast: 20,
        minSharpness: 500,
      });
      expect(kept.length).toBe(100);
      expect(counts).toEqual({ unreadable: 0, small: 0, flat: 0, blurred: 0, duplicate: 0 });
    },
  );
});
