import { createHash } from 'node:crypto';
import { isProjError } from '@proj/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bundledFonts, captchas, partOf, wide } from '../src/index.js';
import { makeStyle, type StyleName, styles } from '../src/styles/index.js';
import goldens from './goldens/styles.json' with { type: 'json' };

const names = Object.keys(styles) as StyleName[];

function hashOf(data: Uint8Array | Uint8ClampedArray): string {
  return createHash('sha256').update(data).digest('hex');
}

describe.each(names)('%s', (name) => {
  it('depends on nothing but seed and index', () => {
    const style = makeStyle(name, {});
    const other = makeStyle(name, {});
    const target = new Uint8Array(style.width * style.height * 3 + 9).fill(99);
    fc.assert(
      fc.property(fc.integer(), fc.nat(), (seed, index) => {
        other.generate(seed + 1, index); // what is drawn between does not matter
        const { image, label, parameters } = style.generate(seed, index);
        expect(other.generateInto(seed, index, target, 5)).toBe(label);
        expect(hashOf(target.subarray(5, target.length - 4))).toBe(hashOf(image.data));
        expect([...target.subarray(0, 5), ...target.subarray(-4)]).toEqual(new Array(9).fill(99));
        expect(JSON.parse(JSON.stringify(parameters))).toEqual(parameters);
        for (const { box } of parameters.characters) {
          expect(box.x >= 0 && box.y >= 0 && box.width >= 0 && box.height >= 0).toBe(true);
          expect(box.x + box.width <= style.width && box.y + box.height <= style.height).toBe(true);
        }
      }),
      { numRuns: 15 },
    );
  });

  it('keeps its labels within charset and lengths, and reaches both ends', () => {
    const style = makeStyle(name, name === 'arithmetic' ? {} : { length: [2, 5] });
    const buffer = new Uint8Array(style.width * style.height * 3);
    const labels = Array.from({ length: 150 }, (_, i) => style.generateInto(6, i, buffer, 0));
    const lengths = labels.map((label) => [...label].length);
    expect([Math.min(...lengths), Math.max(...lengths)]).toEqual([style.minLength, style.length]);
    expect([...labels.join('')].filter((symbol) => !style.charset.includes(symbol))).toEqual([]);
  });

  it('is made again from its recipe, which another thread can be sent', () => {
    const style = makeStyle(name, { width: 150 });
    const recipe = structuredClone(style.recipe) as { style: StyleName; options: unknown };
    expect(recipe.style).toBe(name);
    const again = makeStyle(recipe.style, recipe.options);
    expect(hashOf(again.generate(1, 2).image.data)).toBe(hashOf(style.generate(1, 2).image.data));
  });
});

// Whoever changes pictures on purpose says so in a changeset and runs goldens/make_styles.ts.
describe('pictures are the same as ever', () => {
  it.each(goldens)('$style $options $seed $index', ({ style, options, seed, index, label, hash }) => {
    const captcha = makeStyle(style as StyleName, options).generate(seed, index);
    expect(captcha.label).toBe(label);
    expect(hashOf(captcha.image.data)).toBe(hash);
  });
});

describe('lengths', () => {
  it('are equally likely', () => {
    const style = makeStyle('afocus', { length: [1, 4] });
    const buffer = new Uint8Array(style.width * style.height * 3);
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 800; i++) counts[style.generateInto(1, i, buffer, 0).length - 1]!++;
    // Chi-squared with 3 degrees of freedom; the bound is its 0.9999 quantile.
    expect(counts.reduce((sum, n) => sum + (n - 200) ** 2 / 200, 0)).toBeLessThan(21.1);
  });

  it('of a range with one member draw as that number does', () => {
    const [one, other] = [makeStyle('wide', { length: 5 }), makeStyle('wide', { length: [5, 5] })];
    expect(hashOf(one.generate(1, 1).image.data)).toBe(hashOf(other.generate(1, 1).image.data));
  });

  it('share no label between parts', () => {
    const labels = (['train', 'validation', 'test'] as const).map((part) => {
      const style = wide({ part, charset: '0123456789', length: [2, 3], dots: 0 });
      const buffer = new Uint8Array(style.width * style.height * 3);
      return Array.from({ length: 60 }, (_, i) => style.generateInto(1, i, buffer, 0));
    });
    for (const [i, part] of (['train', 'validation', 'test'] as const).entries()) {
      expect(new Set(labels[i]!.map((label) => partOf(label)))).toEqual(new Set([part]));
    }
  });
});

