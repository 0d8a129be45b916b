import { createImage, Rng } from '@proj/core';
import { describe, expect, it } from 'vitest';
import { type Prediction, predictionSheet } from '../src/index.js';
import { decode, inked, pixel } from './read-png.js';
import { texts } from './read-svg.js';

/** A picture of random colours. */
function picture(width: number, height: number, channels = 3, seed = 1) {
  const rng = new Rng(seed);
  const data = Uint8ClampedArray.from({ length: width * height * channels }, () => rng.int(256));
  return createImage(width, height, channels, data);
}

const cells = (svg: string, kind: 'hit' | 'miss') =>
  [...svg.matchAll(new RegExp(`<g class="${kind}">(.*?)</g>`, 'g'))].map(([cell]) => cell);

/** The characters that stand out in a line of text. */
const emphasised = (text: string) =>
  [...text.matchAll(/<tspan font-weight="700"[^>]*>(.*?)<\/tspan>/g)].map(([, c]) => c);
const lines = (cell: string) =>
  [...cell.matchAll(/<text[^>]*xml:space="preserve">(.*?)<\/text>/g)].map(([, line]) => line!);

describe('predictionSheet', () => {
  const items: Prediction[] = Array.from({ length: 32 }, (_, i) => ({
    image: picture(128, 64, 3, i),
    truth: `aB${i % 10}d`,
    prediction: i === 5 ? 'aBxd' : i === 9 ? 'aB9' : `aB${i % 10}d`,
    confidence: 0.9996,
  }));

  it('lays out the pictures in rows and marks hits and misses by sign, colour and frame', async () => {
    const { svg } = await predictionSheet(items, { title: 'Unseen <captchas>' });
    const images = [...svg.matchAll(/<image x="([\d.]+)" y="([\d.]+)" width="(\d+)" height="(\d+)"/g)];
    expect(images.length).toBe(32);
    expect(new Set(images.map(([, x]) => x)).size).toBe(8);
    expect(new Set(images.map(([, , y]) => y)).size).toBe(4);
    for (const [, , , width, height] of images) expect([width, height]).toEqual(['128', '64']);

    expect(cells(svg, 'hit').length).toBe(30);
    expect(cells(svg, 'miss').length).toBe(2);
    for (const cell of cells(svg, 'hit')) {
      expect(cell).toMatch(/<title>✓ aB\dd<\/title>/);
      expect(cell).toContain('stroke="#009E73"');
      expect(cell).not.toContain('<rect');
      expect(lines(cell).length).toBe(1);
      expect(emphasised(cell)).toEqual([]);
    }
    for (const cell of cells(svg, 'miss')) {
      expect(cell).toMatch(/<rect[^>]*stroke="#D55E00"/);
      expect(cell).toMatch(/<path[^>]*stroke="#D55E00"/);
      expect(cell).toContain('>truth</text>');
    }
    expect(texts(svg)).toContain('Unseen &lt;captchas&gt;');
    expect(texts(svg)).toContain('30 of 32 read exactly (93.8%)');
    expect(texts(svg).filter((text) => text === '99.9%').length).toBe(32);
  });

  it('keeps captions readable and pictures visible in many columns', async () => {
    for (const columns of [16, 20, 2000]) {
      const { svg } = await predictionSheet(items.slice(5, 6), { columns });
      const [size] = [...svg.matchAll(/font-size="([-\d.]+)"[^>]*xml:space/g)].map(([, number]) => Number(number));
      expect(size).toBeGreaterThan(9);
      expect(Number(/<image [^>]*width="([\d.]+)"/.exec(svg)![1])).toBeGreaterThan(0);
    }
  });

  it('makes the characters that differ stand out in prediction and truth', async () => {
    const { svg } = await predictionSheet(items);
    const [substituted, dropped] = cells(svg, 'miss').map((cell) => lines(cell));
    expect(substituted!.map(emphasised)).toEqual([['x'], ['5']]);
    expect(substituted!.map((line) => line.replace(/<[^>]*>/g, ''))).toEqual(['aBxd', 'aB5d']);
    expect(dropped!.map(emphasised)).toEqual([['·'], ['d']]);
    expect(cells(svg, 'miss')[0]).toContain('<title>✗ read aBxd, truth aB5d</title>');
  });

  it.each([
    [128, 64, 8, 1],
    [128, 64, 4, 2],
    [32, 32, 8, 4],
    [60, 20, 1, 17],
  ])('shows the pixels of a %ix%i picture in %i columns as hard squares', async (width, height, columns, scale) => {
    const image = picture(width, height);
    const { svg, png } = await predictionSheet([{ image, truth: 'a', prediction: 'a' }], { columns });
    const [, x, y, shown] = /<image x="([\d.]+)" y="([\d.]+)" width="(\d+)"/.exec(svg)!.map(Number);
    expect(shown).toBe(width * scale);
    const pixels = await decode(png);
    const wrong: string[] = [];
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const expected = image.data.subarray(3 * (row * width + column), 3 * (row * width + column) + 3).join();
        for (const corner of [0, 2 * scale - 1]) {
          const at = [2 * x! + 2 * scale * column + corner, 2 * y! + 2 * scale * row + corner] as const;
          if (pixel(pixels, ...at).join() !== expected) wrong.push(`${column},${row}`);
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  it('takes pictures of any size and of one to four channels on one sheet', async () => {
    const sizes = [
      [2000, 100, 3],
      [20, 60, 1],
      [31, 31, 2],
      [64, 64, 4],
    ] as const;
    const { svg } = await predictionSheet(
      sizes.map(([width, height, channels]) => ({
        image: picture(width, height, channels),
        truth: 'x',
        prediction: 'x',
      })),
    );
    const shown = [...svg.matchAll(/<image[^>]* width="([\d.]+)" height="([\d.]+)"/g)].map(([, w, h]) => [+w!, +h!]);
    expect(shown).toEqual([
      [128, 6.4],
      [120, 360],
      [124, 124],
      [128, 128],
    ]);
  });

  it('makes a PNG of twice the size with the captions in it', async () => {
    const { svg, png } = await predictionSheet(items);
    const [, width, height] = /width="(\d+)" height="(\d+)"/.exec(svg)!.map(Number);
    const image = await decode(png);
    expect([image.width, image.height]).toEqual([2 * width!, 2 * height!]);
    const [, x, y] = /<image x="([\d.]+)" y="([\d.]+)"/.exec(svg)!.map(Number);
    expect(inked(image, x!, y! + 66, x! + 16, y! + 86)).toBeGreaterThan(60); // the sign
    expect(inked(image, x! + 18, y! + 66, x! + 60, y! + 86)).toBeGreaterThan(300); // what was read
    expect(inked(image, x! + 90, y! + 66, x! + 128, y! + 86)).toBeGreaterThan(150); // confidence
  });

  it('keeps a long text inside its cell and what XML cannot hold out of the file', async () => {
    const long = 'automobile-with-a-long-name';
    const { svg, png } = await predictionSheet([
      { image: picture(128, 64), truth: long, prediction: long },
      { image: picture(128, 64), truth: '<&">', prediction: '<&\u0000' },
    ]);
    const size = Number(/font-size="([\d.]+)"[^>]*xml:space/.exec(svg)![1]);
    expect(size * 0.602 * long.length).toBeLessThanOrEqual(128 - 24 + 0.01 * long.length);
    expect(svg).not.toContain('\u0000');
    expect(svg).toContain('&lt;&amp;&quot;&gt;');
    expect((await decode(png)).width).toBeGreaterThan(0);
  });

  it('says what it cannot draw', async () => {
    const item = { truth: 'a', prediction: 'a' };
    await expect(predictionSheet([])).rejects.toMatchObject({ name: 'ProjError', code: 'no-pictures' });
    await expect(predictionSheet(items, { columns: 0 })).rejects.toMatchObject({ code: 'invalid-option' });
    await expect(predictionSheet(items, { columns: 2.5 })).rejects.toMatchObject({ code: 'invalid-option' });
    await expect(predictionSheet([{ ...item, image: picture(4, 4, 5) }])).rejects.toMatchObject({
      code: 'invalid-image',
      received: '5 channels',
    });
  });
});
