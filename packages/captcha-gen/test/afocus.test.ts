import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { isProjError } from '@proj/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AfocusOptions, afocus, charsets, partOf } from '../src/index.js';
import goldens from './goldens/afocus.json' with { type: 'json' };

const fontFile = fileURLToPath(new URL('../fonts/DejaVuSans.ttf', import.meta.url));

function hashOf(data: Uint8Array | Uint8ClampedArray): string {
  return createHash('sha256').update(data).digest('hex');
}

describe('afocus', () => {
  // Whoever changes pictures on purpose says so in a changeset and runs goldens/make_afocus.ts.
  it.each(goldens as { options: AfocusOptions; seed: number; index: number; label: string; hash: string }[])(
    'draws the same picture as ever: $options $seed $index',
    ({ options, seed, index, label, hash }) => {
      const captcha = afocus(options).generate(seed, index);
      expect(captcha.label).toBe(label);
      expect(hashOf(captcha.image.data)).toBe(hash);
    },
  );

  it('draws the same in a worker thread, from the built package', async () => {
    const golden = goldens[0]!;
    const code = `
      const { parentPort, workerData } = require('node:worker_threads');
      import(workerData.module).then(({ afocus }) => {
        const { image, label } = afocus(workerData.options).generate(workerData.seed, workerData.index);
        parentPort.postMessage({ data: image.data, label });
      });`;
    const module = new URL('../dist/index.js', import.meta.url).href;
    const worker = new Worker(code, { eval: true, workerData: { ...golden, module } });
    const { data, label } = await new Promise<{ data: Uint8ClampedArray; label: string }>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
    await worker.terminate();
    expect(label).toBe(golden.label);
    expect(hashOf(data)).toBe(golden.hash);
  });

  it('depends on nothing but seed and index', () => {
    const style = afocus();
    const other = afocus();
    const target = new Uint8Array(style.width * style.height * 3 + 9).fill(99);
    fc.assert(
      fc.property(fc.integer(), fc.nat(), (seed, index) => {
        other.generate(seed + 1, index); // what is drawn between does not matter
        const { image, label } = style.generate(seed, index);
        expect(other.generateInto(seed, index, target, 5)).toBe(label);
        expect(hashOf(target.subarray(5, target.length - 4))).toBe(hashOf(image.data));
        expect([...target.subarray(0, 5), ...target.subarray(-4)]).toEqual(new Array(9).fill(99));
      }),
      { numRuns: 30 },
    );
  });

  it('shows another picture for another seed or index', () => {
    const style = afocus();
    const hashes = [
      [1, 0],
      [1, 1],
      [2, 0],
      [-1, 0],
      [0.5, 0],
    ].map(([seed, index]) => hashOf(style.generate(seed!, index!).image.data));
    expect(new Set(hashes).size).toBe(5);
  });

  it('tells all it drew as plain JSON', () => {
    const style = afocus({
      frontColors: ['#102030', [1, 2, 3, 128]],
      disturbance: 'NORMAL',
      backgroundColors: [[9, 8, 7]],
    });
    const { label, parameters } = style.generate(3, 4);
    expect(JSON.parse(JSON.stringify(parameters))).toEqual(parameters);
    expect(parameters.background).toBe('#090807');
    expect(parameters.dots.map((dot) => dot.filled)).toEqual([false, true, true, true]);
    expect(parameters.lines).toHaveLength(4);
    expect(parameters.characters.map((character) => character.symbol).join('')).toBe(label);
    for (const { font, color, angle } of parameters.characters) {
      expect(font).toBe('DejaVuSans');
      expect(['#102030', '#01020380']).toContain(color);
      expect(angle).toBeGreaterThanOrEqual(-20);
      expect(angle).toBeLessThan(20);
    }
  });

  it('gives boxes that hold all text, and touch it on every side', () => {
    const style = afocus({ length: 1, backgroundColors: ['#000000'], disturbance: 'NORMAL' });
    for (let index = 0; index < 40; index++) {
      const { image, parameters } = style.generate(11, index);
      const { x, y, width, height } = parameters.characters[0]!.box;
      const partly = Array.from({ length: 128 * 64 }, (_, i) => image.data[3 * i]!).flatMap((level, i) =>
        level > 0 && level < 255 ? [[i % 128, Math.floor(i / 128)] as const] : [],
      );
      const xs = partly.map(([px]) => px);
      const ys = partly.map(([, py]) => py);
      // Levels between 0 and 255 belong to the text alone; where a dot or line covers its rim they are missing, hence the play.
      expect(Math.min(...xs)).toBeGreaterThanOrEqual(x);
      expect(Math.max(...xs)).toBeLessThan(x + width);
      expect(Math.min(...ys)).toBeGreaterThanOrEqual(y);
      expect(Math.max(...ys)).toBeLessThan(y + height);
      expect(Math.min(...xs) - x + (x + width - 1 - Math.max(...xs))).toBeLessThanOrEqual(2);
      expect(Math.min(...ys) - y + (y + height - 1 - Math.max(...ys))).toBeLessThanOrEqual(2);
    }
  });

  it('keeps dots and lines to their ranges', () => {
    const style = afocus({ disturbance: 'HIGH' });
    const all = Array.from({ length: 200 }, (_, i) => style.generate(5, i).parameters);
    const dots = all.flatMap((parameters) => parameters.dots);
    expect(new Set(dots.map((dot) => dot.radius))).toEqual(new Set([1, 2, 3]));
    expect([Math.min(...dots.map((dot) => dot.x)), Math.max(...dots.map((dot) => dot.x))]).toEqual([0, 127]);
    expect([Math.min(...dots.map((dot) => dot.y)), Math.max(...dots.map((dot) => dot.y))]).toEqual([0, 63]);
    const even = all.flatMap((parameters) => parameters.lines.filter((_, i) => i % 2 === 0));
    const odd = all.flatMap((parameters) => parameters.lines.filter((_, i) => i % 2 === 1));
    expect([Math.min(...even.map((line) => line.width)), Math.max(...even.map((line) => line.width))]).toEqual([0, 63]);
    expect([Math.min(...odd.map((line) => line.width)), Math.max(...odd.map((line) => line.width))]).toEqual([-63, 0]);
    expect(new Set(even.map((line) => line.height))).toEqual(new Set([0, 1, 2, 3, 4, 5]));
    expect(new Set(odd.map((line) => line.height))).toEqual(new Set([0, -1, -2, -3, -4, -5]));
  });

  it('leaves the wave out below 48 pixels of height', () => {
    const style = afocus({ height: 47, width: 100, length: 1, charset: 'I' });
    const { parameters } = style.generate(1, 0);
    // A wave of height 48 would double the I's stem: 3 pixels wide at angle 0, up to 13 where turned by 20 degrees.
    expect(parameters.characters[0]!.box.width).toBeLessThan(16);
    expect(afocus({ height: 48, width: 100 }).generate(1, 0).image.height).toBe(48);
  });

  it('takes fonts as path or bytes, OTF collections included, and names them', () => {
    const bytes = new Uint8Array(readFileSync(fontFile));
    const reference = hashOf(afocus().generate(1, 1).image.data);
    expect(hashOf(afocus({ fonts: [bytes] }).generate(1, 1).image.data)).toBe(reference);
    expect(hashOf(afocus({ fonts: [fontFile] }).generate(1, 1).image.data)).toBe(reference);
  });
});

