import { Rng } from '@proj/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drawSymbols, kindsOf } from '../src/charset.js';
import { formatColor, parseColor } from '../src/color.js';
import { fileNameMatcher, fileNamer } from '../src/file-name.js';

describe('charsets', () => {
  it('are split into code points, by kind', () => {
    expect(kindsOf('a😀b')).toEqual([['a', '😀', 'b']]);
    expect(kindsOf(['ab', '1'])).toEqual([['a', 'b'], ['1']]);
  });

  it('give each kind the same chance, whatever its size', () => {
    const symbols = drawSymbols(new Rng(1), kindsOf(['abcdefghi', '1']), 6000);
    const ones = symbols.filter((symbol) => symbol === '1').length;
    expect(Math.abs(ones - 3000)).toBeLessThan(4 * Math.sqrt(6000 / 4));
  });
});

describe('colours', () => {
  it('survive the way to text and back', () => {
    const channel = fc.integer({ min: 0, max: 255 });
    fc.assert(
      fc.property(channel, channel, channel, channel, (r, g, b, a) => {
        expect(parseColor(formatColor([r, g, b, a]))).toEqual([r, g, b, a]);
        expect(parseColor([r, g, b])).toEqual([r, g, b, 255]);
      }),
    );
    expect(formatColor([0, 10, 255, 255])).toBe('#000aff');
  });
});

describe('file names', () => {
  it('fit the matcher of their pattern, whatever the label', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.stringMatching(/^[a-zA-Z0-9$&]{1,6}$/),
        fc.constantFrom('{i}_{label}.png', 'x+{i}(1).png'),
        (i, label, pattern) => {
          const name = fileNamer(pattern, 'abc')(i, label);
          expect(name).toContain(String(i));
          expect(fileNameMatcher(pattern).test(name)).toBe(true);
          expect(fileNameMatcher(pattern).test(`${name}.bak`)).toBe(false);
        },
      ),
    );
    expect(fileNamer('{i}_{label}.png', 'abc')(3, '$&')).toBe('3_$&.png');
  });
});
