import { existsSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { captchaFolder, fixedLength } from '@proj/datasets';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from './temporary-folder.js';

const root = temporaryFolder();
let png: Buffer;
beforeAll(async () => {
  png = await sharp({ create: { width: 8, height: 4, channels: 3, background: '#123456' } })
    .png()
    .toBuffer();
});

/** A new folder with a picture for each name, or the given content. */
function folderOf(files: Readonly<Record<string, string | Buffer | null>> | readonly string[]): string {
  const folder = mkdtempSync(join(root, 'f-'));
  const entries = Array.isArray(files) ? files.map((name) => [name, null] as const) : Object.entries(files);
  for (const [name, content] of entries) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), content ?? png);
  }
  return folder;
}

const labels = (samples: readonly { label: string }[]) => samples.map(({ label }) => label);

describe('labels in file names', () => {
  it('finds out both usual forms', async () => {
    const numbered = await captchaFolder(folderOf(['0_aB3d.png', '1_xY9z.png']));
    expect(labels(numbered.samples)).toEqual(['aB3d', 'xY9z']);
    expect(numbered).toMatchObject({
      size: 2,
      length: 4,
      minLength: 4,
      charset: '39BYadxz',
      labelsFrom: '{i}_{label}',
    });
    const plain = await captchaFolder(folderOf(['2b7x.png', 'ab.png']));
    expect(plain).toMatchObject({ length: 4, minLength: 2, charset: '27abx', labelsFrom: '{label}' });
  });

  it.each([
    ['{i}_{label}', '17_a_b.png', 'a_b'],
    ['{label}_{i}', 'a_b_17.png', 'a_b'],
    ['{label}.{any}', 'aB3d.x1.png', 'aB3d'],
    ['img-{i}-{label}', 'img-3-q.png', 'q'],
    ['({label})+', '(x)+.png', 'x'],
    ['{any}{label}', 'z.png', 'z'],
  ])("reads '%s' in %s", async (pattern, name, label) => {
    expect(labels((await captchaFolder(folderOf([name]), { pattern })).samples)).toEqual([label]);
  });

  it('reads odd characters, in one normal form', async () => {
    const { samples, charset, length } = await captchaFolder(folderOf(['0_e\u0301 🙂字.png']));
    expect(labels(samples)).toEqual(['é 🙂字']);
    expect(Array.from(charset)).toEqual([' ', 'é', '字', '🙂']);
    expect(length).toBe(4);
  });

  it('takes the usual extensions in any case, and no other files', async () => {
    const files = {
      '1_b.JPG': null,
      '0_a.PNG': null,
      '2_c.webp': null,
      'notes.txt': 'x',
      '.3_d.png': null,
      'sub/4_e.png': null,
    };
    expect(labels((await captchaFolder(folderOf(files))).samples)).toEqual(['a', 'b', 'c']);
    expect(labels((await captchaFolder(folderOf(files), { extensions: ['.jpg'] })).samples)).toEqual(['b']);
  });

  it('gives absolute paths in the order of code units, follows links and decodes', async () => {
    const folder = folderOf(['10_b.png', '9_c.png']);
    symlinkSync(join(folder, '9_c.png'), join(folder, '1_a.png'));
    const dataset = await captchaFolder(relative(process.cwd(), folder));
    expect(dataset.samples.map(({ path }) => path)).toEqual(
      ['10_b.png', '1_a.png', '9_c.png'].map((n) => join(folder, n)),
    );
    expect(await dataset.image(1, { channels: 1 })).toMatchObject({ width: 8, height: 4, channels: 1 });
    for (const index of [3, -1, 0.5]) {
      await expect(dataset.image(index)).rejects.toMatchObject({ code: 'invalid-index' });
    }
  });

  it('limits evenly over the folder', async () => {
    const folder = folderOf(Array.from('abcdefghij', (c) => `${c}.png`));
    expect(labels((await captchaFolder(folder, { limit: 4 })).samples)).toEqual(['a', 'c', 'f', 'h']);
    expect((await captchaFolder(folder, { limit: 99 })).size).toBe(10);
    await expect(captchaFolder(folder, { limit: 0 })).rejects.toMatchObject({ code: 'invalid-limit' });
  });

  it('makes a codec', async () => {
    const codec = fixedLength(await captchaFolder(folderOf(['0_ba.png', '1_cb.png'])));
    expect(codec.encode('cab'.slice(0, 2))).toEqual(Int32Array.of(2, 0));
  });
});

