import { ProjError } from '@proj/core';
import { charactersOf, checkIndices, checkLength, refuseClass } from './charset.js';
import type { FixedLengthConfig, LabelCodec } from './label-codec.js';

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
export function fixedLength({ charset, length, padded = false }: FixedLengthOptions): LabelCodec<FixedLengthConfig> {
  const characters = charactersOf(charset);
  checkLength(length);
  const padding = characters.list.length;
  const numClasses = padding + (padded ? 1 : 0);

  return {
    config: { kind: 'fixed-length', charset, length, padded },
    length,
    shape: [length],
    numClasses,
    encode(label) {
      const count = Array.from(label).length;
      if (padded ? count > length : count !== length) {
        throw new ProjError(`Cannot encode the label '${label}'`, {
          code: 'label-length',
          expected: `${padded ? 'at most' : 'exactly'} ${length} characters`,
          received: `${count}`,
          fix: count < length ? 'Use `padded: true` for labels of different length' : 'Raise `length`',
        });
      }
      const indices = new Int32Array(length).fill(padding);
      indices.set(characters.indicesOf(label));
      return indices;
    },
    decode(indices) {
      checkIndices(indices, length);
      return Array.from(indices, (index) => {
        if (padded && index === padding) return '';
        return characters.list[index] ?? refuseClass(index, numClasses);
      }).join('');
    },
  };
}
