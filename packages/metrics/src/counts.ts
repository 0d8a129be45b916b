import { ProjError } from '@proj/core';

/**
 * Two lists of counts added up place by place. An empty list is one whose length is not known yet, and adds nothing.
 * @throws ProjError `state-mismatch` when both have a length and it differs.
 */
export function addCounts(metric: string, a: readonly number[], b: readonly number[]): number[] {
  if (a.length === 0 || b.length === 0) return [...a, ...b];
  if (a.length !== b.length) {
    throw new ProjError(`${metric}: these counts do not belong together`, {
      code: 'state-mismatch',
      expected: `${a.length} classes or positions, as so far`,
      received: `${b.length}`,
      fix: 'Use one state for one model and one kind of data',
    });
  }
  return a.map((count, i) => count + b[i]!);
}

export function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}

export function zeros(length: number): number[] {
  return new Array<number>(length).fill(0);
}
