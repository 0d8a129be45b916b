import { ProjError } from '@proj/core';
import { charactersOf, checkIndices, checkLength, refuseClass } from './charset.js';
import type { CtcConfig, LabelCodec } from './label-codec.js';

export interface CtcOptions {
  /** The characters (Unicode code points) in the order of their classes, none twice. */
  readonly charset: string;
  /** Characters of the longest label, at least 1. */
  readonly length: number;
  /**
   * Which class is the blank: the `last` (default; characters keep the numbers they have in `fixedLength`), or the
   * `first`, as PyTorch's `CTCLoss` has it unless told.
   */
  readonly blank?: 'first' | 'last' | undefined;
}

/** A codec for connectionist temporal classification: a model gives a class for each frame, not for each character. */
export interface CtcCodec extends LabelCodec<CtcConfig> {
  /** The class of the blank. */
  readonly blank: number;
  /** The text of a path, one class a frame, of any number of frames: runs become one, then blanks go. */
  decode(path: ArrayLike<number>): string;
  /** The text of an encoded label, in which nothing is collapsed. */
  decodeTarget(indices: ArrayLike<number>): string;
  /** The fewest frames that can spell a label: its characters, and a blank between two that are the same. */
  minFrames(label: string): number;
}

/**
 * Labels of up to `length` characters for CTC (Graves et al., 2006). `encode` gives `[length]` class indices, with blanks
 * after the label, where losses take them as its end. `decode` reads a model's best class for each frame. So here
 * `decodeTarget(encode(label)) === label`, while `decode` collapses a path.
 *
 * @throws ProjError `invalid-charset`, `invalid-length`, `invalid-option` here; `unknown-character`, `label-length` from
 *   `encode`; `unknown-class` from `decode` and `decodeTarget`, which also throws `label-length`.
 */
export function ctc({ charset, length, blank: place = 'last' }: CtcOptions): CtcCodec {
  const { list, indicesOf } = charactersOf(charset);
  checkLength(length);
  if (place !== 'first' && place !== 'last') {
    throw new ProjError('Cannot make a label codec', {
      code: 'invalid-option',
      expected: "`blank` to be 'first' or 'last'",
      received: String(place),
    });
  }
  const blank = place === 'first' ? 0 : list.length;
  const offset = place === 'first' ? 1 : 0;
  const numClasses = list.length + 1;
  const textOf = (index: number) => (index === blank ? '' : (list[index - offset] ?? refuseClass(index, numClasses)));

  return {
    config: { kind: 'ctc', charset, length, blank: place },
    length,
    shape: [length],
    numClasses,
    blank,
    encode(label) {
      const count = Array.from(label).length;
      if (count > length) {
        throw new ProjError(`Cannot encode the label '${label}'`, {
          code: 'label-length',
          expected: `at most ${length} characters`,
          received: `${count}`,
          fix: 'Raise `length`',
        });
      }
      const indices = new Int32Array(length).fill(blank);
      indices.set(indicesOf(label).map((index) => index + offset));
      return indices;
    },
    decode: (path) =>
      Array.from(path, (index, frame) => (frame > 0 && index === path[frame - 1] ? '' : textOf(index))).join(''),
    decodeTarget(indices) {
      checkIndices(indices, length);
      return Array.from(indices, textOf).join('');
    },
    minFrames(label) {
      const text = Array.from(label);
      return text.length + text.filter((character, position) => character === text[position - 1]).length;
    },
  };
}