describe('captchas', () => {
  it('gives a sequence in order, or a part of it', async () => {
    const style = makeStyle('afocus', { charset: '01' });
    const all: [number, string][] = [];
    for await (const { index, label } of captchas(style, { seed: 1, startIndex: 3, count: 7 }))
      all.push([index, label]);
    expect(all).toEqual([3, 4, 5, 6, 7, 8, 9].map((index) => [index, style.generate(1, index).label]));
    const parts: number[][] = [];
    for (const number of [1, 2, 3]) {
      const part: number[] = [];
      for await (const { index } of captchas(style, { seed: 1, count: 8, shard: { number, of: 3 } })) part.push(index);
      parts.push(part);
    }
    expect(parts.map((part) => part.length)).toEqual([2, 3, 3]);
    expect(parts.flat()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });
});

describe('any options', () => {
  const anything = fc.oneof(
    fc.integer({ min: -5, max: 90 }),
    fc.double(),
    fc.string({ maxLength: 4 }),
    fc.constantFrom(null, true, [], {}, [3, 1], [1, 3], ['a'], 4096, 1e9, Number.NaN),
  );
  const rarely = <T>(good: fc.Arbitrary<T>) =>
    fc.oneof({ weight: 9, arbitrary: good as fc.Arbitrary<unknown> }, { weight: 1, arbitrary: anything });
  const options = fc.record(
    {
      width: rarely(fc.integer({ min: 48, max: 220 })),
      height: rarely(fc.integer({ min: 20, max: 90 })),
      length: rarely(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constantFrom([1, 2], [3, 7]))),
      charset: rarely(fc.constantFrom('0123456789', 'abc', ['ab', '1'], 'a\u4e00', '#&@')),
      fonts: rarely(fc.array(fc.constantFrom(...bundledFonts), { maxLength: 2 })),
      part: rarely(fc.constantFrom('train', 'validation', 'test')),
      disturbance: rarely(fc.constantFrom('NORMAL', 'HIGH')),
      frontColors: rarely(fc.array(fc.constantFrom('#123456', '#ffffff00', [1, 2, 3]), { maxLength: 2 })),
      backgroundColors: rarely(fc.constantFrom(['#ffffff'], ['#12345678'])),
      fontSizes: rarely(fc.array(fc.integer({ min: 4, max: 90 }), { minLength: 1, maxLength: 2 })),
      maxAngle: rarely(fc.double({ min: 0, max: 45, noNaN: true })),
      lines: rarely(fc.integer({ min: 0, max: 5 })),
      dots: rarely(fc.integer({ min: 0, max: 50 })),
      noise: rarely(fc.integer({ min: 0, max: 127 })),
      normalized: fc.boolean(),
      operators: rarely(fc.constantFrom(['+'], ['-', '\u00d7'])),
      operands: rarely(fc.constantFrom([0, 5], [100, 9999], [7, 7])),
    },
    { requiredKeys: [] },
  );

  it.each(names)(
    '%s draws, or fails with an error that has a name',
    (name) => {
      fc.assert(
        fc.property(options, fc.integer(), fc.nat(), (given, seed, index) => {
          try {
            const style = makeStyle(name, given);
            const { image, label, parameters } = style.generate(seed, index);
            expect(image.data).toHaveLength(style.width * style.height * 3);
            expect([...label].length).toBeGreaterThanOrEqual(style.minLength);
            expect([...label].length).toBeLessThanOrEqual(style.length);
            expect(parameters.characters.length).toBeGreaterThan(0);
          } catch (error) {
            if (!isProjError(error)) throw error;
            expect(error.message.length).toBeGreaterThan(10);
          }
        }),
        { numRuns: 40, endOnFailure: true },
      );
    },
    60_000,
  );
});
