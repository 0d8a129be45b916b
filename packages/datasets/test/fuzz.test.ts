import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { Readable } from 'node:stream';
import { isProjError } from '@proj/core';
import { captchaFolder, cifar10, decodeImage, readWebDataset, webDataset } from '@proj/datasets';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { anyDamage, fuzzFiles, limit, oneFlip } from './fuzzing.js';
import { tarOf } from './tar-of.js';
import { temporaryFolder } from './temporary-folder.js';

const root = temporaryFolder();
const pictures = new URL('./goldens/pictures/', import.meta.url);
const archives = new URL('./goldens/archives/', import.meta.url);
const golden = (name: string) => readFileSync(new URL(name, pictures));

/** The value, or undefined where it was refused for one of these reasons. */
async function orRefused<T>(result: Promise<T>, codes: readonly string[]): Promise<T | undefined> {
  try {
    return await result;
  } catch (error) {
    if (!isProjError(error)) throw error;
    expect(codes).toContain(error.code);
    expect(error.message.length).toBeLessThan(2000);
    return undefined;
  }
}

describe('damaged pictures', () => {
  let made: Record<'avif' | 'webp' | 'jpeg', Buffer>;
  beforeAll(async () => {
    const drawing = sharp(golden('rgba.png')).resize(40, 30);
    made = {
      avif: await drawing.avif().toBuffer(),
      webp: await drawing.webp().toBuffer(),
      jpeg: await drawing.jpeg({ progressive: true }).toBuffer(),
    };
  });
  const decode = (bytes: Uint8Array) =>
    orRefused(decodeImage(bytes, { maxPixels: 1_000_000 }), ['cannot-decode', 'too-many-pixels']);
  const isPicture = async (bytes: Uint8Array) => {
    const image = await decode(bytes);
    if (image !== undefined) expect(image.data.length).toBe(image.width * image.height * 3);
  };

  it.each<[string, () => Buffer[]]>([
    ['PNG', () => ['rgba.png', 'palette-transparent.png', 'grey-16-bit.png', 'one-bit.png'].map(golden)],
    ['JPEG', () => [...['exif-6.jpg', 'cmyk.jpg', 'grey.jpg'].map(golden), made.jpeg]],
    ['WebP', () => [golden('lossless.webp'), made.webp]],
    ['GIF', () => [golden('two-frames.gif')]],
    ['AVIF', () => [made.avif]],
  ])('%s', (_, originals) => fuzzFiles(originals(), anyDamage, 60, isPicture), limit);

  it(
    'PNG with a flipped bit, whose checksums tell: the same picture or an error',
    async () => {
      const originals = ['rgba.png', 'palette-transparent.png', 'grey-16-bit.png'].map(golden);
      await fuzzFiles(originals, oneFlip, 60, async (bytes, original) => {
        const image = await decode(bytes);
        if (image !== undefined) expect(image).toEqual(await decodeImage(original));
      });
    },
    limit,
  );
});

