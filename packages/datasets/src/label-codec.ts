import { ProjError } from '@proj/core';

/** Labels as class indices and back. */
export interface LabelCodec {
  /** Everything the codec is made of, as plain JSON: what a saved model keeps beside its weights. */
  readonly config: FixedLengthConfig;
  /** Positions of an encoded label. */
  readonly length: number;
  /** Classes at each position. */
  readonly numClasses: number;
  /** A label as `[length]` class indices. */
  encode(label: string): Int32Array;
  /** The label that `[length]` class indices stand for. */
  decode(indices: ArrayLike<number>): string;
}

export interface FixedLengthConfig {
  readonly kind: 'fixed-length';
  /** The characters in the order of their classes. */
  readonly charset: string;
  /** Positions of a label. */
  readonly length: number;
  /** Whether labels may be shorter; the empty positions at their end have the last class. */
  readonly padded: boolean;
}

export interface FixedLengthOptions {
  /** The characters (Unicode code points) in the order of their classes, none twice. */
  readonly charset: string;
  /** Positions of a label, at least 1. */
  readonly length: number;
  /** Adds one class, the last, for "no character", so that labels of 0 to `length` characters can be encoded. */
  readonly padded?: boolean | undefined;
}

/**
 * One class for each position: character `charset[k]` is class `k`; with `padded` class `charset.length` fills the
 * positions after a shorter label. `decode(encode(label)) === label` for every label it can encode; `decode` leaves
 * padding out wherever a model put it. A character is a Unicode code point. `codec.config` makes the codec again:
 * `fixedLength(codec.config)`.
 *
 * @throws ProjError `invalid-charset`, `invalid-length` here; `unknown-character`, `label-length` from `encode`;
 *   `unknown-class`, `label-length` from `decode`.
 */
export function fixedLength({ charset, length, padded = false }: FixedLengthOptions): LabelCodec {
  const characters = Array.from(charset);
  const classes = new Map(characters.map((character, index) => [character, index]));
  if (characters.length === 0 || classes.size !== characters.length) {
    const repeated = characters.find((character, index) => classes.get(character) !== index);
    throw new ProjError('Cannot make a label codec', {
      code: 'invalid-charset',
      expected: 'at least one character, and none twice',
      received: repeated === undefined ? 'an empty charset' : `'${repeated}' twice in '${charset}'`,
    });
  }
  if (!Number.isInteger(length) || length < 1) {
    throw new ProjError('Cannot make a label codec', {
      code: 'invalid-length',
      expected: 'the number of positions as a positive integer',
      received: String(length),
    });
  }
  const padding = characters.length;

  return {
    config: { kind: 'fixed-length', charset, length, padded },
    length,
    numClasses: characters.length + (padded ? 1 : 0),
    encode(label) {
      const text = Array.from(label);
      if (padded ? text.length > length : text.length !== length) {
        throw new ProjError(`Cannot encode the label '${label}'`, {
          code: 'label-length',
          expected: `${padded ? 'at most' : 'exactly'} ${length} characters`,
          received: `${text.length}`,
          fix: text.length < length ? 'Use `padded: true` for labels of different length' : 'Raise `length`',
        });
      }
      const indices = new Int32Array(length).fill(padding);
      for (const [position, character] of text.entries()) {
        const index = classes.get(character);
        if (index === undefined) {
          throw new ProjError(`Cannot encode the label '${label}'`, {
            code: 'unknown-character',
            expected: `characters of '${charset}'`,
            received: `'${character}' at position ${position}`,
            fix: 'Add the character to the charset, or leave the picture out',
          });
        }
        indices[position] = index;
      }
      return indices;
    },
    decode(indices) {
      if (indices.length !== length) {
        throw new ProjError('Cannot decode a label', {
          code: 'label-length',
          expected: `${length} class indices`,
          received: `${indices.length}`,
        });
      }
      return Array.from(indices, (index) => {
        if (padded && index === padding) return '';
        const character = characters[index];
        if (character !== undefined) return character;
        throw new ProjError('Cannot decode a label', {
          code: 'unknown-class',
          expected: `class indices 0..${characters.length - (padded ? 0 : 1)}`,
          received: String(index),
        });
      }).join('');
    },
  };
}
