import { classNames, ctc, fixedLength, type LabelCodecConfig, labelCodec, oneHot } from '@proj/datasets';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const charset = 'abcXYZ09';
const label = fc.array(fc.constantFrom(...charset), { maxLength: 8 }).map((characters) => characters.join(''));

describe('ctc', () => {
  it('numbers characters as fixedLength does, with the blank last, or after it when it is first', () => {
    const last = ctc({ charset, length: 4 });
    expect([last.blank, last.numClasses, last.length]).toEqual([8, 9, 4]);
    expect(last.encode('aX9')).toEqual(Int32Array.of(0, 3, 7, 8));
    const first = ctc({ charset, length: 4, blank: 'first' });
    expect(first.blank).toBe(0);
    expect(first.encode('aX9')).toEqual(Int32Array.of(1, 4, 8, 0));
  });

  it('reads a path: runs become one, blanks part them', () => {
    const codec = ctc({ charset: 'ab', length: 3 });
    expect(codec.decode([2, 0, 0, 2, 0, 1, 1, 2])).toBe('aab');
    expect(codec.decode([2, 2, 2])).toBe('');
    expect(codec.decode([])).toBe('');
    expect(codec.decode(Int32Array.of(1, 0, 1))).toBe('bab');
  });

  it('reads every path that spells a label, and no shorter one does', () => {
    const spelled = fc.record({
      text: label,
      blank: fc.constantFrom('first' as const, 'last' as const),
      runs: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 8, maxLength: 8 }),
      gaps: fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 9, maxLength: 9 }),
    });
    fc.assert(
      fc.property(spelled, ({ text, blank, runs, gaps }) => {
        const codec = ctc({ charset, length: 8, blank });
        const classes = [...codec.encode(text)].slice(0, text.length);
        const path = classes.flatMap((index, k) => {
          const parted = k > 0 && classes[k - 1] === index ? Math.max(1, gaps[k]!) : gaps[k]!;
          return [...Array(parted).fill(codec.blank), ...Array(runs[k]).fill(index)];
        });
        expect(codec.decode(path)).toBe(text);
        expect(codec.minFrames(text)).toBeLessThanOrEqual(path.length);
        expect(codec.decodeTarget(codec.encode(text))).toBe(text);
      }),
    );
    const codec = ctc({ charset, length: 8 });
    expect(codec.minFrames('aab00b')).toBe(8);
  });

  it('names what it cannot do', () => {
    const codec = ctc({ charset, length: 2 });
    expect(() => codec.encode('abc')).toThrow(expect.objectContaining({ code: 'label-length' }));
    expect(() => codec.encode('a?')).toThrow(expect.objectContaining({ code: 'unknown-character' }));
    expect(() => codec.decode([9])).toThrow(expect.objectContaining({ code: 'unknown-class' }));
    expect(() => ctc({ charset, length: 2, blank: 'first' }).decode([9])).toThrow(
      expect.objectContaining({ code: 'unknown-class' }),
    );
    expect(() => codec.decodeTarget([1])).toThrow(expect.objectContaining({ code: 'label-length' }));
    expect(() => ctc({ charset: 'aa', length: 2 })).toThrow(expect.objectContaining({ code: 'invalid-charset' }));
    expect(() => ctc({ charset, length: 2, blank: 0 as unknown as 'first' })).toThrow(
      expect.objectContaining({ code: 'invalid-option' }),
    );
  });
});

describe('classNames', () => {
  const codec = classNames(['cat', 'dog', 'two words']);

  it('numbers names, one a picture', () => {
    expect(codec.encode('two words')).toEqual(Int32Array.of(2));
    expect(codec.decode([1])).toBe('dog');
    expect([codec.length, codec.shape, codec.numClasses]).toEqual([1, [], 3]);
  });

  it('names what it does not know', () => {
    expect(() => codec.encode('cow')).toThrow(expect.objectContaining({ code: 'unknown-class-name' }));
    for (const index of [3, -1, 0.5])
      expect(() => codec.decode([index])).toThrow(expect.objectContaining({ code: 'unknown-class' }));
    for (const names of [[], ['a', 'a']])
      expect(() => classNames(names)).toThrow(expect.objectContaining({ code: 'invalid-class-names' }));
  });
});

describe('oneHot', () => {
  it('makes a row with a single 1 for each index, and reads the greatest score of a row', () => {
    const padded = fixedLength({ charset, length: 8, padded: true });
    const codec = oneHot(padded);
    expect([codec.length, codec.shape, codec.numClasses]).toEqual([72, [8, 9], 9]);
    fc.assert(
      fc.property(
        label,
        fc.array(fc.double({ min: 0, max: 0.99, noNaN: true }), { minLength: 72, maxLength: 72 }),
        (text, noise) => {
          const rows = codec.encode(text);
          for (const [position, index] of padded.encode(text).entries())
            expect([...rows.subarray(position * 9, position * 9 + 9)]).toEqual(
              Array.from({ length: 9 }, (_, k) => (k === index ? 1 : 0)),
            );
          expect(codec.decode(rows.map((value) => value))).toBe(text);
          expect(codec.decode(Float64Array.from(rows, (value, k) => (value === 1 ? 1 : noise[k]!)))).toBe(text);
        },
      ),
    );
  });

  it('has one row for one class a picture', () => {
    const codec = oneHot(classNames(['cat', 'dog']));
    expect([codec.shape, [...codec.encode('dog')]]).toEqual([[2], [0, 1]]);
    expect(codec.decode([0.3, 0.2])).toBe('cat');
    expect(() => codec.decode([1])).toThrow(expect.objectContaining({ code: 'label-length' }));
  });
});

describe('labelCodec', () => {
  it('makes every codec again from its config as JSON', () => {
    const codecs = [
      fixedLength({ charset, length: 3, padded: true }),
      ctc({ charset, length: 5, blank: 'first' }),
      classNames([...charset]),
      oneHot(fixedLength({ charset, length: 1 })),
    ];
    for (const codec of codecs) {
      const again = labelCodec(JSON.parse(JSON.stringify(codec.config)));
      expect(again.config).toEqual(codec.config);
      expect(again.encode('Z')).toEqual(codec.encode('Z'));
      expect(again.decode(again.encode('Z'))).toBe('Z');
    }
    expect(() => labelCodec({ kind: 'other' } as unknown as LabelCodecConfig)).toThrow(
      expect.objectContaining({ code: 'unknown-codec' }),
    );
  });
});
