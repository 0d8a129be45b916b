import { fixedLength } from '@proj/datasets';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const charset = 'abcXYZ09';

const character = fc
  .integer({ min: 1, max: 0x10ffff })
  .filter((code) => code < 0xd800 || code > 0xdfff) // halves of surrogate pairs are no code points of their own
  .map((code) => String.fromCodePoint(code));

/** Charsets of any code points, none twice, and a label of theirs. */
const charsetAndLabel = (minLength: number) =>
  fc.uniqueArray(character, { minLength: 1, maxLength: 80 }).chain((characters) =>
    fc.record({
      characters: fc.constant(characters),
      label: fc.array(fc.constantFrom(...characters), { minLength, maxLength: 8 }),
    }),
  );

describe('fixedLength', () => {
  it('numbers characters in the order of the charset', () => {
    const codec = fixedLength({ charset, length: 4 });
    expect(codec.encode('aX09')).toEqual(Int32Array.of(0, 3, 6, 7));
    expect(codec.decode([0, 3, 6, 7])).toBe('aX09');
    expect(codec.numClasses).toBe(8);
    expect(codec.length).toBe(4);
  });

  it('fills shorter labels with the last class when padded', () => {
    const codec = fixedLength({ charset, length: 4, padded: true });
    expect(codec.numClasses).toBe(9);
    expect(codec.encode('bc')).toEqual(Int32Array.of(1, 2, 8, 8));
    expect(codec.encode('')).toEqual(Int32Array.of(8, 8, 8, 8));
    expect(codec.decode(Int32Array.of(1, 8, 2, 8))).toBe('bc');
  });

  it('decodes what it encodes, for any charset', () => {
    fc.assert(
      fc.property(charsetAndLabel(1), ({ characters, label }) => {
        const codec = fixedLength({ charset: characters.join(''), length: label.length });
        expect(codec.decode(codec.encode(label.join('')))).toBe(label.join(''));
      }),
    );
  });

  it('decodes what it encodes with padding, and every index is a class', () => {
    fc.assert(
      fc.property(charsetAndLabel(0), fc.integer({ min: 0, max: 4 }), ({ characters, label }, room) => {
        const length = Math.max(1, label.length + room);
        const codec = fixedLength({ charset: characters.join(''), length, padded: true });
        const indices = codec.encode(label.join(''));
        expect(codec.decode(indices)).toBe(label.join(''));
        expect(indices.length).toBe(length);
        expect(indices.every((index) => index >= 0 && index < codec.numClasses)).toBe(true);
      }),
    );
  });

  it('comes again from its config, through JSON and structured cloning', () => {
    for (const padded of [false, true]) {
      const codec = fixedLength({ charset, length: 3, padded });
      for (const config of [structuredClone(codec.config), JSON.parse(JSON.stringify(codec.config))]) {
        const again = fixedLength(config);
        expect(again.config).toEqual(codec.config);
        expect(again.encode('a9Z')).toEqual(codec.encode('a9Z'));
      }
    }
  });

  it('names what it cannot encode', () => {
    const codec = fixedLength({ charset, length: 4 });
    expect(() => codec.encode('ab?c')).toThrow(
      expect.objectContaining({ code: 'unknown-character', received: "'?' at position 2" }),
    );
    expect(() => codec.encode('abc')).toThrow(expect.objectContaining({ code: 'label-length', received: '3' }));
    expect(() => codec.encode('abcab')).toThrow(expect.objectContaining({ code: 'label-length', received: '5' }));
    const padded = fixedLength({ charset, length: 4, padded: true });
    expect(() => padded.encode('abcab')).toThrow(expect.objectContaining({ code: 'label-length' }));
  });

  it('names what it cannot decode', () => {
    const codec = fixedLength({ charset, length: 2 });
    for (const index of [8, -1, 0.5, Number.NaN]) {
      expect(() => codec.decode([0, index])).toThrow(expect.objectContaining({ code: 'unknown-class' }));
    }
    expect(() => codec.decode([0])).toThrow(expect.objectContaining({ code: 'label-length' }));
  });

  it('refuses charsets and lengths that make no sense', () => {
    for (const wrong of ['', 'aba']) {
      expect(() => fixedLength({ charset: wrong, length: 1 })).toThrow(
        expect.objectContaining({ code: 'invalid-charset' }),
      );
    }
    for (const length of [0, -1, 1.5, Number.NaN]) {
      expect(() => fixedLength({ charset, length })).toThrow(expect.objectContaining({ code: 'invalid-length' }));
    }
  });
});
