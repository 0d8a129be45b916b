import { ProjError, Rng } from '@proj/core';

/** One side of a split. */
export type Part = 'train' | 'validation' | 'test';

/** Share of all labels that falls to each part; they sum to 1. */
export type PartShares = Readonly<Record<Part, number>>;

const parts = ['train', 'validation', 'test'] as const satisfies readonly Part[];

/** 90% of all labels to train on, 5% to validate, 5% to test. */
export const defaultShares: PartShares = { train: 0.9, validation: 0.05, test: 0.05 };

/**
 * The part a label belongs to, decided by a hash of its text alone: every machine and every style agrees, and no
 * label stands on two sides.
 * @throws ProjError `invalid-shares` unless the shares are 0 or more and sum to 1.
 */
export function partOf(label: string, shares: PartShares = defaultShares): Part {
  checkShares(shares);
  const position = new Rng('part').split(label).uniform();
  let end = 0;
  for (const part of parts) {
    end += shares[part];
    if (position < end) return part;
  }
  return parts.findLast((part) => shares[part] > 0) as Part; // the shares' sum may fall short of 1 by rounding
}

/** @throws ProjError `invalid-shares` unless the shares are 0 or more and sum to 1. */
export function checkShares(shares: PartShares): void {
  const sum = parts.reduce((total, part) => total + (shares?.[part] ?? Number.NaN), 0);
  if (!parts.every((part) => shares?.[part] >= 0) || !(Math.abs(sum - 1) < 1e-9)) {
    throw new ProjError('Cannot split labels by these shares', {
      code: 'invalid-shares',
      expected: '`train`, `validation` and `test` of 0 or more that sum to 1',
      received: JSON.stringify(shares),
    });
  }
}

/** @throws ProjError `invalid-part` unless `part` names one. */
export function checkPart(part: string): asserts part is Part {
  if (!(parts as readonly string[]).includes(part)) {
    throw new ProjError('Unknown part', { code: 'invalid-part', expected: parts.join(', '), received: String(part) });
  }
}
