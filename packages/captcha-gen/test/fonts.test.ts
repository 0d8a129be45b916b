import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadFont } from '../src/font.js';
import { bundledFonts } from '../src/index.js';
import { findFonts } from '../src/node.js';
import { drawInk } from '../src/stages/ink.js';

const fontPath = (name: string) => fileURLToPath(new URL(`../fonts/${name}`, import.meta.url));
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'captcha-fonts-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('fonts of the package', () => {
  it.each(bundledFonts)('%s has a licence, printable ASCII and the signs of arithmetic', (name) => {
    expect(existsSync(fontPath(`${name}-LICENSE.txt`))).toBe(true);
    const font = loadFont(name);
    expect(font.name.startsWith(name)).toBe(true);
    const ascii = Array.from({ length: 0x7f - 0x21 }, (_, i) => String.fromCharCode(0x21 + i));
    for (const symbol of [...ascii, '\u00d7', '\u00f7', '\u2212']) {
      expect(
        drawInk(font, symbol, 30).data.some((level) => level > 128),
        symbol,
      ).toBe(true);
    }
    expect(font.advance(' ')).toBeGreaterThan(0);
  });
});

describe('findFonts', () => {
  it('lists those of the package and those in folders and below, by name, and leaves out what is none', async () => {
    await mkdir(join(folder, 'deep'));
    await copyFile(fontPath('Oswald.ttf'), join(folder, 'deep', 'Mine.TTF'));
    await writeFile(join(folder, 'broken.ttf'), 'no font');
    await writeFile(join(folder, 'notes.txt'), 'text');
    const found = await findFonts({ folders: [folder, join(folder, 'missing')] });
    expect(found.slice(0, bundledFonts.length).map(({ source }) => source)).toEqual([...bundledFonts]);
    expect(found.slice(bundledFonts.length)).toEqual([
      { name: 'Oswald-Regular', source: join(folder, 'deep', 'Mine.TTF') },
    ]);
  });

  it('leaves out those that lack a symbol', async () => {
    expect((await findFonts({ folders: [folder], symbols: 'a \u00e9' })).map(({ name }) => name)).toEqual([
      'DejaVuSans',
    ]);
  });
});
