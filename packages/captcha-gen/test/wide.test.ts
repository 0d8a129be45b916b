import { createImage, isProjError, Rng } from '@proj/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadFont } from '../src/font.js';
import { arithmetic, charsets, normalizeColors, type Operator, wide, wideFonts } from '../src/index.js';
import { fillGradient } from '../src/stages/gradient.js';
import { drawInk, type Ink } from '../src/stages/ink.js';
import { addNoise } from '../src/stages/noise.js';

describe('wide', () => {
  it('is what report-like recognisers expect: 60x200x3, up to 6 of 62 characters', () => {
    const style = wide();
    expect([style.height, style.width, style.channels]).toEqual([60, 200, 3]);
    expect([style.minLength, style.length, style.charset.length]).toEqual([4, 6, 62]);
  });

  it('uses all its fonts and any colours, dark on pale', () => {
    const style = wide();
    const all = Array.from({ length: 60 }, (_, i) => style.generate(1, i).parameters);
    const fonts = new Set(all.flatMap(({ characters }) => characters.map(({ font }) => font)));
    expect(fonts.size).toBe(wideFonts.length);
    const channels = (color: string) => color.match(/\w\w/g)!.map((hex) => Number.parseInt(hex, 16));
    for (const { background, characters } of all) {
      for (const value of background.flatMap(channels)) expect(value).toBeGreaterThanOrEqual(190);
      for (const value of characters.flatMap(({ color }) => channels(color))) expect(value).toBeLessThanOrEqual(130);
    }
  });

  it('gives boxes that hold the characters and little else', () => {
    const style = wide({ dots: 0, lines: 0, noise: 0, length: 1 });
    for (let index = 0; index < 30; index++) {
      const { image, parameters } = style.generate(2, index);
      const { x, y, width, height } = parameters.characters[0]!.box;
      const [left, right] = parameters.background.map((c) => c.match(/\w\w/g)!.map((hex) => Number.parseInt(hex, 16)));
      const marked = Array.from({ length: 200 * 60 }, (_, i) => i).filter((i) =>
        [0, 1, 2].some((k) => {
          const share = (i % 200) / 199;
          return Math.abs(image.data[3 * i + k]! - (left![k]! * (1 - share) + right![k]! * share)) > 2;
        }),
      );
      const xs = marked.map((i) => i % 200);
      const ys = marked.map((i) => Math.floor(i / 200));
      expect(Math.min(...xs) - x).toBeOneOf([0, 1]);
      expect(x + width - 1 - Math.max(...xs)).toBeOneOf([0, 1]);
      expect(Math.min(...ys) - y).toBeOneOf([0, 1]);
      expect(y + height - 1 - Math.max(...ys)).toBeOneOf([0, 1]);
    }
  });

  it('leans its characters as the parameters say', () => {
    const style = wide({ dots: 0, lines: 0, noise: 0, length: 1, charset: 'I', fonts: ['DejaVuSans'], maxAngle: 45 });
    const leaning = Array.from({ length: 40 }, (_, i) => style.generate(3, i)).map(({ image, parameters }) => {
      const { box, angle, slant } = parameters.characters[0]!;
      const darkest = (y: number) => {
        const row = Array.from({ length: box.width }, (_, x) => image.data[3 * (y * 200 + box.x + x)]!);
        return row.indexOf(Math.min(...row));
      };
      const top = darkest(box.y + 4);
      const bottom = darkest(box.y + box.height - 5);
      return [slant - Math.tan((angle * Math.PI) / 180), top - bottom] as const;
    });
    // Counter-clockwise turns move the top to the left, slants move it to the right.
    for (const [expected, shift] of leaning)
      if (Math.abs(expected) > 0.2) expect(Math.sign(shift)).toBe(Math.sign(expected));
    expect(leaning.filter(([expected]) => Math.abs(expected) > 0.2).length).toBeGreaterThan(10);
  });

  it('has fonts in each of which all 62 symbols can be told apart', () => {
    const symbols = [charsets.ALL].flat().join('');
    for (const name of wideFonts) {
      const inks = [...symbols].map((symbol) => drawInk(loadFont(name), symbol, 36));
      for (let i = 0; i < inks.length; i++) {
        for (let j = 0; j < i; j++) {
          // In pixels' worth of ink that only one of them has, wherever they lie.
          expect(difference(inks[i]!, inks[j]!), `${name}: ${symbols[i]} and ${symbols[j]}`).toBeGreaterThan(8);
        }
      }
    }
  });

  function difference(a: Ink, b: Ink): number {
    const levelAt = (ink: Ink, x: number, y: number) =>
      x < ink.width && y >= ink.top && y < ink.top + ink.height ? ink.data[(y - ink.top) * ink.width + x]! : 0;
    let sum = 0;
    for (let y = Math.min(a.top, b.top); y < Math.max(a.top + a.height, b.top + b.height); y++) {
      for (let x = 0; x < Math.max(a.width, b.width); x++) sum += Math.abs(levelAt(a, x, y) - levelAt(b, x, y));
    }
    return sum / 255;
  }
});

