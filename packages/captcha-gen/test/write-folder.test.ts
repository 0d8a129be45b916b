// Worker threads run what is built.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afocus } from '@proj/captcha-gen';
import { type ManifestRecord, type WriteFolderOptions, writeFolder } from '@proj/captcha-gen/node';
import { isProjError } from '@proj/core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const style = afocus();
let root: string;
let number = 0;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'captcha-gen-'));
});
afterAll(() => rm(root, { recursive: true }));

const freshFolder = () => join(root, `folder-${number++}`);

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (isProjError(error)) return error.code;
    throw error;
  }
  return 'none';
}

async function recordsOf(out: string): Promise<ManifestRecord[]> {
  const text = await readFile(join(out, 'labels.jsonl'), 'utf8');
  expect(text.endsWith('\n')).toBe(true);
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as ManifestRecord);
}

/** Names and bytes of all files. */
async function contentOf(out: string): Promise<Map<string, string>> {
  const names = (await readdir(out)).sort();
  return new Map(
    await Promise.all(names.map(async (name) => [name, (await readFile(join(out, name))).toString('base64')] as const)),
  );
}

describe('writeFolder', () => {
  it('writes PNG files that decode to the very pixels, and a manifest in order', async () => {
    const out = freshFolder();
    const progress: number[] = [];
    const result = await writeFolder(style, {
      count: 70,
      seed: 3,
      startIndex: 10,
      out,
      onProgress: ({ done }) => progress.push(done),
    });
    expect(result).toEqual({ written: 70, kept: 0, manifest: join(out, 'labels.jsonl') });
    expect(progress).toEqual([64, 70]);
    const records = await recordsOf(out);
    expect(records.map((record) => record.index)).toEqual(Array.from({ length: 70 }, (_, i) => i + 10));
    expect((await readdir(out)).sort()).toEqual([...records.map((record) => record.file), 'labels.jsonl'].sort());
    for (const { file, label, seed, index, parameters } of records.slice(0, 5)) {
      const expected = style.generate(seed, index);
      expect(file).toBe(`${index}_${label}.png`);
      expect({ label, parameters }).toEqual({ label: expected.label, parameters: expected.parameters });
      const { data, info } = await sharp(join(out, file)).raw().toBuffer({ resolveWithObject: true });
      expect([info.width, info.height, info.channels]).toEqual([128, 64, 3]);
      expect(data.equals(new Uint8Array(expected.image.data))).toBe(true);
    }
  });

  it('goes on where a stopped call left off, with the same result as one that was not stopped', async () => {
    const whole = freshFolder();
    await writeFolder(style, { count: 150, seed: 1, out: whole });
    const expected = await contentOf(whole);

    const out = freshFolder();
    const stop = new AbortController();
    const job: WriteFolderOptions = { count: 150, seed: 1, out };
    await expect(writeFolder(style, { ...job, signal: stop.signal, onProgress: () => stop.abort() })).rejects.toThrow(
      'abort',
    );
    expect(await recordsOf(out)).toHaveLength(64);

    // What a kill may leave: a line cut short, pictures beyond the manifest, a temporary file, a lost picture.
    await appendFile(join(out, 'labels.jsonl'), '{"file":"64_');
    const next = style.generate(1, 64);
    await writeFile(join(out, `64_${next.label}.png`), 'half');
    await writeFile(join(out, '.64_x.png.01234567-89ab-cdef-0123-456789abcdef.tmp'), 'half');
    const pathOf = async (index: number) =>
      join(out, (await readdir(out)).find((name) => name.startsWith(`${index}_`)) as string);
    await rm(await pathOf(5));
    // What a power failure may leave of files that the system had not brought to the disk.
    await writeFile(await pathOf(6), '');
    await truncate(await pathOf(7), 1000);
    const damaged = await readFile(await pathOf(8));
    await writeFile(await pathOf(8), damaged.fill(0, damaged.length >> 1));
    await writeFile(await pathOf(9), damaged.fill(0));

    expect(await writeFolder(style, job)).toMatchObject({ written: 91, kept: 59 });
    expect(await contentOf(out)).toEqual(expected);
    expect(await writeFolder(style, job)).toMatchObject({ written: 0, kept: 150 });
    const manifest = join(out, 'labels.jsonl');
    const lines = (await readFile(manifest, 'utf8')).split('\n');
    await writeFile(manifest, `${lines.slice(0, 20).join('\n')}\n`); // what a power failure may leave of it
    expect(await writeFolder(style, job)).toMatchObject({ written: 130, kept: 20 });
    expect(await contentOf(out)).toEqual(expected);
    expect(await writeFolder(style, { ...job, count: 151 })).toMatchObject({ written: 1, kept: 150 });
  });

  it('gives the same files whatever the threads', async () => {
    const [one, other] = [freshFolder(), freshFolder()];
    await writeFolder(style, { count: 70, seed: 1, out: one });
    await writeFolder(style, { count: 70, seed: 1, out: other, threads: 2 });
    expect(await contentOf(other)).toEqual(await contentOf(one));
  });

  it('refuses folders that hold anything else', async () => {
    const out = freshFolder();
    await mkdir(out);
    await writeFile(join(out, '.hidden'), '');
    await writeFolder(style, { count: 5, seed: 1, out });
    const before = await contentOf(out);
    expect(await codeOf(writeFolder(style, { count: 5, seed: 2, out }))).toBe('folder-not-empty');
    expect(await codeOf(writeFolder(style, { count: 5, seed: 1, startIndex: 1, out }))).toBe('folder-not-empty');
    expect(await codeOf(writeFolder(style, { count: 4, seed: 1, out }))).toBe('folder-not-empty');
    expect(await codeOf(writeFolder(afocus({ length: 5 }), { count: 5, seed: 1, out }))).toBe('folder-not-empty');
    expect(await codeOf(writeFolder(afocus({ disturbance: 'HIGH' }), { count: 5, seed: 1, out }))).toBe(
      'folder-not-empty',
    );
    expect(await contentOf(out)).toEqual(before);

    const other = freshFolder();
    await mkdir(other);
    await writeFile(join(other, 'thesis.txt'), 'years of work');
    expect(await codeOf(writeFolder(style, { count: 5, seed: 1, out: other }))).toBe('folder-not-empty');
    expect(await readdir(other)).toEqual(['thesis.txt']);
  });

  it('overwrites captchas and nothing else when told', async () => {
    const out = freshFolder();
    await writeFolder(style, { count: 6, seed: 1, out, pattern: 'old-{i}.png' });
    await writeFile(join(out, '99_left.png'), 'of a killed run');
    await writeFile(join(out, 'notes.txt'), 'mine');
    await writeFolder(style, { count: 3, seed: 2, out, overwrite: true });
    const records = await recordsOf(out);
    expect(records).toHaveLength(3);
    expect((await readdir(out)).sort()).toEqual([...records.map((record) => record.file), 'labels.jsonl', 'notes.txt']);
    expect(await writeFolder(style, { count: 4, seed: 2, out })).toMatchObject({ written: 1, kept: 3 });
    await writeFile(join(out, '7_stray.png'), '');
    expect(await codeOf(writeFolder(style, { count: 4, seed: 2, out }))).toBe('folder-not-empty');
  });

  it('does not follow a manifest out of the folder', async () => {
    const out = freshFolder();
    await mkdir(out);
    const outside = join(root, 'outside.png');
    await writeFile(outside, 'keep');
    await writeFile(join(out, 'labels.jsonl'), '{"file":"../outside.png"}\n');
    await writeFolder(style, { count: 1, seed: 2, out, overwrite: true });
    expect(await readFile(outside, 'utf8')).toBe('keep');
  });

  it('refuses patterns, labels and counts that cannot work', async () => {
    const out = freshFolder();
    for (const pattern of ['{label}.png', '{i}.jpg', '../{i}.png', 'a/{i}.png', '.{i}.png']) {
      expect(await codeOf(writeFolder(style, { count: 1, seed: 1, out, pattern })), pattern).toBe('invalid-pattern');
    }
    const odd = afocus({ charset: 'ab/:' });
    expect(await codeOf(writeFolder(odd, { count: 1, seed: 1, out }))).toBe('unsafe-label');
    const dotted = afocus({ charset: 'ab.' });
    const hidden = writeFolder(dotted, { count: 1, seed: 1, out, pattern: '{label}_{i}.png' });
    expect(await codeOf(hidden)).toBe('unsafe-label');
    for (const count of [0, -1, 1.5, Number.NaN]) {
      expect(await codeOf(writeFolder(style, { count, seed: 1, out }))).toBe('invalid-count');
    }
    expect(await codeOf(writeFolder(style, { count: 1, seed: 1, out, startIndex: -1 }))).toBe('invalid-count');
    expect(await codeOf(writeFolder(style, { count: 1, seed: 1, out, threads: 1.5 }))).toBe('invalid-count');
    const { recipe: _, ...alone } = style;
    expect(await codeOf(writeFolder(alone, { count: 1, seed: 1, out, threads: 1 }))).toBe('not-threadable');
    expect(existsSync(out)).toBe(false);
    await writeFolder(odd, { count: 2, seed: 1, out, pattern: '{i}.png' });
    expect((await readdir(out)).sort()).toEqual(['0.png', '1.png', 'labels.jsonl']);
  });

  it('says which path cannot be written', async () => {
    const file = join(root, 'file');
    await writeFile(file, '');
    const error = await writeFolder(style, { count: 1, seed: 1, out: join(file, 'below') }).catch(
      (reason: unknown) => reason,
    );
    expect(isProjError(error, 'cannot-write')).toBe(true);
    expect(String(error)).toContain(file);
  });
});

/** A file system of 256 KB, which only root may mount. */
function mountTiny(folder: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', folder], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe('a full disk', () => {
  it('stops with a clear error and goes on once there is room', async (context) => {
    const folder = freshFolder();
    await mkdir(folder);
    if (!mountTiny(folder)) context.skip('mounting a small file system needs root');
    try {
      const out = join(folder, 'captchas');
      expect(await codeOf(writeFolder(style, { count: 100, seed: 1, out, threads: 1 }))).toBe('disk-full');
      expect(await codeOf(writeFolder(style, { count: 100, seed: 1, out }))).toBe('disk-full');
      const names = await readdir(out);
      expect(names.filter((name) => name.endsWith('.tmp'))).toEqual([]);
      for (const name of names.filter((other) => other.endsWith('.png'))) {
        expect((await stat(join(out, name))).size).toBeGreaterThan(0);
        await sharp(join(out, name)).stats(); // decodes
      }
      execFileSync('mount', ['-o', 'remount,size=4m', folder]);
      await writeFolder(style, { count: 100, seed: 1, out });
      expect(await recordsOf(out)).toHaveLength(100);
    } finally {
      execFileSync('umount', [folder]);
    }
  });
});
