import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { beforeAll, expect, it } from 'vitest';
import { type Bundle, bundleForBrowsers, describeInChromium } from '../../../browser.base.ts';
import { makeStyle, type StyleName } from '../src/styles/index.js';

const cases: [StyleName, string, Record<string, unknown>][] = [
  ['afocus', 'DejaVuSans', {}],
  ['imageCaptcha', 'DroidSansMono', { length: [2, 6] }],
  ['wide', 'Oswald', { normalized: true }],
  ['wide', 'Caveat-Bold', {}],
  ['arithmetic', 'Tinos', {}],
];

let bundle: Bundle;
beforeAll(async () => {
  bundle = await bundleForBrowsers(import.meta.url, 'captchaGen');
}, 60_000);

it('the bundle for browsers has nothing that only Node has', () => {
  expect(bundle.inputs.some((path) => path.includes('fontkit'))).toBe(true);
  expect(bundle.inputs.filter((path) => /sharp|nanotar|citty|worker|write-/.test(path))).toEqual([]);
  expect(bundle.external).toEqual([]);
});

describeInChromium((newPage) => {
  it('every style draws the very pixels that Node draws', { timeout: 60_000 }, async () => {
    const page = await newPage();
    await page.addScriptTag({ content: bundle.code });
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
    const page = await newPage();
    await page.addScriptTag({ content: bundle.code });
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