describe('a label file', () => {
  it('is used when it is there and no pattern is given', async () => {
    const folder = folderOf({ 'x.png': null, 'y.png': null, 'labels.csv': 'x.png,ab\ny.png,cd\n' });
    expect(labels((await captchaFolder(folder)).samples)).toEqual(['ab', 'cd']);
    expect((await captchaFolder(folder)).labelsFrom).toBe(join(folder, 'labels.csv'));
    expect(labels((await captchaFolder(folder, { pattern: '{label}' })).samples)).toEqual(['x', 'y']);
    expect(labels((await captchaFolder(folder, { labels: false })).samples)).toEqual(['x', 'y']);
  });

  it.each([
    ['plain', 'x.png,ab\nsub/y.png,cd'],
    ['a header in another order, CRLF, byte order mark', '\uFEFFid,Label,FileName\r\n1,ab,x.png\r\n2,cd,sub/y.png\r\n'],
    ['quotes and empty lines', '"x.png","ab"\n\n"sub/y.png",cd\n\n'],
  ])('is read as CSV: %s', async (_, csv) => {
    const folder = folderOf({ 'x.png': null, 'sub/y.png': null, 'labels.csv': csv });
    const { samples } = await captchaFolder(folder);
    expect(samples).toEqual([
      { path: join(folder, 'x.png'), label: 'ab' },
      { path: join(folder, 'sub', 'y.png'), label: 'cd' },
    ]);
  });

  it('may hold commas, quotes and line ends in quotes', async () => {
    const folder = folderOf({ 'a,b.png': null, 'c.png': null, 'labels.csv': '"a,b.png","x""y,\nz"\nc.png,"/"' });
    expect(labels((await captchaFolder(folder)).samples)).toEqual(['x"y,\nz', '/']);
  });

  it('is read as JSON lines', async () => {
    const lines = '{"file":"x.png","label":"ab","box":[1,2]}\n\n{"text":17,"file_name":"y.png"}\r\n';
    const folder = folderOf({ 'x.png': null, 'y.png': null, 'answers.jsonl': lines });
    expect(labels((await captchaFolder(folder, { labels: 'answers.jsonl' })).samples)).toEqual(['ab', '17']);
  });

  it.each([
    ['a missing column', 'labels.csv', 'x.png,ab\nx.png\n', 'line 2'],
    ['an open quote', 'labels.csv', 'x.png,ab\nx.png,"cd\n', 'line 2'],
    ['an empty label', 'labels.csv', 'x.png,\n', 'line 1'],
    ['broken JSON', 'labels.jsonl', '{"file":"x.png","label":"a"}\n{"file":\n', 'line 2'],
    ['JSON without a label', 'labels.jsonl', '{"file":"x.png"}\n', 'line 1'],
    ['JSON that is no object', 'labels.jsonl', 'null\n', 'line 1'],
  ])('is refused with the line for %s', async (_, name, content, line) => {
    const folder = folderOf({ 'x.png': null, [name]: content });
    await expect(captchaFolder(folder)).rejects.toMatchObject({
      code: 'invalid-label-file',
      message: expect.stringMatching(new RegExp(`${line} of .*${name}`)),
    });
  });

  it('is refused with the line for an open quote in a large file', async () => {
    const folder = folderOf({ 'x.png': null, 'labels.csv': `x.png,ab\n"${'x.png,ab\n'.repeat(3_000_000)}` });
    await expect(captchaFolder(folder)).rejects.toMatchObject({
      code: 'invalid-label-file',
      message: expect.stringContaining('line 2'),
    });
  });

  it.each([
    ['path-leaves-folder', '../x.png,ab'],
    ['path-leaves-folder', 'sub/../../x.png,ab'],
    ['path-leaves-folder', '..,ab'],
    ['path-leaves-folder', '/etc/passwd,ab'],
    ['missing-picture', 'gone.png,ab'],
    ['duplicate-picture', 'x.png,ab\n./x.png,cd'],
    ['empty-folder', 'file,label\n'],
  ])('is refused: %s', async (code, csv) => {
    await expect(captchaFolder(folderOf({ 'x.png': null, 'labels.csv': csv }))).rejects.toMatchObject({
      code,
      message: expect.stringContaining('labels.csv'),
    });
  });

  it('must be the only one, and be there when it is named', async () => {
    const folder = folderOf({ 'x.png': null, 'labels.csv': 'x.png,a', 'labels.jsonl': '' });
    await expect(captchaFolder(folder)).rejects.toMatchObject({ code: 'ambiguous-labels' });
    await expect(captchaFolder(folder, { labels: 'other.csv' })).rejects.toMatchObject({ code: 'cannot-read' });
  });
});