describe('labels', () => {
  it('draws the kind first, then the symbol within it', () => {
    const style = afocus();
    expect(style.charset).toBe('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789');
    const buffer = new Uint8Array(128 * 64 * 3);
    const text = Array.from({ length: 1500 }, (_, i) => style.generateInto(9, i, buffer, 0)).join('');
    const count = (pattern: RegExp) => text.match(pattern)?.length ?? 0;
    for (const kind of [/[0-9]/g, /[a-z]/g, /[A-Z]/g]) {
      expect(Math.abs(count(kind) / text.length - 1 / 3)).toBeLessThan(4 * Math.sqrt(2 / 9 / text.length));
    }
    // Chi-squared within each kind: 9, 25 and 25 degrees of freedom; bounds are the 0.9999 quantiles.
    for (const [symbols, bound] of [
      ['0123456789', 33.7],
      [charsets.LOWER, 61.0],
      [charsets.UPPER, 61.0],
    ] as const) {
      const counts = [...symbols].map((symbol) => text.split(symbol).length - 1);
      const expected = counts.reduce((sum, n) => sum + n, 0) / symbols.length;
      expect(counts.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0)).toBeLessThan(bound);
    }
  });

  it('has the presets of the original', () => {
    expect(
      Object.fromEntries(Object.entries(charsets).map(([name, charset]) => [name, [charset].flat().join('').length])),
    ).toEqual({
      NUM: 10,
      LOWER: 26,
      UPPER: 26,
      ALL: 62,
      CLEAR: 43,
    });
    expect([...'012lioIOuvUrzZLT'].filter((symbol) => charsets.CLEAR.includes(symbol))).toEqual([]);
    const style = afocus({ charset: charsets.CLEAR, length: 6, width: 200 });
    const { label, image } = style.generate(1, 1);
    expect(label).toMatch(new RegExp(`^[${charsets.CLEAR}]{6}$`));
    expect([image.width, image.height, style.length, style.charset]).toEqual([200, 64, 6, charsets.CLEAR]);
  });
});

