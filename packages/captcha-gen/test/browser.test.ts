import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type BuildResult, build } from 'esbuild';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeStyle, type StyleName } from '../src/styles/index.js';

const cases: [StyleName, string, Record<string, unknown>][] = [
  ['afocus', 'DejaVuSans', {}],
  ['imageCaptcha', 'DroidSansMono', { length: [2, 6] }],
  ['wide', 'Oswald', { normalized: true }],
  ['wide', 'Caveat-Bold', {}],
  ['arithmetic', 'Tinos', {}],
];

/** Debian's, Ubuntu's and others'; CHROMIUM names another. */
const executablePath = [
  process.env.CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find((path) => path !== undefined && existsSync(path));
if (executablePath === undefined) console.warn('Skipping the browser: found no Chromium (set CHROMIUM to its path).');

let bundle: BuildResult<{ write: false; metafile: true }>;

beforeAll(async () => {
  bundle = await build({
    entryPoints: [fileURLToPath(new URL('../src/index.ts', import.meta.url))],
    bundle: true,
    format: 'iife',
    globalName: 'captchaGen',
    platform: 'browser',
    write: false,
    metafile: true,
    logLevel: 'error',
    logOverride: { 'empty-import-meta': 'silent' }, // its one use finds the package's fonts, which needs files anyway
  });
}, 60_000);

describe('the bundle for browsers', () => {
  it('has nothing that only Node has', () => {
    const inputs = Object.keys(bundle.metafile.inputs);
    expect(inputs.some((path) => path.includes('fontkit'))).toBe(true);
    expect(inputs.filter((path) => /sharp|nanotar|citty|worker|write-/.test(path))).toEqual([]);
    const external = Object.values(bundle.metafile.inputs).flatMap(({ imports }) =>
      imports.filter((each) => each.external).map(({ path }) => path),
    );
    expect(external).toEqual([]);
  });
});

describe.skipIf(executablePath === undefined)('in Chromium', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox'] });
  }, 60_000);
  afterAll(() => browser?.close());

  it('every style draws the very pixels that Node draws', { timeout: 60_000 }, async () => {
    const page = await browser.newPage();
    await page.addScriptTag({ content: bundle.outputFiles[0]!.text });
    for (const [name, fontName, options] of cases) {
      const font = readFileSync(new URL(`../fonts/${fontName}.ttf`, import.meta.url));
      const expected = makeStyle(name, { ...options, fonts: [new Uint8Array(font)] }).generate(7, 3);
      const drawn = await page.evaluate(
        ({ name, options, font }) => {
          const library = (globalThis as unknown as { captchaGen: Record<string, (options: object) => unknown> })
            .captchaGen;
          const bytes = Uint8Array.from(atob(font), (character) => character.charCodeAt(0));
          const style = library[name]!({ ...options, fonts: [bytes] }) as ReturnType<typeof makeStyle>;
          const { image, label, parameters } = style.generate(7, 3);
          return { data: Array.from(image.data), label, parameters };
        },
        { name, options, font: font.toString('base64') },
      );
      expect(drawn.label).toBe(expected.label);
      expect(drawn.parameters).toEqual(JSON.parse(JSON.stringify(expected.parameters)));
      expect(hashOf(drawn.data), `${name} in ${fontName}`).toBe(hashOf(expected.image.data));
    }
  });

  it('says that fonts come as bytes there', async () => {
    const page = await browser.newPage();
    await page.addScriptTag({ content: bundle.outputFiles[0]!.text });
    const message = await page.evaluate(() => {
      try {
        (globalThis as unknown as { captchaGen: { afocus(): unknown } }).captchaGen.afocus();
        return 'drawn';
      } catch (error) {
        return (error as Error).message;
      }
    });
    expect(message).toMatch(/Cannot use the font DejaVuSans.*bytes where there is no file system/);
  });
});

function hashOf(data: ArrayLike<number>): string {
  return createHash('sha256').update(Uint8Array.from(data)).digest('hex');
}
