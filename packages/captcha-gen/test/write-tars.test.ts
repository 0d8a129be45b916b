import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afocus } from '@proj/captcha-gen';
import { type WriteTarsOptions, writeFolder, writeTars } from '@proj/captcha-gen/node';
import { isProjError } from '@proj/core';
import { parseTar } from 'nanotar';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const style = afocus({ width: 60, height: 30, length: 2 });
const job = { seed: 3, count: 25, perTar: 10 };
let root: string;
let number = 0;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'captcha-tars-'));
});
afterAll(() => rm(root, { recursive: true }));

const freshFolder = () => join(root, `folder-${number++}`);

async function contentOf(out: string): Promise<Map<string, string>> {
  const names = (await readdir(out)).sort();
  return new Map(
    await Promise.all(names.map(async (name) => [name, await readFile(join(out, name), 'latin1')] as const)),
  );
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (isProjError(error)) return error.code;
    throw error;
  }
  return 'none';
}

describe('writeTars', { timeout: 60_000 }, () => {
  it('writes what WebDataset reads: picture, label and parameters under one key', async () => {
    const out = freshFolder();
    const result = await writeTars(style, { ...job, startIndex: 5, out });
    const tars = ['captchas-000000.tar', 'captchas-000001.tar', 'captchas-000002.tar'];
    expect(result).toEqual({ written: 25, kept: 0, manifest: join(out, 'labels.jsonl'), tars });
    expect((await readdir(out)).sort()).toEqual([...tars, 'labels.jsonl']);
    const lines = (await readFile(join(out, 'labels.jsonl'), 'utf8')).trimEnd().split('\n');
    expect(lines).toHaveLength(25);

    const files = parseTar(await readFile(join(out, tars[1]!)));
    expect(files.map(({ name }) => name).slice(0, 4)).toEqual([
      '000000015.png',
      '000000015.txt',
      '000000015.json',
      '000000016.png',
    ]);
    expect(files).toHaveLength(30);
    const expected = style.generate(3, 15);
    expect(Buffer.from(files[1]!.data!).toString()).toBe(expected.label);
    expect(Buffer.from(files[2]!.data!).toString()).toBe(lines[10]);
    expect(JSON.parse(lines[10]!)).toEqual({
      file: tars[1],
      key: '000000015',
      label: expected.label,
      seed: 3,
      index: 15,
      parameters: JSON.parse(JSON.stringify(expected.parameters)),
    });
    const pixels = await sharp(files[0]!.data!).raw().toBuffer();
    expect(pixels.equals(new Uint8Array(expected.image.data))).toBe(true);
  });

  it('is read by the tar of the system', async () => {
    const out = freshFolder();
    await writeTars(style, { ...job, count: 2, out });
    const listing = execFileSync('tar', ['tf', join(out, 'captchas-000000.tar')], { encoding: 'utf8' });
    expect(listing.trimEnd().split('\n')).toHaveLength(6);
  });

  it('writes the same bytes again, whatever the threads, and shards make what one call makes', async () => {
    const one = freshFolder();
    await writeTars(style, { ...job, out: one });
    const whole = await contentOf(one);
    const threaded = freshFolder();
    await writeTars(style, { ...job, out: threaded, threads: 2 });
    expect(await contentOf(threaded)).toEqual(whole);

    const parts = await Promise.all(
      [1, 2].map(async (part) => {
        const out = freshFolder();
        await writeTars(style, { ...job, out, shard: { number: part, of: 2 } });
        return contentOf(out);
      }),
    );
    const tarsOf = (content: Map<string, string>) => [...content].filter(([name]) => name.endsWith('.tar'));
    expect(parts.map((part) => tarsOf(part).length)).toEqual([1, 2]);
    expect(new Map(parts.flatMap(tarsOf))).toEqual(new Map(tarsOf(whole)));
    expect(parts.map((part) => part.get('labels.jsonl')).join('')).toBe(whole.get('labels.jsonl'));
  });

  it('goes on where a stopped call left off, makes lost files again, and grows', async () => {
    const one = freshFolder();
    await writeTars(style, { ...job, out: one });
    const whole = await contentOf(one);

    const out = freshFolder();
    const stop = new AbortController();
    const options: WriteTarsOptions = { ...job, out, signal: stop.signal, onProgress: () => stop.abort() };
    await expect(writeTars(style, options)).rejects.toThrow('abort');
    expect([...(await contentOf(out)).keys()]).toEqual(['captchas-000000.tar', 'labels.jsonl']);
    // What a kill may leave: the next file without its lines, a temporary file.
    await writeFile(join(out, 'captchas-000001.tar'), 'half');
    await writeFile(join(out, '.captchas-000001.tar.01234567-89ab-cdef-0123-456789abcdef.tmp'), 'half');
    expect(await writeTars(style, { ...job, out })).toMatchObject({ written: 15, kept: 10 });
    expect(await contentOf(out)).toEqual(whole);
    await rm(join(out, 'captchas-000000.tar'));
    expect(await writeTars(style, { ...job, out })).toMatchObject({ written: 10, kept: 15 });
    expect(await contentOf(out)).toEqual(whole);

    const grown = freshFolder();
    await writeTars(style, { ...job, count: 34, out: grown });
    expect(await writeTars(style, { ...job, count: 34, out })).toMatchObject({ written: 14, kept: 20 });
    expect(await contentOf(out)).toEqual(await contentOf(grown));
  });

  it('refuses what is not its own, and overwrites when told', async () => {
    const out = freshFolder();
    await writeTars(style, { ...job, out });
    for (const other of [{ seed: 4 }, { startIndex: 1 }, { count: 24 }, { perTar: 11 }]) {
      expect(await codeOf(writeTars(style, { ...job, ...other, out })), JSON.stringify(other)).toBe('folder-not-empty');
    }
    expect(await codeOf(writeFolder(style, { seed: 3, count: 25, out }))).toBe('folder-not-empty');
    await writeFile(join(out, 'notes.txt'), 'mine');
    expect(await writeTars(style, { ...job, seed: 4, count: 3, out, overwrite: true })).toMatchObject({ written: 3 });
    expect((await readdir(out)).sort()).toEqual(['captchas-000000.tar', 'labels.jsonl', 'notes.txt']);

    const foreign = freshFolder();
    await mkdir(foreign);
    await writeFile(join(foreign, 'thesis.txt'), 'years of work');
    expect(await codeOf(writeTars(style, { ...job, out: foreign }))).toBe('folder-not-empty');
    for (const perTar of [0, 1.5, 100_001]) {
      const refused = writeTars(style, { ...job, perTar, out: freshFolder() });
      await expect(refused).rejects.toMatchObject({
        code: 'invalid-count',
        message: expect.stringContaining('this `perTar`'),
      });
    }
  });

  it('refuses to share fewer files than there are parts, and says what would do', async () => {
    const out = freshFolder();
    const written = (perTar: number, number: number, of = 4) =>
      writeTars(style, { ...job, perTar, out, shard: { number, of } });
    await expect(written(10, 1)).rejects.toMatchObject({
      code: 'invalid-shard',
      message: expect.stringMatching(/25 captchas among 4 parts.*3 of 10 captchas.*at most 6 captchas/),
    });
    await expect(written(10, 2, 26)).rejects.toMatchObject({ code: 'invalid-shard' });
    expect(existsSync(out)).toBe(false);
    expect((await written(6, 1)).tars).toEqual(['captchas-000000.tar']);
  });
});
