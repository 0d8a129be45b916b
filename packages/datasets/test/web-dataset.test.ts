import { createHash } from 'node:crypto';
import { createReadStream, mkdtempSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createGunzip, gzipSync } from 'node:zlib';
import { fixedLength, loader, readWebDataset, webDataset, webDatasetSource } from '@proj/datasets';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import goldens from './goldens/archives.json' with { type: 'json' };
import { type TarFile, tarOf } from './tar-of.js';
import { temporaryFolder } from './temporary-folder.js';

const archives = fileURLToPath(new URL('./goldens/archives/', import.meta.url));
const root = temporaryFolder();
const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex');
const text = (content: string) => Buffer.from(content);

let png: Buffer;
beforeAll(async () => {
  png = await sharp({ create: { width: 5, height: 3, channels: 3, background: '#00ff80' } })
    .png()
    .toBuffer();
});

/** An archive in a new folder. */
function archiveOf(files: Parameters<typeof tarOf>[0], name = 'a.tar'): string {
  const path = join(mkdtempSync(join(root, 'w-')), name);
  writeFileSync(path, tarOf(files));
  return path;
}

/** Bytes in pieces of `size`. */
async function* pieces(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(stream: AsyncIterable<Uint8Array>) {
  const all = [];
  for await (const { key, parts } of readWebDataset(stream)) {
    all.push({ key, parts: Object.fromEntries([...parts].map(([extension, bytes]) => [extension, md5(bytes)])) });
  }
  return all;
}

describe('archives of Python', () => {
  it.each(goldens.archives)(
    '$file: as webdataset groups its files, from a stream in any pieces',
    async ({ file, samples }) => {
      const bytes = readFileSync(join(archives, file));
      for (const size of [1, 511, 4096, bytes.length]) expect(await read(pieces(bytes, size))).toEqual(samples);
      const packed = join(root, `${file}.gz`);
      writeFileSync(packed, gzipSync(bytes));
      expect(await read(createReadStream(packed).pipe(createGunzip()))).toEqual(samples);
    },
  );

  it.each(goldens.archives)('$file: the same pictures by index', async ({ file, samples }) => {
    const path = join(archives, file);
    const listed = await webDataset(path);
    expect(listed.samples.map(({ name }) => name)).toEqual(samples.map(({ key }) => key));
    expect(listed.samples.map(({ label }) => label)).toEqual([3, 0, 7, 9, 1, 2, 4]);
    for (const [index, { offset, bytes, path: from }] of listed.samples.entries()) {
      expect(from).toBe(path);
      const golden = samples[index]!.parts as Record<string, string>;
      expect(md5(readFileSync(path).subarray(offset, offset + bytes))).toBe(golden.png);
      expect((await listed.image(index)).width).toBe(4 + index);
    }
  });
});

describe('webDataset', () => {
  it('takes labels from cls, txt or json, or as told', async () => {
    const label = async (files: Record<string, string>, options = {}) => {
      const parts = Object.entries(files).map(([extension, content]) => [`a.${extension}`, text(content)] as const);
      return (await webDataset(archiveOf([['a.png', png], ...parts]), options)).samples[0]!.label;
    };
    expect(await label({ txt: 'e\u0301 x\n', cls: '12\n' })).toBe(12);
    expect(await label({ txt: 'e\u0301 x\r\n', json: '{"label": 1}' })).toBe('é x');
    expect(await label({ json: '{"text": "aB3d", "box": [1]}' })).toBe('aB3d');
    expect(await label({ txt: 'x', json: '{"label": 7}' }, { label: 'json' })).toBe(7);
    expect(await label({ txt: 'x', 'answer.txt': 'y' }, { label: 'answer.txt' })).toBe('y');
    for (const [files, code] of [
      [{ cls: '1.5' }, 'invalid-label'],
      [{ cls: '' }, 'invalid-label'],
      [{ txt: '\n' }, 'invalid-label'],
      [{ json: '{"label": {}}' }, 'invalid-label'],
      [{ json: '{"label": ""}' }, 'invalid-label'],
      [{ json: '{' }, 'invalid-label'],
      [{ json: 'null' }, 'invalid-label'],
      [{ cls2: '1' }, 'incomplete-sample'],
    ] as const)
      await expect(label(files)).rejects.toMatchObject({ code, message: expect.stringContaining('a.tar') });
  });

  it('takes the picture as told, and names a sample without one', async () => {
    const path = archiveOf([
      ['a.input.png', png],
      ['a.png', text('a mask')],
      ['a.cls', text('1')],
    ]);
    expect(await (await webDataset(path, { picture: 'input.png' })).image(0)).toMatchObject({ width: 5 });
    await expect(webDataset(path, { picture: 'jpg' })).rejects.toMatchObject({
      code: 'incomplete-sample',
      received: 'input.png, png, cls',
    });
  });

  it('puts archives together, numbers in braces too', async () => {
    const folder = mkdtempSync(join(root, 'w-'));
    for (const shard of [8, 9, 10]) {
      const files = [0, 1].flatMap((k) => [[`${k}.png`, png] as const, [`${k}.cls`, text(`${shard}`)] as const]);
      writeFileSync(join(folder, `s-${String(shard).padStart(3, '0')}.tar`), tarOf(files));
    }
    const { shards, samples } = await webDataset(join(folder, 's-{008..010}.tar'));
    expect(shards.map((path) => path.slice(-9))).toEqual(['s-008.tar', 's-009.tar', 's-010.tar']);
    expect(samples.map(({ label }) => label)).toEqual([8, 8, 9, 9, 10, 10]);
    expect((await webDataset([shards[2]!, shards[0]!])).samples.map(({ label }) => label)).toEqual([10, 10, 8, 8]);
    await expect(webDataset(join(folder, 's-{008..011}.tar'))).rejects.toMatchObject({ code: 'cannot-read' });
    await expect(webDataset(folder)).rejects.toMatchObject({
      code: 'cannot-read',
      message: expect.stringContaining(folder),
    });
    await expect(webDataset([])).rejects.toMatchObject({ code: 'empty-archive' });
    await expect(webDataset(archiveOf([]))).rejects.toMatchObject({ code: 'empty-archive' });
  });

  it('passes over files whose name starts with a dot', async () => {
    const path = archiveOf([
      ['x/._a.png', png],
      ['x/a.png', png],
      ['x/a.cls', text('1')],
      ['.a.cls', text('2')],
    ]);
    expect((await webDataset(path)).samples.map(({ name, label }) => [name, label])).toEqual([['x/a', 1]]);
  });

  it('refuses one file twice', async () => {
    const path = archiveOf([
      ['a.png', png],
      ['a.PNG', png],
      ['a.cls', text('1')],
    ]);
    await expect(webDataset(path)).rejects.toMatchObject({ code: 'duplicate-part' });
  });

  it('feeds a loader in any order, the same for any number of workers', async () => {
    const files = Array.from(
      { length: 12 },
      (_, k) =>
        [
          [`${k}.png`, png],
          [`${k}.txt`, text(`x${k % 10}`)],
        ] as const,
    );
    const { samples } = await webDataset(archiveOf(files.flat()));
    const codec = fixedLength({ charset: 'x0123456789', length: 2 });
    const seen = [];
    for (const workers of [0, 2]) {
      const source = webDatasetSource(samples, { channels: 1 });
      const batches = await loader({ source, codec, batchSize: 4, shuffle: true, workers });
      const all = [];
      for (const epoch of [0, 0]) for await (const batch of batches.epoch(epoch)) all.push(batch);
      await batches.close();
      expect(all[0]!.inputs.shape).toEqual([4, 3, 5, 1]);
      expect(codec.decode(all[0]!.labels.data.slice(0, 2))).toBe(samples[all[0]!.indices[0]!]!.label);
      expect(all.slice(3)).toEqual(all.slice(0, 3));
      seen.push(all);
    }
    expect(seen[0]).toEqual(seen[1]);
  });

  it('ends the stream with the archive, a loop that is left, and an error', async () => {
    const path = archiveOf([
      ['a.png', Buffer.alloc(200_000)],
      ['b.png', Buffer.alloc(200_000)],
    ]);
    const whole = createReadStream(path);
    expect(await read(whole)).toHaveLength(2);
    const left = createReadStream(path);
    for await (const _ of readWebDataset(left)) break;
    const damaged = createReadStream(path, { start: 1 });
    await expect(read(damaged)).rejects.toMatchObject({ code: 'invalid-tar' });
    for (const stream of [whole, left, damaged]) expect(stream.destroyed).toBe(true);
  });

  it('refuses a class beyond 32 bits, which a codec reads as a text', async () => {
    const path = archiveOf([
      ['a.png', png],
      ['a.json', text('{"label":4294967297}')],
    ]);
    const { samples } = await webDataset(path);
    const first = async (codec?: ReturnType<typeof fixedLength>) => {
      const train = await loader({ source: webDatasetSource(samples), batchSize: 1, workers: 0, codec });
      return train.epoch(0)[Symbol.asyncIterator]().next();
    };
    await expect(first()).rejects.toMatchObject({ code: 'invalid-label', message: expect.stringContaining('a of ') });
    const { value } = await first(fixedLength({ charset: '0123456789', length: 10 }));
    expect([...value!.labels.data].join('')).toBe('4294967297');
  });

  it('names a picture that is damaged, or gone since it was listed', async () => {
    const path = archiveOf([
      ['good.png', png],
      ['good.cls', text('0')],
      ['bad.png', png.subarray(0, 60)],
      ['bad.cls', text('1')],
    ]);
    const listed = await webDataset(path);
    await expect(listed.image(1)).rejects.toMatchObject({
      code: 'cannot-decode',
      message: expect.stringContaining(`bad of ${path}`),
    });
    const batches = await loader({
      source: webDatasetSource(listed.samples),
      batchSize: 2,
      workers: 0,
      onBadPicture: 'skip',
    });
    for await (const { indices } of batches.epoch(0)) expect([...indices]).toEqual([0]);
    expect(batches.skipped).toMatchObject([{ index: 1, name: `bad of ${path}` }]);
    await batches.close();
    truncateSync(path, 512);
    await expect(listed.image(0)).rejects.toMatchObject({ code: 'cannot-read' });
  });
});

describe('archives that are refused', () => {
  const sample: readonly (readonly [string, Buffer])[] = [['a.cls', text('1')]];
  const both = async (path: string, expected: object) => {
    await expect(webDataset(path)).rejects.toMatchObject(expected);
    await expect(read(createReadStream(path))).rejects.toMatchObject({ code: (expected as { code: string }).code });
  };

  it.each<[string, TarFile]>([
    ['a path that leads up', { name: '../a.png' }],
    ['a path that leads up inside', { name: 'x/../../a.png' }],
    ['a path that leads up, as Windows writes it', { name: 'x\\..\\a.png' }],
    ['an absolute path', { name: '/etc/a.png' }],
    ['a drive', { name: 'C:/a.png' }],
    ['a symbolic link', { name: 'a.png', type: '2', link: '/etc/passwd' }],
    ['a hard link', { name: 'a.png', type: '1', link: 'b.png' }],
    ['a device', { name: 'a.png', type: '3' }],
    ['a pipe', { name: 'a.png', type: '6' }],
    ['no name', { name: '' }],
    ['a folder that leads up', { name: '../x', type: '5' }],
  ])('%s', async (_, file) => {
    await both(archiveOf([...sample, file]), { code: 'unsafe-tar', message: expect.stringContaining('a.tar') });
  });

  it('names hidden in headers of their own', async () => {
    const record = (key: string, value: string) => {
      const rest = ` ${key}=${value}\n`;
      const length = [1, 2, 3].map((digits) => rest.length + digits).find((n) => String(n).length === n - rest.length)!;
      return text(`${length}${rest}`);
    };
    const pax: TarFile = { name: 'x', type: 'x', content: record('path', '../a.png') };
    await both(archiveOf([pax, ['a.png', png]]), { code: 'unsafe-tar' });
    const gnu: TarFile = { name: '././@LongLink', type: 'L', content: text('../a.png\0') };
    await both(archiveOf([gnu, ['a.png', png]]), { code: 'unsafe-tar' });
    const sparse: TarFile = { name: 'x', type: 'x', content: record('GNU.sparse.major', '1') };
    await both(archiveOf([sparse, ['a.png', png]]), { code: 'unsafe-tar' });
    for (const content of [text('nonsense'), text('99 path=a\n'), text('8 =a.b\n'), record('size', '1e3')])
      await both(archiveOf([{ name: 'x', type: 'x', content }, ['a.png', png]]), { code: 'invalid-tar' });
  });

  it('an entry of more bytes than there is memory for, cut short', async () => {
    for (const size of ['17179869184', '4503599627370496']) {
      const length = 9 + size.length; // of the record itself, two digits
      const pax: TarFile = { name: 'x', type: 'x', content: text(`${length} size=${size}\n`) };
      await both(archiveOf([pax, ['a.png', png]]), { code: 'invalid-tar', message: expect.stringContaining('a.png') });
    }
  });

  it('what is cut short, at any place, or is no tar', async () => {
    const whole = tarOf([
      ['a.png', png],
      ['a.cls', text('1')],
    ]);
    const path = archiveOf([]);
    const end = whole.length - 1024; // of the contents; after it one empty block is enough
    for (let length = 0; length < end + 512; length += 64) {
      writeFileSync(path, whole.subarray(0, length));
      await both(path, { code: 'invalid-tar' });
    }
    writeFileSync(path, whole.subarray(0, end + 512));
    expect((await webDataset(path)).size).toBe(1);
    writeFileSync(path, gzipSync(whole));
    await both(path, { code: 'invalid-tar', fix: expect.stringContaining('compressed') });
    writeFileSync(path, png);
    await both(path, { code: 'invalid-tar' });
  });
});
