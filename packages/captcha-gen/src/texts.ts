import { ProjError, type Rng } from '@proj/core';
import { type Charset, drawSymbols, kindsOf } from './charset.js';
import { checkPart, checkShares, defaultShares, type Part, type PartShares, partOf } from './part.js';

/** Characters in each captcha: always as many, or any number from the least to the most, all equally likely. */
export type Length = number | readonly [least: number, most: number];

/** What one captcha shows, symbol by symbol, and what it stands for. */
export interface Text {
  readonly symbols: readonly string[];
  readonly label: string;
}

/** Where the texts of a style come from. */
export interface TextSource {
  /** All symbols that may be drawn. */
  readonly symbols: readonly string[];
  /** Most symbols drawn at once. */
  readonly maxSymbols: number;
  /** All symbols a label may hold, in the order in which classes are numbered. */
  readonly charset: string;
  /** Fewest symbols a label has. */
  readonly minLength: number;
  /** Most symbols a label has. */
  readonly length: number;
  draw(rng: Rng): Text;
}

/** Which of all labels a style shows. */
export interface PartOptions {
  /** Only labels of this part of all labels (see {@link partOf}). */
  readonly part?: Part | undefined;
  /** How `part` divides all labels. Default 90% / 5% / 5%. */
  readonly shares?: PartShares | undefined;
}

export interface RandomTextOptions extends PartOptions {
  readonly length: Length;
  readonly charset: Charset;
}

/**
 * Random symbols that are their own label.
 * @throws ProjError `invalid-length`, `invalid-charset`, `invalid-part` or `invalid-shares`.
 */
export function randomTexts({ length, charset, part, shares }: RandomTextOptions): TextSource {
  const [least, most] = lengthRange(length);
  const kinds = kindsOf(charset);
  const symbols = kinds.flat();
  const draw = partDrawer(
    (rng) => drawSymbols(rng, kinds, least === most ? most : least + rng.int(most - least + 1)),
    (drawn) => drawn.join(''),
    { part, shares },
  );
  return {
    symbols,
    maxSymbols: most,
    charset: symbols.join(''),
    minLength: least,
    length: most,
    draw(rng) {
      const drawn = draw(rng);
      return { symbols: drawn, label: drawn.join('') };
    },
  };
}

/** More tries than any part of some size needs. */
const ATTEMPTS = 10_000;

/**
 * Makes `draw` go on until what it drew belongs to the part, by the string `keyOf` it.
 * @throws ProjError `invalid-part` or `invalid-shares` here, `empty-part` when none is found.
 */
export function partDrawer<T>(
  draw: (rng: Rng) => T,
  keyOf: (drawn: T) => string,
  { part, shares = defaultShares }: PartOptions,
): (rng: Rng) => T {
  checkShares(shares);
  if (part === undefined) return draw;
  checkPart(part);
  return (rng) => {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const drawn = draw(rng);
      if (partOf(keyOf(drawn), shares) === part) return drawn;
    }
    throw new ProjError(`Found no label of part ${part}`, {
      code: 'empty-part',
      expected: `one label in ${ATTEMPTS} to belong to it`,
      received: `shares ${JSON.stringify(shares)}`,
      fix: 'Use more symbols, longer labels or a larger share',
    });
  };
}

/** @throws ProjError `invalid-length` unless `length` is a positive integer, or two of them, the smaller one first. */
export function lengthRange(length: Length): readonly [least: number, most: number] {
  const range: readonly unknown[] = Array.isArray(length) ? length : [length, length];
  const [least, most] = range as readonly [number, number];
  if (!(range.length === 2 && range.every(Number.isInteger) && least >= 1 && most >= least)) {
    throw new ProjError('Cannot draw a captcha of this length', {
      code: 'invalid-length',
      expected: 'the number of characters as a positive integer, or the least and the most',
      received: JSON.stringify(length) ?? String(length),
    });
  }
  return [least, most];
}
