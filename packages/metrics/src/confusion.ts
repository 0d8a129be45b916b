import { ProjError } from '@proj/core';
import { addCounts, sum, zeros } from './counts.js';
import type { DetailedMetric, IgnoreOptions } from './metric.js';
import { argmax, checkIgnoreIndex, dimensionsOf, forEachRow, invalidOption } from './rows.js';

export type Normalize = 'none' | 'true' | 'pred' | 'all';

export interface ConfusionMatrixOptions extends IgnoreOptions {
  /** C, the number of classes of the logits. */
  readonly numClasses: number;
  /** Counts (`none`), or shares of each true class, of each predicted class, or of everything. Default `none`. */
  readonly normalize?: Normalize | undefined;
}

export interface ConfusionState {
  /** `[C, C]` row-major, true class by predicted class. */
  readonly counts: readonly number[];
  /** By true class: places whose scores hold a NaN, so that nothing was predicted. */
  readonly unpredicted: readonly number[];
}

export interface Confusion {
  /** `[C, C]`: `matrix[truth][predicted]`. */
  readonly matrix: number[][];
  /** Counts by true class of places whose scores hold a NaN; they stand nowhere in the matrix. */
  readonly unpredicted: number[];
}

/**
 * How often which class was taken for which. `details` gives the matrix, normalised as asked (a row, column or matrix
 * without counts gives zeros), `compute` the share on its diagonal, where a row with a NaN counts as a miss.
 * torchmetrics: `MulticlassConfusionMatrix(num_classes, normalize)`.
 *
 * @throws ProjError `invalid-option`; on update `invalid-shape`, `label-out-of-range`, `class-count` when the logits have
 *   another number of classes; on merge `state-mismatch`.
 */
export function confusionMatrix({
  numClasses,
  normalize = 'none',
  ignoreIndex,
}: ConfusionMatrixOptions): DetailedMetric<ConfusionState, Confusion> {
  const name = 'confusionMatrix';
  if (!Number.isInteger(numClasses) || numClasses < 1) {
    throw invalidOption(name, 'numClasses', 'an integer >= 1', numClasses);
  }
  if (!['none', 'true', 'pred', 'all'].includes(normalize)) {
    throw invalidOption(name, 'normalize', '"none", "true", "pred" or "all"', normalize);
  }
  checkIgnoreIndex(name, ignoreIndex);
  return {
    name,
    init: () => ({ counts: zeros(numClasses ** 2), unpredicted: zeros(numClasses) }),
    merge: (a, b) => ({
      counts: addCounts(name, a.counts, b.counts),
      unpredicted: addCounts(name, a.unpredicted, b.unpredicted),
    }),
    update(state, batch) {
      const dimensions = dimensionsOf(batch);
      if (dimensions.numClasses !== numClasses) {
        throw new ProjError('confusionMatrix: the logits have another number of classes', {
          code: 'class-count',
          expected: `${numClasses} classes (numClasses)`,
          received: `${dimensions.numClasses} in logits [${batch.shape.join(', ')}]`,
        });
      }
      const counts = [...state.counts];
      const unpredicted = [...state.unpredicted];
      forEachRow(batch, dimensions, ignoreIndex, ({ label, offset }) => {
        const predicted = argmax(batch.logits, offset, numClasses);
        if (predicted < 0) unpredicted[label]!++;
        else counts[label * numClasses + predicted]!++;
      });
      return { counts, unpredicted };
    },
    compute: ({ counts, unpredicted }) => {
      const diagonal = unpredicted.map((_, c) => counts[c * numClasses + c]!);
      return sum(diagonal) / (sum(counts) + sum(unpredicted));
    },
    details: ({ counts, unpredicted }) => {
      const rows = unpredicted.map((_, truth) => counts.slice(truth * numClasses, (truth + 1) * numClasses));
      return { matrix: normalized(rows, normalize), unpredicted: [...unpredicted] };
    },
  };
}

function normalized(rows: number[][], normalize: Normalize): number[][] {
  if (normalize === 'none') return rows;
  const all = sum(rows.map(sum));
  const columns = rows.map((_, c) => sum(rows.map((row) => row[c]!)));
  return rows.map((row) => {
    const own = sum(row);
    return row.map((count, c) => {
      const of = normalize === 'true' ? own : normalize === 'pred' ? columns[c]! : all;
      return of === 0 ? 0 : count / of;
    });
  });
}

/** One class taken for another. */
export interface ConfusedPair {
  readonly truth: string;
  readonly predicted: string;
  /** What stands in the matrix: how often, or which share. */
  readonly count: number;
}

/**
 * The `k` largest entries off the diagonal of a confusion matrix, largest first (equals in the order of the classes);
 * pairs that never were confused are left out.
 *
 * @param charset the names of the classes in order: a text of one character each (by code point) or a list.
 * @throws ProjError `class-count` when there are not as many names as classes.
 */
export function topConfusions(
  matrix: readonly (readonly number[])[],
  charset: string | readonly string[],
  k: number,
): ConfusedPair[] {
  const names = [...charset];
  if (names.length !== matrix.length) {
    throw new ProjError('topConfusions: every class needs a name', {
      code: 'class-count',
      expected: `${matrix.length} names`,
      received: `${names.length}`,
    });
  }
  return matrix
    .flatMap((row, t) =>
      row.map((count, p) => ({ truth: names[t]!, predicted: names[p]!, count, isConfusion: t !== p && count > 0 })),
    )
    .filter(({ isConfusion }) => isConfusion)
    .sort((a, b) => b.count - a.count)
    .slice(0, k)
    .map(({ truth, predicted, count }) => ({ truth, predicted, count }));
}
