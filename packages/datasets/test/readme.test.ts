import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
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
  symlinkSync(join(packageFolder, 'node_modules/@proj/captcha-gen'), join(folder, 'node_modules/@proj/captcha-gen'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  mkdirSync(join(folder, 'captchas'));
  const create = { width: 40, height: 16, channels: 3 as const, background: '#2060a0' };
  const png = await sharp({ create }).png().toBuffer();
  for (let i = 0; i < 10; i++) writeFileSync(join(folder, 'captchas', `${i}_aB${i}d.png`), png);
  return folder;
}

async function node(cwd: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd, timeout: 100_000 });
  return stdout;
}

describe('the examples of the README, run as TypeScript by tsx', () => {
  it.each([
    [0, '8 to train on, 2 held back, characters 0123456789Bad\n[ 4, 16, 40, 1 ] [ 4, 4 ]\n[ 4, 16, 40, 1 ] [ 4, 4 ]\n'],
    [1, '[ 8, 64, 128, 3 ] 4\n[ 8, 64, 128, 3 ] 4\n2\n'],
  ])('example %i', async (index, expected) => {
    const folder = await project();
    writeFileSync(join(folder, 'example.ts'), blocks[index]!);
    expect(await node(folder, '--import', tsx, 'example.ts')).toBe(expected);
  });

  it('are these two', () => {
    expect(blocks.length).toBe(2);
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
