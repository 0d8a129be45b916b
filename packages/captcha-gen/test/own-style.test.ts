// Worker threads run what is built, and a style of one's own imports the package by its name.
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type CaptchaStyle, partOf } from '@proj/captcha-gen';
import { type CaptchaBatch, captchaBatches, writeFolder } from '@proj/captcha-gen/node';
import { defineStyle } from '@proj/captcha-gen/stages';
import { isProjError } from '@proj/core';
import { transform } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ruled as ruledStyle } from './ruled.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const source = readFileSync(join(root, 'test/ruled.ts'), 'utf8');
let folder: string;
let ruled: typeof ruledStyle;

beforeAll(async () => {
  await mkdir(join(root, 'build'), { recursive: true });
  folder = await mkdtemp(join(root, 'build', 'own-style-'));
  const file = join(folder, 'ruled.mjs');
  await writeFile(file, (await transform(source, { loader: 'ts', format: 'esm', target: 'node20' })).code);
  ({ ruled } = (await import(pathToFileURL(file).href)) as { ruled: typeof ruledStyle });
});
afterAll(() => rm(folder, { recursive: true }));

async function all(style: CaptchaStyle, threads: number): Promise<CaptchaBatch[]> {
  const batches: CaptchaBatch[] = [];
  for await (const batch of captchaBatches(style, { seed: 1, count: 7, batchSize: 3, threads })) batches.push(batch);
  return batches;
}

describe('a style of one\u2019s own', { timeout: 60_000 }, () => {
  it('is what the README shows', () => {
    const readme = readFileSync(join(root, 'README.md'), 'utf8');
    expect(readme).toContain(`\`\`\`ts\n// ruled.ts\n${source}\`\`\`\n`);
  });

  it('has all that the styles of the package have', () => {
    const style = ruled({ length: 3, part: 'test' });
    expect([style.name, style.width, style.height, style.length, style.charset]).toEqual([
      'ruled',
      96,
      60,
      3,
      '0123456789',
    ]);
    const { image, label, parameters } = style.generate(1, 4);
    expect(label).toMatch(/^\d{3}$/);
    expect(partOf(label)).toBe('test');
    expect(parameters.characters.map(({ symbol }) => symbol).join('')).toBe(label);
    expect(JSON.parse(JSON.stringify(parameters))).toEqual(parameters);
    const target = new Uint8Array(image.data.length + 5).fill(7);
    expect(style.generateInto(1, 4, target, 2)).toBe(label);
    expect(target.subarray(2, -3)).toEqual(new Uint8Array(image.data));
    // Its boxes hold dark pixels, its margins only paper and rules.
    for (const { box } of parameters.characters) {
      const reds: number[] = [];
      for (let y = box.y; y < box.y + box.height; y++) {
        for (let x = box.x; x < box.x + box.width; x++) reds.push(image.data[3 * (y * 96 + x)]!);
      }
      expect(Math.min(...reds)).toBeLessThan(80);
    }
  });

  it('draws the same in worker threads, which import its module, and is written like any other', async () => {
    const style = ruled();
    expect(await all(style, 2)).toEqual(await all(style, 0));
    const out = join(folder, 'written');
    await writeFolder(style, { count: 5, seed: 2, out, threads: 1 });
    const labels = (await readFile(join(out, 'labels.jsonl'), 'utf8')).trimEnd().split('\n');
    const { label } = style.generate(2, 4);
    expect(JSON.parse(labels[4]!)).toMatchObject({ file: `4_${label}.png`, label, seed: 2, index: 4 });
    expect(await readdir(out)).toHaveLength(6);
  });

  it('fails by name where its thread ends while it has nothing to do', async () => {
    const file = join(folder, 'ends.mjs');
    await writeFile(
      file,
      `import { parentPort, workerData } from 'node:worker_threads';
       import { ruled } from './ruled.mjs';
       export function ends(options) {
         if (workerData !== null) parentPort.on('message', () => setTimeout(() => process.exit(), 50));
         return { ...ruled(options), recipe: { module: import.meta.url, export: 'ends', options } };
       }`,
    );
    const { ends } = (await import(pathToFileURL(file).href)) as { ends: typeof ruledStyle };
    const batches = captchaBatches(ends(), { seed: 1, count: 20, batchSize: 1, threads: 1 });
    const reading = (async () => {
      for await (const _ of batches) await sleep(500);
    })();
    await expect(reading).rejects.toThrow('A worker thread failed: it ended by itself');
  });

  it('fails by name where threads cannot make it, and where its size is none', async () => {
    const codeOf = (error: unknown) => (isProjError(error) ? error.code : String(error));
    const { recipe, ...style } = ruled();
    await expect(all(style, 1)).rejects.toSatisfy((error) => codeOf(error) === 'not-threadable');
    for (const lost of [
      { ...recipe, module: new URL('lost.mjs', pathToFileURL(`${folder}/`)).href },
      { ...recipe, export: 'rueld' },
    ]) {
      const away = { ...style, recipe: lost as NonNullable<typeof recipe> };
      await expect(all(away, 1)).rejects.toThrow(/A worker thread failed: .*(lost\.mjs|exports no function rueld)/);
    }
    const definition = { name: 'none', height: 9, texts: {} as never, sample: () => 0, draw: () => undefined };
    for (const width of [0, 1.5, 5000, Number.NaN]) {
      expect(() => defineStyle({ ...definition, width, describe: () => ({ characters: [] }) })).toThrow(/1\.\.4096/);
    }
  });
});
