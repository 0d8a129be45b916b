import { execFile, spawn } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isProjError } from '@proj/core';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { fromJSON, type TransformJson } from '../src/index.js';
import { type ExpandFolderOptions, expandFolder, readExpansion } from '../src/node.js';
import { drawing } from './drawing.js';
import { temporaryFolder } from './temporary-folder.js';

const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url));
const root = temporaryFolder();
const input = join(root, 'input');
const pipeline: TransformJson[] = [
  { name: 'randomHorizontalFlip' },
  { name: 'randomRotation', degrees: 15 },
  { name: 'colorJitter', brightness: 0.3, contrast: 0.3 },
];
const pipelineFile = join(root, 'pipeline.json');
let number = 0;
const freshFolder = () => join(root, `out-${number++}`);
const job = (out: string, more: Partial<ExpandFolderOptions> = {}): ExpandFolderOptions => ({
  ...{ input, out, copies: 29, pipeline, seed: 1 },
  ...more,
});

beforeAll(async () => {
  for (const folder of ['cat', 'dog']) mkdirSync(join(input, folder), { recursive: true });
  const write = (path: string, channels: 1 | 3 | 4) => {
    const { data, width, height } = drawing(24, 18, channels, path.length);
    return sharp(Buffer.from(data), { raw: { width, height, channels } })
      .toColourspace(channels === 1 ? 'b-w' : 'srgb')
      .toFile(join(input, path));
  };
  await Promise.all([write('cat/one.png', 3), write('cat/two.jpg', 3), write('dog/one.png', 4), write('grey.png', 1)]);
  writeFileSync(join(input, 'cat', 'notes.txt'), 'no picture');
  writeFileSync(join(input, '.hidden.png'), 'no picture');
  writeFileSync(pipelineFile, JSON.stringify(pipeline));
});

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

const contentOf = (folder: string) =>
  filesOf(folder).map((file) => [file, readFileSync(join(folder, file)).toString('base64')]);

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (isProjError(error)) return error.code;
    throw error;
  }
  return 'none';
}

describe('expandFolder', () => {
  it('writes 29 copies a picture in its class, each as its record says', async () => {
    const out = freshFolder();
    const result = await expandFolder(job(out));
    expect(result).toEqual({ written: 116, kept: 0, manifest: join(out, 'augment.jsonl') });
    const records = await readExpansion(out);
    expect(records.length).toBe(116);
    expect(filesOf(out)).toEqual(['augment.json', 'augment.jsonl', ...records.map(({ file }) => file)].sort());
    expect(new Set(records.map(({ source }) => source))).toEqual(
      new Set(['cat/one.png', 'cat/two.jpg', 'dog/one.png', 'grey.png']),
    );
    const transform = fromJSON(pipeline);
    const channels: Record<string, number> = { 'cat/one.png': 3, 'dog/one.png': 4, 'grey.png': 1 };
    for (const { file, source, params } of records.filter(({ copy }) => copy === 7)) {
      if (channels[source] === undefined) continue; // a JPEG is not what was drawn
      const expected = transform.apply(drawing(24, 18, channels[source], source.length), params);
      const space = expected.channels === 1 ? 'b-w' : 'srgb'; // else sharp makes RGB of everything
      const copy = sharp(join(out, file));
      expect((await copy.metadata()).channels).toBe(expected.channels);
      const data = await copy.toColourspace(space).raw().toBuffer();
      expect(data.equals(Uint8Array.from(expected.data))).toBe(true);
    }
  });

  it('goes on where it was stopped, with the same result', async () => {
    const [whole, out] = [freshFolder(), freshFolder()];
    await expandFolder(job(whole));
    const stop = new AbortController();
    const stopped = expandFolder(job(out, { signal: stop.signal, onProgress: () => stop.abort() }));
    await expect(stopped).rejects.toThrow('abort');
    expect((await readExpansion(out)).length).toBe(32);
    // What a kill may leave: a line cut short, a copy that is not listed, a temporary file, a lost copy.
    appendFileSync(join(out, 'augment.jsonl'), '{"file":"cat/');
    writeFileSync(join(out, 'grey_3.png'), 'half');
    writeFileSync(join(out, 'cat', '.x.png.01234567-89ab-cdef-0123-456789abcdef.tmp'), 'half');
    rmSync(join(out, 'cat', 'one_5.png'));
    expect(await expandFolder(job(out))).toMatchObject({ written: 85, kept: 31 });
    expect(contentOf(out)).toEqual(contentOf(whole));
    expect(await expandFolder(job(out))).toMatchObject({ written: 0, kept: 116 });
  });

  it('overwrites nothing', async () => {
    const out = freshFolder();
    await expandFolder(job(out, { copies: 2 }));
    const before = contentOf(out);
    for (const more of [{ seed: 2, copies: 2 }, { copies: 3 }, { copies: 2, pipeline: [] }]) {
      expect(await codeOf(expandFolder(job(out, more)))).toBe('folder-not-empty');
    }
    writeFileSync(join(out, 'mine.txt'), 'mine');
    expect(await codeOf(expandFolder(job(out, { copies: 2 })))).toBe('folder-not-empty');
    rmSync(join(out, 'mine.txt'));
    expect(contentOf(out)).toEqual(before);
    const other = freshFolder();
    mkdirSync(other);
    writeFileSync(join(other, 'thesis.txt'), 'years of work');
    expect(await codeOf(expandFolder(job(other)))).toBe('folder-not-empty');
    expect(filesOf(other)).toEqual(['thesis.txt']);
  });

  it('takes other settings where the first ones made nothing', async () => {
    const out = freshFolder();
    expect(await codeOf(expandFolder(job(out, { pipeline: [{ name: 'standardize' }] })))).toBe('not-bytes');
    expect(await expandFolder(job(out, { copies: 1 }))).toMatchObject({ written: 4, kept: 0 });
  });

  it('names what cannot be', async () => {
    const out = freshFolder();
    expect(await codeOf(expandFolder(job(join(input, 'within'))))).toBe('folder-in-folder');
    expect(await codeOf(expandFolder(job(input)))).toBe('folder-in-folder');
    expect(await codeOf(expandFolder(job(out, { input: join(root, 'nowhere') })))).toBe('cannot-read');
    expect(await codeOf(expandFolder(job(out, { copies: 0 })))).toBe('invalid-option');
    expect(await codeOf(expandFolder(job(out, { pipeline: [{ name: 'standardize' }] })))).toBe('not-bytes');
    const empty = join(root, 'empty');
    mkdirSync(empty);
    expect(await codeOf(expandFolder(job(freshFolder(), { input: empty })))).toBe('no-pictures');
    writeFileSync(join(empty, 'a.png'), 'no picture');
    expect(await codeOf(expandFolder(job(freshFolder(), { input: empty })))).toBe('cannot-decode');
    writeFileSync(join(empty, 'a.jpg'), 'no picture');
    expect(await codeOf(expandFolder(job(freshFolder(), { input: empty })))).toBe('name-collision');
  });
});

