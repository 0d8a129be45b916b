import { ProjError } from '@proj/core';

/** The characters (Unicode code points) of labels, in the order of their classes. */
export interface Characters {
  readonly list: readonly string[];
  /** The indices of a label's characters in the list. @throws ProjError `unknown-character`. */
  indicesOf(label: string): number[];
}

/** @throws ProjError `invalid-charset` when a character stands there twice, or none. */
export function charactersOf(charset: string): Characters {
  const list = Array.from(charset);
  const places = new Map(list.map((character, index) => [character, index]));
  if (list.length === 0 || places.size !== list.length) {
    const repeated = list.find((character, index) => places.get(character) !== index);
    throw new ProjError('Cannot make a label codec', {
      code: 'invalid-charset',
      expected: 'at least one character, and none twice',
      received: repeated === undefined ? 'an empty charset' : `'${repeated}' twice in '${charset}'`,
    });
  }
  return {
    list,
    indicesOf: (label) =>
      Array.from(label, (character, position) => {
        const index = places.get(character);
        if (index !== undefined) return index;
        throw new ProjError(`Cannot encode the label '${label}'`, {
          code: 'unknown-character',
          expected: `characters of '${charset}'`,
          received: `'${character}' at position ${position}`,
          fix: 'Add the character to the charset, or leave the picture out',
        });
      }),
  };
}

/** @throws ProjError `invalid-length`. */
export function checkLength(length: number): void {
  if (Number.isInteger(length) && length >= 1) return;
  throw new ProjError('Cannot make a label codec', {
    code: 'invalid-length',
    expected: 'the number of positions as a positive integer',
    received: String(length),
  });
}

/** @throws ProjError `label-length` unless there are `length` of them. */
export function checkIndices(indices: ArrayLike<number>, length: number, what = 'class indices'): void {
  if (indices.length === length) return;
  throw new ProjError('Cannot decode a label', {
    code: 'label-length',
    expected: `${length} ${what}`,
    received: `${indices.length}`,
  });
}

/** @throws ProjError `unknown-class`, always. */
export function refuseClass(index: number, numClasses: number): never {
  throw new ProjError('Cannot decode a label', {
    code: 'unknown-class',
    expected: `class indices 0..${numClasses - 1}`,
    received: String(index),
  });
}