describe('parts', () => {
  const shares = { train: 0.9, validation: 0.05, test: 0.05 };

  it('belong to the label alone, in the shares asked for', () => {
    const labels = Array.from({ length: 4000 }, (_, i) => `${i.toString(36)}x`);
    const counts = { train: 0, validation: 0, test: 0 };
    for (const label of labels) {
      expect(partOf(label)).toBe(partOf(label, shares));
      counts[partOf(label)]++;
    }
    for (const part of ['train', 'validation', 'test'] as const) {
      const share = shares[part];
      expect(Math.abs(counts[part] / labels.length - share)).toBeLessThan(
        4 * Math.sqrt((share * (1 - share)) / labels.length),
      );
    }
    expect(labels.every((label) => partOf(label, { train: 0, validation: 1, test: 0 }) === 'validation')).toBe(true);
    expect(['abcd', 'wwKf', '0000'].map((label) => partOf(label))).toMatchInlineSnapshot(`
      [
        "train",
        "validation",
        "train",
      ]
    `);
  });

  it('share no label', () => {
    const buffer = new Uint8Array(128 * 64 * 3);
    const labels = (['train', 'validation', 'test'] as const).map((part) => {
      const style = afocus({ part, charset: charsets.NUM, length: 3 });
      return new Set(Array.from({ length: 400 }, (_, i) => style.generateInto(1, i, buffer, 0)));
    });
    const all = new Set(labels.flatMap((set) => [...set]));
    expect(all.size).toBe(labels.reduce((sum, set) => sum + set.size, 0));
    expect(all.size).toBeGreaterThan(200);
  });

  it('change only the label', () => {
    const strip = (part?: 'test') => {
      const { background, dots, lines, characters } = afocus({ part }).generate(1, 5).parameters;
      return { background, dots, lines, angles: characters.map((character) => character.angle) };
    };
    expect(strip('test')).toEqual(strip());
  });
});

describe('errors', () => {
  const codeOf = (action: () => unknown) => {
    try {
      action();
    } catch (error) {
      if (isProjError(error)) return error.code;
      throw error;
    }
    return 'none';
  };

  it.each<[string, AfocusOptions]>([
    ['invalid-size', { width: 47 }],
    ['invalid-size', { height: 19 }],
    ['invalid-size', { width: 128.5 }],
    ['invalid-size', { width: Number.NaN }],
    ['invalid-size', { length: 200 }],
    ['invalid-length', { length: 0 }],
    ['invalid-length', { length: -1 }],
    ['invalid-length', { length: 1.5 }],
    ['invalid-charset', { charset: '' }],
    ['invalid-charset', { charset: [] }],
    ['invalid-charset', { charset: ['abc', ''] }],
    ['invalid-charset', { charset: 'aba' }],
    ['missing-glyph', { charset: 'a\u4e00' }],
    ['missing-glyph', { charset: 'a ' }],
    ['invalid-color', { frontColors: [] }],
    ['invalid-color', { frontColors: ['white'] }],
    ['invalid-color', { frontColors: ['#fff'] }],
    ['invalid-color', { frontColors: [[1, 2]] }],
    ['invalid-color', { backgroundColors: [[1, 2, 256]] }],
    ['invalid-color', { backgroundColors: [[1, 2, 2.5]] }],
    ['invalid-color', { backgroundColors: [[1, 2, 3, 128]] }],
    ['invalid-disturbance', { disturbance: 'medium' as 'MEDIUM' }],
    ['invalid-disturbance', { disturbance: 'toString' as 'MEDIUM' }],
    ['invalid-part', { part: 'dev' as 'test' }],
    ['invalid-shares', { shares: { train: 0.5, validation: 0.2, test: 0.2 } }],
    ['invalid-font', { fonts: ['/nowhere/font.ttf'] }],
    ['invalid-font', { fonts: [new TextEncoder().encode('not a font at all')] }],
    ['invalid-font', { fonts: [new Uint8Array(0)] }],
    ['none', { charset: '\u00e9\u4e2d'.slice(0, 1), frontColors: [[0, 0, 0, 0], '#AABBCC'] }],
  ])('%s for %o', (code, options) => {
    expect(codeOf(() => afocus(options))).toBe(code);
  });

  it('names the character a font lacks', () => {
    expect(() => afocus({ charset: 'ab\u4e00' })).toThrow(/DejaVuSans does not have "\u4e00".*U\+4E00/);
  });

  it('refuses bad indexes, seeds, buffers and parts without labels', () => {
    const style = afocus();
    const buffer = new Uint8Array(128 * 64 * 3);
    expect(codeOf(() => style.generate(1, -1))).toBe('invalid-index');
    expect(codeOf(() => style.generate(1, 0.5))).toBe('invalid-index');
    expect(codeOf(() => style.generate(Number.NaN, 0))).toBe('invalid-seed');
    expect(codeOf(() => style.generateInto(1, 0, buffer, 1))).toBe('buffer-too-small');
    expect(codeOf(() => style.generateInto(1, 0, buffer, -1))).toBe('buffer-too-small');
    const only = { train: 1, validation: 0, test: 0 };
    expect(codeOf(() => afocus({ part: 'test', shares: only }).generate(1, 0))).toBe('empty-part');
  });
});