describe('a folder that cannot be used', () => {
  it('is missing, or is no folder', async () => {
    const missing = join(root, 'nowhere');
    await expect(captchaFolder(missing)).rejects.toMatchObject({
      code: 'cannot-read',
      message: expect.stringContaining(missing),
    });
    const file = join(folderOf(['x.png']), 'x.png');
    await expect(captchaFolder(file)).rejects.toMatchObject({ code: 'cannot-read' });
  });

  it('has no pictures', async () => {
    await expect(captchaFolder(folderOf([]))).rejects.toMatchObject({ code: 'empty-folder', received: 'no files' });
    await expect(captchaFolder(folderOf({ 'a.txt': '' }))).rejects.toMatchObject({
      code: 'empty-folder',
      received: '1 other files (.txt)',
    });
  });

  it('is one of tar shards: they are named, and what reads them', async () => {
    const lines = [0, 1, 2].map((index) =>
      JSON.stringify({ file: `captchas-00000${index >> 1}.tar`, key: `00000000${index}`, label: 'ab' }),
    );
    const shards = { 'captchas-000000.tar': '', 'captchas-000001.tar': '' };
    for (const files of [shards, { ...shards, 'labels.jsonl': lines.join('\n') }]) {
      await expect(captchaFolder(folderOf(files))).rejects.toMatchObject({
        code: 'tar-shards',
        received: '2 archives, the first of them captchas-000000.tar',
        fix: expect.stringContaining('`webDataset`'),
      });
    }
  });

  it('has a name without the form of the others: file, form and an example are named', async () => {
    const folder = folderOf(['0_ab.png', '1_cd.png', 'stray.png']);
    const error = await captchaFolder(folder).catch((reason) => reason);
    expect(error).toMatchObject({ code: 'name-mismatch' });
    for (const part of [join(folder, 'stray.png'), "'{i}_{label}'", "'17_aB3d.png'"])
      expect(error.message).toContain(part);
  });

  it('has a label with unknown characters, or of another length', async () => {
    const folder = folderOf(['0_ab.png', '1_abc.png']);
    expect(await captchaFolder(folder, { charset: 'cba' })).toMatchObject({ charset: 'cba' });
    await expect(captchaFolder(folder, { charset: 'ab' })).rejects.toMatchObject({
      code: 'unknown-character',
      received: "'c'",
      message: expect.stringContaining('1_abc.png'),
    });
    await expect(captchaFolder(folder, { length: 2 })).rejects.toMatchObject({
      code: 'label-length',
      message: expect.stringContaining('1_abc.png'),
    });
  });

  it.each(['{i}', 'label', '{label}{label}', '{name}_{label}', ''])("has the pattern '%s'", async (pattern) => {
    await expect(captchaFolder(folderOf(['a.png']), { pattern })).rejects.toMatchObject({ code: 'invalid-pattern' });
  });
});

const data = process.env.PROJ_DATA ?? resolve(import.meta.dirname, '../../../data');

describe('real captchas', () => {
  it.skipIf(!existsSync(join(data, 'afocus')))(`afocus (skipped where ${data} is missing)`, async () => {
    const folder = await captchaFolder(join(data, 'afocus'), { length: 4 });
    expect(folder).toMatchObject({ size: 500, length: 4, labelsFrom: '{i}_{label}' });
    expect(folder.charset).toBe('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz');
    expect(await folder.image(0)).toMatchObject({ width: 128, height: 64, channels: 3 });
  });

  it.skipIf(!existsSync(join(data, 'captcha-v2')))(`captcha-v2 (skipped where ${data} is missing)`, async () => {
    const folder = await captchaFolder(join(data, 'captcha-v2'), { length: 5 });
    expect(folder).toMatchObject({ size: 900, length: 5, labelsFrom: '{label}', charset: '2345678bcdefgmnpwxy' });
    expect(await folder.image(899, { channels: 1 })).toMatchObject({ width: 200, height: 50, channels: 1 });
  });
});
