import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Rng } from '@proj/core';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from './temporary-folder.js';

const packageFolder = fileURLToPath(new URL('..', import.meta.url));
const blocks = [...readFileSync(join(packageFolder, 'README.md'), 'utf8').matchAll(/```ts\n(.*?)```/gs)].map(
  (m) => m[1]!,
);
const tsx = import.meta.resolve('tsx');
const root = temporaryFolder();

/** A program in a project of its own, with the package installed and some captchas beside it. */
async function project(): Promise<string> {
  const folder = mkdtempSync(join(root, 'project-'));
  mkdirSync(join(folder, 'node_modules', '@proj'), { recursive: true });
  symlinkSync(packageFolder, join(folder, 'node_modules/@proj/datasets'));
  for (const name of ['@proj/captcha-gen', '@proj/augment'])
    symlinkSync(join(packageFolder, 'node_modules', name), join(folder, 'node_modules', name));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  mkdirSync(join(folder, 'captchas'));
  const create = { width: 40, height: 16, channels: 3 as const, background: '#2060a0' };
  const png = await sharp({ create }).png().toBuffer();
  for (let i = 0; i < 10; i++) writeFileSync(join(folder, 'captchas', `${i}_aB${i}d.png`), png);
  return folder;
}

/** Twelve drawings of four people in each of two classes, a copy of the first as JPEG, and one that is nothing but grey. */
async function addDrawings(folder: string): Promise<void> {
  const rng = new Rng(1);
  for (const name of ['cat', 'dog']) {
    mkdirSync(join(folder, 'drawings', name), { recursive: true });
    for (const person of ['anna', 'ben', 'carl', 'dora']) {
      for (const number of [1, 2, 3]) {
        const raw = { width: 8, height: 8, channels: 3 as const };
        const image = sharp(Buffer.from(Array.from({ length: 192 }, () => rng.int(256))), { raw }).resize(32, 32);
        await image.png().toFile(join(folder, 'drawings', name, `${person}-${number}.png`));
      }
    }
  }
  await sharp(join(folder, 'drawings/cat/anna-1.png')).jpeg().toFile(join(folder, 'drawings/cat/anna-4.jpg'));
  const create = { width: 32, height: 32, channels: 3 as const, background: '#777777' };
  await sharp({ create }).png().toFile(join(folder, 'drawings/dog/zoe-1.png'));
}

async function node(cwd: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd, timeout: 100_000 });
  return stdout;
}

describe('the examples of the README, run as TypeScript by tsx', () => {
  it.each([
    [0, '8 to train on, 2 held back, characters 0123456789Bad\n[ 4, 16, 40, 1 ] [ 4, 4 ]\n[ 4, 16, 40, 1 ] [ 4, 4 ]\n'],
    [1, '[ 8, 64, 128, 3 ] 4\n[ 8, 64, 128, 3 ] 4\n2\n'],
    [
      2,
      'picture 3 is out: duplicate, 0 of 64 bits differ, at most 4 may\n' +
        'picture 25 is out: flat, contrast 0.0, less than 5\n' +
        'cat,dog 18 6\n[ 4 ]\n[ 4 ]\n[ 4 ]\n[ 4 ]\n[ 2 ]\n',
    ],
  ])('example %i', async (index, expected) => {
    const folder = await project();
    if (index === 2) await addDrawings(folder);
    writeFileSync(join(folder, 'example.ts'), blocks[index]!);
    expect(await node(folder, '--import', tsx, 'example.ts')).toBe(expected);
  });

  it('are these three', () => {
    expect(blocks.length).toBe(3);
  });
});

describe('workers of a program run by tsx', () => {
  const source = `export const tens = () => ({
    size: 4,
    sample: (index) => ({ image: { data: new Uint8ClampedArray(1), width: 1, height: 1, channels: 1 }, label: 10 * index }),
  });`;
  const program = (module: string) => `import { loader } from '@proj/datasets';
    const train = await loader({ source: { module: '${module}', export: 'tens' }, batchSize: 2 });
    for await (const { labels } of train.epoch(0)) console.log(labels.data.join());`;

  it('open modules from beside the main script by default', async () => {
    const folder = await project();
    mkdirSync(join(folder, 'sub'));
    writeFileSync(join(folder, 'sub', 'source.js'), source);
    writeFileSync(join(folder, 'sub', 'main.ts'), program('./source.js'));
    expect(await node(folder, '--import', tsx, 'sub/main.ts')).toBe('0,10\n20,30\n');
  });

  it('start although the program was given to Node as text', async () => {
    const folder = await project();
    writeFileSync(join(folder, 'source.js'), source);
    const flags = ['--import', tsx, '--input-type=module', '-e'];
    expect(await node(folder, ...flags, program('./source.js'))).toBe('0,10\n20,30\n');
  });

  it.skipIf('typescript' in process.features && process.features.typescript)(
    'say what to do about a module in TypeScript (skipped where Node runs TypeScript itself)',
    async () => {
      const folder = await project();
      writeFileSync(join(folder, 'source.ts'), source);
      writeFileSync(join(folder, 'main.ts'), program('./source.ts'));
      await expect(node(folder, '--import', tsx, 'main.ts')).rejects.toMatchObject({
        stderr: expect.stringContaining('Name a module in JavaScript'),
      });
    },
  );
});
