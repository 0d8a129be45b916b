import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Rng } from '@proj/core';
import { type Cifar10Download, cifar10, cifar10Source, downloadCifar10, loader, splitByPicture } from '@proj/datasets';
import { afterEach, describe, expect, it } from 'vitest';
import { tarOf } from './tar-of.js';
import { temporaryFolder } from './temporary-folder.js';

const root = temporaryFolder();
const newFolder = () => mkdtempSync(join(root, 'c-'));
const recordBytes = 3073;
const names = [...[1, 2, 3, 4, 5].map((k) => `data_batch_${k}.bin`), 'test_batch.bin'];

/** Value of a channel, 0..2, at a place of a picture. */
const valueAt = (picture: number, channel: number, y: number, x: number) =>
  (picture * 31 + channel * 85 + y * 7 + x * 3) % 256;

const md5Of = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex');

/** Records with labels 0, 1, ... 9, 0, ... */
function records(count: number): Buffer {
  const bytes = Buffer.alloc(count * recordBytes);
  for (let n = 0; n < count; n++) {
    bytes[n * recordBytes] = n % 10;
    for (let i = 0; i < 3072; i++)
      bytes[n * recordBytes + 1 + i] = valueAt(n, Math.floor(i / 1024), Math.floor((i % 1024) / 32), i % 32);
  }
  return bytes;
}

describe('cifar10', () => {
  it('reads labels and pictures, planes to pixels', async () => {
    const dir = newFolder();
    writeFileSync(join(dir, 'a.bin'), records(12));
    writeFileSync(join(dir, 'b.bin'), records(3));
    const { samples, size, classes, image } = await cifar10(dir, { files: ['a.bin', 'b.bin'] });
    expect([size, classes.length, classes[9]]).toEqual([15, 10, 'truck']);
    expect(samples[13]).toEqual({ name: 'b/1', path: join(dir, 'b.bin'), record: 1, label: 1 });
    const picture = await image(11);
    expect(picture).toMatchObject({ width: 32, height: 32, channels: 3 });
    for (const [y, x, c] of [
      [0, 0, 0],
      [0, 1, 2],
      [31, 30, 1],
    ] as const)
      expect(picture.data[(y * 32 + x) * 3 + c]).toBe(valueAt(11, c, y, x));
    await expect(image(15)).rejects.toMatchObject({ code: 'invalid-index' });
  });

  it('feeds a loader, whole or split, the same for any number of workers', async () => {
    const dir = newFolder();
    writeFileSync(join(dir, 'a.bin'), records(40));
    const { samples } = await cifar10(dir, { files: ['a.bin'] });
    const { train } = splitByPicture(samples, { fractions: { train: 0.5, test: 0.5 }, seed: 1, stratify: true });
    const seen: unknown[] = [];
    for (const workers of [0, 2]) {
      const batches = await loader({ source: cifar10Source(train), batchSize: 8, shuffle: true, workers });
      const all = [];
      for await (const batch of batches.epoch(0)) all.push(batch);
      await batches.close();
      seen.push(all);
      const [first] = all;
      expect(first!.inputs.shape).toEqual([8, 32, 32, 3]);
      const { record, label } = train[first!.indices[3]!]!;
      expect(first!.labels.data[3]).toBe(label);
      expect(first!.inputs.data[3 * 3072 + (5 * 32 + 6) * 3 + 2]).toBe(valueAt(record, 2, 5, 6));
    }
    expect(seen[0]).toEqual(seen[1]);
  });

  it.skipIf(process.platform !== 'linux')('leaves no file open where a loader is closed in mid-batch', async () => {
    const dir = newFolder();
    writeFileSync(join(dir, 'x.bin'), new Uint8Array(20 * 3073));
    const { samples } = await cifar10(dir, { files: ['x.bin'] });
    const before = readdirSync('/proc/self/fd').length;
    const turns = 10;
    for (let turn = 0; turn < turns; turn++) {
      const train = await loader({ source: cifar10Source(samples), batchSize: 20, workers: 0 });
      const next = train.epoch(0)[Symbol.asyncIterator]().next();
      await train.close();
      expect((await next).done).toBe(true);
    }
    // Others may open and close some meanwhile.
    expect(readdirSync('/proc/self/fd').length - before).toBeLessThan(turns / 2);
  });

  it('demands whole files with known labels', async () => {
    const dir = newFolder();
    const path = join(dir, 'a.bin');
    const options = { files: ['a.bin'] };
    await expect(cifar10(dir, options)).rejects.toMatchObject({ code: 'cannot-read' });
    writeFileSync(path, records(2).subarray(0, -1));
    await expect(cifar10(dir, options)).rejects.toMatchObject({
      code: 'invalid-cifar10',
      received: '6145 bytes',
      message: expect.stringContaining(path),
    });
    const wrong = records(3);
    wrong[2 * recordBytes] = 10;
    writeFileSync(path, wrong);
    await expect(cifar10(dir, options)).rejects.toMatchObject({ received: '10 in record 2' });
    writeFileSync(path, '');
    await expect(cifar10(dir, options)).rejects.toMatchObject({ code: 'empty-archive' });
    writeFileSync(join(dir, 'test_batch.bin'), records(5));
    await expect(cifar10(dir, { part: 'test' })).rejects.toMatchObject({ expected: '10000 records of 3073 bytes' });
    await expect(cifar10(dir)).rejects.toMatchObject({
      code: 'cannot-read',
      message: expect.stringContaining('data_batch_1.bin'),
    });
  });

  it('notices a file that was cut after it was listed', async () => {
    const dir = newFolder();
    const path = join(dir, 'a.bin');
    writeFileSync(path, records(4));
    const { samples } = await cifar10(dir, { files: ['a.bin'] });
    truncateSync(path, 2 * recordBytes);
    const batches = await loader({ source: cifar10Source(samples), batchSize: 4, workers: 0 });
    await expect(batches.epoch(0)[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: 'cannot-read',
      message: expect.stringContaining(`record 2 of ${path}`),
    });
    await batches.close();
  });
});