describe('damaged archives', () => {
  const folder = mkdtempSync(join(root, 'tar-'));
  const path = join(folder, 'a.tar');
  const codes = ['invalid-tar', 'unsafe-tar', 'duplicate-part', 'incomplete-sample', 'invalid-label', 'empty-archive'];
  const list = (bytes: Uint8Array) => {
    writeFileSync(path, bytes);
    return orRefused(webDataset(path), codes);
  };
  const keysOf = async (bytes: Uint8Array) => {
    const keys: string[] = [];
    for await (const { key, parts } of readWebDataset(Readable.from([bytes]))) {
      expect(parts.size).toBeGreaterThan(0);
      keys.push(key);
    }
    return keys;
  };

  it(
    'in any form and way: safe names, places inside the archive, by index as from a stream',
    async () => {
      const originals = ['ustar.tar', 'gnu.tar', 'pax.tar'].map((name) => readFileSync(new URL(name, archives)));
      await fuzzFiles(originals, anyDamage, 60, async (bytes) => {
        const listed = await list(bytes);
        const streamed = await orRefused(keysOf(bytes), codes);
        if (listed === undefined) return;
        expect(listed.samples.map(({ name }) => name)).toEqual(streamed);
        for (const { name, offset, bytes: count } of listed.samples) {
          expect(name.split(/[\\/]/)).not.toContain('..');
          expect(offset % 512).toBe(0);
          expect(offset + count).toBeLessThanOrEqual(bytes.length);
        }
      });
    },
    limit,
  );

  it(
    'with a flipped bit, whose headers have a sum: the same files or an error',
    async () => {
      const files = Array.from({ length: 6 }, (_, k) => [
        [`${k}.png`, golden('rgb.png')] as const,
        [`${k}.txt`, Buffer.from(`label ${k}`)] as const,
      ]);
      const original = tarOf(files.flat());
      const places = (await list(original))!.samples.map(({ label: _, ...place }) => place);
      await fuzzFiles([original], oneFlip, 60, async (bytes) => {
        const listed = await list(bytes);
        if (listed !== undefined) expect(listed.samples.map(({ label: _, ...place }) => place)).toEqual(places);
      });
    },
    limit,
  );
});

describe('damaged records of CIFAR-10', () => {
  it(
    'are read as they stand, or refused',
    async () => {
      const dir = mkdtempSync(join(root, 'cifar-'));
      const original = Buffer.from(
        Array.from({ length: 6 * 3073 }, (_, k) => (k % 3073 === 0 ? k / 3073 : (k * 37) % 256)),
      );
      await fuzzFiles([original], anyDamage, 60, async (bytes) => {
        writeFileSync(join(dir, 'x.bin'), bytes);
        const listed = await orRefused(cifar10(dir, { files: ['x.bin'] }), ['invalid-cifar10', 'empty-archive']);
        const isWhole = bytes.length > 0 && bytes.length % 3073 === 0;
        const labels = Array.from({ length: Math.floor(bytes.length / 3073) }, (_, k) => bytes[k * 3073]!);
        expect(listed !== undefined).toBe(isWhole && labels.every((label) => label < 10));
        if (listed === undefined) return;
        expect(listed.samples.map(({ label }) => label)).toEqual(labels);
        const last = listed.size - 1;
        const { data } = await listed.image(last);
        for (const i of [0, 500, 1023]) {
          const planes = [0, 1, 2].map((channel) => bytes[last * 3073 + 1 + channel * 1024 + i]);
          expect([...data.subarray(3 * i, 3 * i + 3)]).toEqual(planes);
        }
      });
    },
    limit,
  );
});

describe('damaged lists of labels', () => {
  const names = ['a.png', 'b,c.png', 'ü 字.png'];
  const codes = [
    'invalid-label-file',
    'path-leaves-folder',
    'missing-picture',
    'duplicate-picture',
    'empty-folder',
    'unknown-character',
  ];

  it.each([
    ['labels.csv', 'file,label\na.png,aB3d\n"b,c.png","x ""y"""\r\nü 字.png,é\n'],
    ['labels.csv', 'a.png,aB3d\n"b,c.png",1\n'],
    [
      'labels.jsonl',
      '{"file":"a.png","label":"aB3d"}\n{"file_name":"b,c.png","text":17}\n{"path":"ü 字.png","label":"é"}',
    ],
  ])(
    '%s: labels that stand there for pictures of the folder, or an error',
    async (name, content) => {
      const dir = mkdtempSync(join(root, 'labels-'));
      for (const picture of names) writeFileSync(join(dir, picture), golden('rgb.png'));
      await fuzzFiles([Buffer.from(content)], anyDamage, 100, async (bytes) => {
        writeFileSync(join(dir, name), bytes);
        const listed = await orRefused(captchaFolder(dir), codes);
        for (const { path, label } of listed?.samples ?? []) {
          expect(names.map((picture) => dir + sep + picture)).toContain(path);
          expect(label).not.toBe('');
        }
        expect(new Set(listed?.samples.map(({ path }) => path)).size).toBe(listed?.size ?? 0);
      });
    },
    limit,
  );
});