describe('stages of wide', () => {
  it('fills from one colour to another', () => {
    const data = new Uint8Array(3 * 6);
    fillGradient({ data, offset: 0, width: 3, height: 2 }, [0, 10, 255, 255], [100, 10, 0, 255]);
    expect([...data]).toEqual([0, 10, 255, 50, 10, 128, 100, 10, 0, 0, 10, 255, 50, 10, 128, 100, 10, 0]);
  });

  it('adds even noise within its amplitude, clipped', () => {
    const side = 100;
    const data = new Uint8Array(side * side * 3).fill(100);
    addNoise({ data, offset: 0, width: side, height: side }, { amplitude: 5, seed: 1 });
    const counts = new Array(11).fill(0);
    for (const value of data) counts[value - 95]++;
    const expected = data.length / 11;
    // Chi-squared with 10 degrees of freedom; the bound is its 0.9999 quantile.
    expect(counts.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0)).toBeLessThan(35.6);
    const rim = Uint8Array.of(0, 255, 3);
    addNoise({ data: rim, offset: 0, width: 1, height: 1 }, { amplitude: 127, seed: 3 });
    addNoise({ data, offset: 0, width: side, height: side }, { amplitude: 0, seed: 1 });
    expect(Math.max(...data)).toBe(105);
  });
});

describe('normalizeColors', () => {
  const rng = new Rng(1);
  const text = (back: readonly number[], front: readonly number[]) => {
    const image = createImage(20, 10, 3);
    for (let i = 0; i < 200; i++) image.data.set(i % 20 < 4 ? front : back, 3 * i);
    return image;
  };

  it('makes any two colours white and dark', () => {
    const level = fc.integer({ min: 0, max: 255 });
    const color = fc.tuple(level, level, level);
    fc.assert(
      fc.property(color, color, (back, front) => {
        const differences = back.map((value, k) => Math.abs(value - front[k]!));
        fc.pre(Math.max(...differences) >= 32);
        const { data } = normalizeColors()(text(back, front));
        expect([...data.subarray(12, 15)]).toEqual([255, 255, 255]);
        expect(Math.min(...data.subarray(0, 3))).toBe(0);
        expect(data[0]! - data[1]!).toBe(
          Math.floor((255 * differences[1]!) / Math.max(...differences) + 0.5) -
            Math.floor((255 * differences[0]!) / Math.max(...differences) + 0.5),
        );
      }),
    );
  });

  it('changes nothing when it is done again, keeps alpha and its input, and leaves faint noise faint', () => {
    const image = text([200, 220, 210], [10, 60, 90]);
    const before = image.data.slice();
    const once = normalizeColors()(image);
    expect(image.data).toEqual(before);
    expect(normalizeColors()(once).data).toEqual(once.data);
    const alpha = createImage(2, 2, 4, Uint8ClampedArray.from([9, 9, 9, 1, 9, 9, 9, 2, 9, 9, 9, 3, 200, 9, 9, 4]));
    expect([0, 1, 2, 3].map((i) => normalizeColors()(alpha).data[4 * i + 3])).toEqual([1, 2, 3, 4]);
    const empty = createImage(
      10,
      10,
      1,
      Uint8ClampedArray.from({ length: 100 }, () => 128 + rng.int(3)),
    );
    expect(Math.min(...normalizeColors()(empty).data)).toBeGreaterThan(230);
  });

  it('is what the style does when asked', () => {
    const plain = wide().generate(4, 2);
    const normalized = wide({ normalized: true }).generate(4, 2);
    expect(normalized.label).toBe(plain.label);
    expect(normalized.image.data).toEqual(normalizeColors()(plain.image).data);
  });
});

describe('arithmetic', () => {
  const answerOf = (question: string) => {
    const [, a, operator, b] = /^(\d+)([-+\u00d7])(\d+)=\?$/.exec(question)!;
    const operations = { '+': Number(a) + Number(b), '-': Number(a) - Number(b), '\u00d7': Number(a) * Number(b) };
    return operations[operator as Operator];
  };

  it('draws the question and labels it with the answer', () => {
    const style = arithmetic();
    const questions = Array.from({ length: 120 }, (_, i) => style.generate(1, i)).map(({ label, parameters }) => {
      const question = parameters.characters.map(({ symbol }) => symbol).join('');
      expect(label).toBe(String(answerOf(question)));
      expect(label).toMatch(/^\d+$/);
      return question;
    });
    for (const operator of ['+', '-', '\u00d7']) expect(questions.some((text) => text.includes(operator))).toBe(true);
    expect([style.charset, style.minLength, style.length]).toEqual(['0123456789', 1, 3]);
  });

  it('knows how long its answers can be', () => {
    const lengths = (operators: Operator[], operands: [number, number]) => {
      const { minLength, length } = arithmetic({ operators, operands, width: 300 });
      return [minLength, length];
    };
    expect(lengths(['+'], [5, 50])).toEqual([2, 3]);
    expect(lengths(['-'], [100, 999])).toEqual([1, 3]);
    expect(lengths(['\u00d7'], [10, 99])).toEqual([3, 4]);
  });

  it('shares no question between parts', () => {
    const questions = (['train', 'test'] as const).map((part) => {
      const style = arithmetic({ part, operands: [0, 9], operators: ['+'] });
      return new Set(
        Array.from({ length: 60 }, (_, i) =>
          style
            .generate(1, i)
            .parameters.characters.map(({ symbol }) => symbol)
            .join(''),
        ),
      );
    });
    expect([...questions[0]!].filter((question) => questions[1]!.has(question))).toEqual([]);
  });

  it.each([
    ['invalid-operators', { operators: [] }],
    ['invalid-operators', { operators: ['/'] }],
    ['invalid-operands', { operands: [5, 4] }],
    ['invalid-operands', { operands: [-1, 4] }],
    ['invalid-operands', { operands: [0, 10_000] }],
    ['invalid-option', { noise: 128 }],
    ['invalid-option', { lines: 1.5 }],
    ['invalid-option', { maxAngle: 46 }],
  ])('%s for %o', (code, options) => {
    try {
      arithmetic(options as never);
    } catch (error) {
      expect(isProjError(error, code), String(error)).toBe(true);
      return;
    }
    expect.unreachable();
  });
});
