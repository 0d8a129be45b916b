import { ProjError, type Rng } from '@proj/core';

/**
 * What characters a captcha may show. A text gives the symbols, all equally likely. A list of texts gives kinds: for
 * each character first its kind is drawn uniformly, then a symbol within the kind.
 */
export type Charset = string | readonly string[];

const LOWER = 'abcdefghijklmnopqrstuvwxyz';
const UPPER = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const NUM = '0123456789';

/** Ready-made charsets, named as in afocus/captcha. Classes are numbered in the order of the joined symbols. */
export const charsets = {
  /** 10 digits. */
  NUM,
  /** 26 lower-case letters. */
  LOWER,
  /** 26 upper-case letters. */
  UPPER,
  /** 62 symbols a-z A-Z 0-9; lower case, upper case and digits are equally likely, so a digit is likelier than a letter. */
  ALL: [LOWER, UPPER, NUM],
  /** 43 symbols that are hard to mistake for each other, all equally likely. */
  CLEAR: 'acdefghjkmnpqstwxyABCDEFGHJKMNPQRSVWXY34578',
} as const satisfies Record<string, Charset>;

/**
 * A charset as lists of symbols by kind.
 * @throws ProjError `invalid-charset` when a kind is empty or a symbol stands twice.
 */
export function kindsOf(charset: Charset): readonly (readonly string[])[] {
  const texts: readonly unknown[] = typeof charset === 'string' ? [charset] : Array.isArray(charset) ? charset : [];
  const kinds = texts.map((kind) => (typeof kind === 'string' ? [...kind] : []));
  const symbols = kinds.flat();
  const seen = new Set<string>();
  const twice = symbols.find((symbol) => seen.size === seen.add(symbol).size);
  if (symbols.length === 0 || kinds.some((kind) => kind.length === 0) || twice !== undefined) {
    throw new ProjError('Cannot use this charset', {
      code: 'invalid-charset',
      expected: 'at least one symbol in each kind, and each symbol once',
      received: twice === undefined ? (JSON.stringify(charset) ?? String(charset)) : `${JSON.stringify(twice)} twice`,
    });
  }
  return kinds;
}

/** Draws `length` symbols: the kind uniformly (no draw where there is one), then the symbol within the kind. */
export function drawSymbols(rng: Rng, kinds: readonly (readonly string[])[], length: number): string[] {
  return Array.from({ length }, () => rng.pick(kinds.length === 1 ? (kinds[0] as readonly string[]) : rng.pick(kinds)));
}