describe('the download', () => {
  // Most of the tests fetch an archive of other files: unpacking CIFAR-10 itself takes seconds.
  const rng = new Rng(1);
  const archive = gzipSync(tarOf([['other.bin', Buffer.from(Array.from({ length: 200_000 }, () => rng.int(256)))]]));
  const md5 = md5Of(archive);
  let server: Server | undefined;
  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
    server = undefined;
  });

  /** A server on this machine; gives the options that download from it, and the ranges it was asked for. */
  async function serve(answer: (request: IncomingMessage, response: ServerResponse, visit: number) => void) {
    const ranges: (string | undefined)[] = [];
    server = createServer((request, response) => {
      ranges.push(request.headers.range);
      answer(request, response, ranges.length);
    });
    await new Promise<void>((listening) => server!.listen(0, '127.0.0.1', listening));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/cifar.tar.gz`;
    return { ranges, options: { url, md5, retryDelayMs: 1, stallMs: 2000 } satisfies Cifar10Download };
  }

  /** As servers of files do, ranges included. */
  function send(request: IncomingMessage, response: ServerResponse, end = archive.length): void {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const headers = { 'content-length': archive.length - from };
    if (from >= archive.length) {
      response.writeHead(416, { 'content-range': `bytes */${archive.length}` }).end();
      return;
    }
    if (from === 0) response.writeHead(200, headers);
    else
      response.writeHead(206, { ...headers, 'content-range': `bytes ${from}-${archive.length - 1}/${archive.length}` });
    if (end === archive.length) response.end(archive.subarray(from));
    else response.write(archive.subarray(from, Math.max(from, end)), () => response.socket?.end());
  }

  /** Fetches the archive, which is not CIFAR-10. */
  async function fetchArchive(dir: string, options: Cifar10Download) {
    await expect(downloadCifar10(dir, options)).rejects.toMatchObject({ code: 'invalid-cifar10' });
    expect(readdirSync(dir)).toEqual(['cifar-10-binary.tar.gz']);
    expect(readFileSync(join(dir, 'cifar-10-binary.tar.gz')).equals(archive)).toBe(true);
  }

  it('fetches and unpacks what is missing, once, through a redirection', async () => {
    const batch = Buffer.alloc(10_000 * recordBytes); // of the class 0, all black
    const files = names.map((name) => [`cifar-10-batches-bin/${name}`, batch] as const);
    const whole = gzipSync(tarOf([...files, ['cifar-10-batches-bin/readme.html', Buffer.from('x')]]), { level: 1 });
    const { ranges, options } = await serve((request, response) => {
      if (request.url === '/cifar.tar.gz') response.writeHead(302, { location: '/moved/here' }).end();
      else response.writeHead(200, { 'content-length': whole.length }).end(whole);
    });
    const dir = join(newFolder(), 'new');
    const progress: [number, number | undefined][] = [];
    const onProgress = (bytes: number, total: number | undefined) => progress.push([bytes, total]);
    const fetching = { ...options, md5: md5Of(whole) };
    const test = await cifar10(dir, { part: 'test', download: { ...fetching, onProgress } });
    expect(test.size).toBe(10_000);
    expect(test.dir).toBe(join(dir, 'cifar-10-batches-bin'));
    expect(readdirSync(test.dir).sort()).toEqual([...names].sort());
    expect(progress.at(-1)).toEqual([whole.length, whole.length]);
    expect((await cifar10(dir, { download: fetching })).size).toBe(50_000);
    rmSync(join(test.dir, names[2]!));
    expect((await cifar10(dir, { download: fetching })).size).toBe(50_000); // from the archive that is there
    expect(ranges.length).toBe(2);
  });

  it('goes on where a connection broke off, again and again', async () => {
    const part = Math.ceil(archive.length / 4);
    const { ranges, options } = await serve((request, response, visit) => send(request, response, visit * part));
    await fetchArchive(newFolder(), { ...options, attempts: 2 });
    expect(ranges[0]).toBeUndefined();
    expect(ranges.length).toBeGreaterThanOrEqual(4);
    for (const range of ranges.slice(1)) expect(range).toMatch(/^bytes=\d+-$/);
  });

  it('goes on in another call, from nothing missing too, and from the start where ranges are not taken', async () => {
    const { ranges, options } = await serve((request, response, visit) =>
      visit <= 2 ? send(request, response) : response.end(archive),
    );
    for (const length of [1000, archive.length, 1000]) {
      const dir = newFolder();
      writeFileSync(join(dir, 'cifar-10-binary.tar.gz.part'), archive.subarray(0, length));
      await fetchArchive(dir, options);
      expect(ranges.at(-1)).toBe(`bytes=${length}-`);
    }
  });

  it('breaks off a connection that brings nothing, and gives up after the attempts', async () => {
    let visits = 0;
    const { options } = await serve(() => void visits++);
    const started = performance.now();
    const failing = downloadCifar10(newFolder(), { ...options, attempts: 2, stallMs: 100 });
    await expect(failing).rejects.toMatchObject({
      code: 'download-failed',
      message: expect.stringContaining('nothing came for 100 ms'),
    });
    expect(visits).toBe(2);
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  it('does not ask again for what is not there', async () => {
    let visits = 0;
    const { options } = await serve((_, response) => {
      visits++;
      response.writeHead(404).end();
    });
    await expect(downloadCifar10(newFolder(), options)).rejects.toMatchObject({
      code: 'download-failed',
      message: expect.stringContaining('404'),
    });
    expect(visits).toBe(1);
    await expect(downloadCifar10(newFolder(), { ...options, url: 'ftp://127.0.0.1/x' })).rejects.toMatchObject({
      code: 'download-failed',
    });
  });

  it('refuses other bytes: they are gone, and what was there before stays', async () => {
    const { options } = await serve((request, response) => send(request, response));
    const dir = newFolder();
    await expect(downloadCifar10(dir, { ...options, md5: '0'.repeat(32) })).rejects.toMatchObject({
      code: 'checksum-mismatch',
      received: md5,
    });
    expect(readdirSync(dir)).toEqual([]);
    writeFileSync(join(dir, 'cifar-10-binary.tar.gz'), 'mine');
    await expect(downloadCifar10(dir, options)).rejects.toMatchObject({ code: 'checksum-mismatch' });
    expect(readFileSync(join(dir, 'cifar-10-binary.tar.gz'), 'utf8')).toBe('mine');
  });

  it('says where it cannot write', async () => {
    const file = join(newFolder(), 'file');
    writeFileSync(file, '');
    for (const dir of [file, join(file, 'below'), ...(process.platform === 'linux' ? ['/proc/cifar10'] : [])]) {
      await expect(downloadCifar10(dir)).rejects.toMatchObject({
        code: 'cannot-write',
        message: expect.stringContaining(dir),
      });
    }
  });

  it('stops when told, and keeps what came', async () => {
    const { options } = await serve((_, response) => void response.writeHead(200).write(archive.subarray(0, 5000)));
    const dir = newFolder();
    const stop = new AbortController();
    const stopped = downloadCifar10(dir, {
      ...options,
      signal: stop.signal,
      onProgress: () => stop.abort(new Error('enough')),
    });
    await expect(stopped).rejects.toThrow('enough');
    expect(existsSync(join(dir, 'cifar-10-binary.tar.gz'))).toBe(false);
  });
});