describe('the command', { timeout: 120_000 }, () => {
  const start = (...args: string[]) =>
    new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
      execFile(process.execPath, [cli, ...args], (error, stdout, stderr) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
      });
    });

  it('expands as the function does', async () => {
    const [out, other] = [freshFolder(), freshFolder()];
    const args = ['expand', input, '--out', out, '--copies', '3', '--pipeline', pipelineFile, '--seed', '5'];
    const { code, stderr } = await start(...args);
    expect(stderr).toContain(`12 copies written to ${out}`);
    expect(code).toBe(0);
    await expandFolder(job(other, { copies: 3, seed: 5 }));
    expect(contentOf(out)).toEqual(contentOf(other));
    expect((await start(...args)).stderr).toContain('12 stood there already');
    const refused = await start(...args.slice(0, -1), '6');
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^augment: Will not write copies[^\n]*\n$/),
    });
  });

  it('survives a kill, and goes on', async () => {
    const out = freshFolder();
    const args = ['expand', input, '--out', out, '--copies', '60', '--pipeline', pipelineFile];
    const child = spawn(process.execPath, [cli, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr.once('data', () => child.kill('SIGKILL'));
    await new Promise((resolve) => child.once('exit', resolve));
    expect(existsSync(join(out, 'augment.jsonl'))).toBe(true);
    expect((await readExpansion(out)).length).toBeLessThan(240);
    expect((await start(...args)).code).toBe(0);
    expect((await readExpansion(out)).length).toBe(240);
    expect(filesOf(out).length).toBe(242);
  });

  it.each([
    [[], /this command.*expand.*nothing/],
    [['expand'], /this input.*a folder of pictures/],
    [['expand', 'x'], /--out.*a folder/],
    [['expand', 'x', '--out', 'y'], /--pipeline.*a JSON file/],
    [['expand', 'x', '--out', 'y', '--pipeline', '/nowhere.json'], /Cannot read the pipeline/],
    [['expand', 'x', '--out', 'y', '--pipelin', 'z'], /Unknown option --pipelin/],
    [['expand', 'x', 'y'], /Unknown option y/],
    [['expand', 'x', '-v'], /Unknown option -v/],
    [['shrink', 'x'], /this command.*expand.*shrink/],
  ])('answers %j with one clear message and exit code 1', async (args, message) => {
    const { code, stdout, stderr } = await start(...args);
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^augment: [^\n]+\n$/);
    expect(stderr).toMatch(message);
  });

  it('explains itself', async () => {
    const { code, stdout } = await start('--help');
    expect(code).toBe(0);
    for (const word of ['--out', '--copies', '--pipeline', '--seed', 'EXAMPLES']) expect(stdout).toContain(word);
  });
});
