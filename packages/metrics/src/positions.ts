import { addCounts, sum, zeros } from './counts.js';
import type { DetailedMetric, IgnoreOptions, Metric } from './metric.js';
import { argmax, checkIgnoreIndex, dimensionsOf, forEachRow } from './rows.js';

export interface ShareState {
  readonly correct: number;
  readonly total: number;
}

const share = {
  init: (): ShareState => ({ correct: 0, total: 0 }),
  merge: (a: ShareState, b: ShareState): ShareState => ({ correct: a.correct + b.correct, total: a.total + b.total }),
  compute: ({ correct, total }: ShareState): number => correct / total,
};

/**
 * Share of characters read rightly, over all positions of all pictures: `accuracy()` with a state of two numbers. A row
 * with a NaN counts as a miss. torchmetrics: `MulticlassAccuracy(average='micro')` on `[B, C, L]`.
 *
 * @throws ProjError `invalid-option`; on update `invalid-shape`, `label-out-of-range`.
 */
export function charAccuracy({ ignoreIndex }: IgnoreOptions = {}): Metric<ShareState> {
  checkIgnoreIndex('charAccuracy', ignoreIndex);
  return {
    name: 'charAccuracy',
    ...share,
    update(state, batch) {
      const dimensions = dimensionsOf(batch);
      let { correct, total } = state;
      forEachRow(batch, dimensions, ignoreIndex, ({ label, offset }) => {
        total++;
        if (argmax(batch.logits, offset, dimensions.numClasses) === label) correct++;
      });
      return { correct, total };
    },
  };
}

/**
 * Share of pictures with every position right (also called complete match or subset accuracy). A row with a NaN counts
 * as a miss. Ignored positions cannot be wrong, and a picture with all positions ignored is not counted at all.
 * torchmetrics: `MulticlassExactMatch` on `[B, C, L]`, except that it counts the latter as a match.
 *
 * @throws ProjError `invalid-option`; on update `invalid-shape`, `label-out-of-range`.
 */
export function exactMatch({ ignoreIndex }: IgnoreOptions = {}): Metric<ShareState> {
  checkIgnoreIndex('exactMatch', ignoreIndex);
  return {
    name: 'exactMatch',
    ...share,
    update(state, batch) {
      const dimensions = dimensionsOf(batch);
      const counted = new Set<number>();
      const missed = new Set<number>();
      forEachRow(batch, dimensions, ignoreIndex, ({ example, label, offset }) => {
        counted.add(example);
        if (argmax(batch.logits, offset, dimensions.numClasses) !== label) missed.add(example);
      });
      return { correct: state.correct + counted.size - missed.size, total: state.total + counted.size };
    },
  };
}

/** Counts by position; empty before the first batch. */
export interface PositionState {
  readonly correct: readonly number[];
  readonly total: readonly number[];
}

/**
 * The accuracy of each position on its own: `details` gives L shares (NaN for a position that is always ignored),
 * `compute` the share over all, as `charAccuracy`. A row with a NaN counts as a miss.
 *
 * @throws ProjError `invalid-option`; on update `invalid-shape`, `label-out-of-range`, `state-mismatch`.
 */
export function perPositionAccuracy({ ignoreIndex }: IgnoreOptions = {}): DetailedMetric<PositionState, number[]> {
  const name = 'perPositionAccuracy';
  checkIgnoreIndex(name, ignoreIndex);
  const merge = (a: PositionState, b: PositionState): PositionState => ({
    correct: addCounts(name, a.correct, b.correct),
    total: addCounts(name, a.total, b.total),
  });
  return {
    name,
    init: () => ({ correct: [], total: [] }),
    merge,
    update(state, batch) {
      const dimensions = dimensionsOf(batch);
      const correct = zeros(dimensions.positions);
      const total = zeros(dimensions.positions);
      forEachRow(batch, dimensions, ignoreIndex, ({ position, label, offset }) => {
        total[position]!++;
        if (argmax(batch.logits, offset, dimensions.numClasses) === label) correct[position]!++;
      });
      return merge(state, { correct, total });
    },
    compute: ({ correct, total }) => sum(correct) / sum(total),
    details: ({ correct, total }) => correct.map((count, position) => count / total[position]!),
  };
}
