import { addCounts, sum, zeros } from './counts.js';
import type { DetailedMetric, IgnoreOptions } from './metric.js';
import { argmax, checkIgnoreIndex, dimensionsOf, forEachRow, invalidOption, rankOf } from './rows.js';

export interface AccuracyOptions extends IgnoreOptions {
  /** A place is right where the label is among this many highest scores; default 1. */
  readonly topK?: number | undefined;
  /** `micro`: share of all places. `macro`: mean of the classes' own shares, a rare class as heavy as a common one. Default `micro`. */
  readonly average?: 'micro' | 'macro' | undefined;
}

/** Counts by class; empty before the first batch. */
export interface AccuracyState {
  /** Places of the class that were right. */
  readonly correct: readonly number[];
  /** Places of the class. */
  readonly labelled: readonly number[];
  /** Places predicted (top 1) as the class. */
  readonly predicted: readonly number[];
}

/**
 * Share of places whose label is among the `topK` highest scores. Over logits `[B, L, C]` every position counts for
 * itself. Among equal scores the lower class comes first; a row with a NaN counts as a miss. torchmetrics:
 * `MulticlassAccuracy(top_k, average)`, whose `average` is `macro` by default, here `micro`. As there, `macro` at
 * `topK: 1` leaves out a class only when it is neither label nor prediction anywhere: one that was predicted but never is
 * the label weighs in with 0. `details` gives every class's own share, NaN for a class that never is the label.
 *
 * @throws ProjError `invalid-option`; on update `invalid-shape`, `label-out-of-range`, `state-mismatch`.
 */
export function accuracy({
  topK = 1,
  average = 'micro',
  ignoreIndex,
}: AccuracyOptions = {}): DetailedMetric<AccuracyState, number[]> {
  const name = topK === 1 ? 'accuracy' : `top${topK}Accuracy`;
  if (!Number.isInteger(topK) || topK < 1) throw invalidOption('accuracy', 'topK', 'an integer >= 1', topK);
  if (average !== 'micro' && average !== 'macro') {
    throw invalidOption('accuracy', 'average', '"micro" or "macro"', average);
  }
  checkIgnoreIndex('accuracy', ignoreIndex);

  const merge = (a: AccuracyState, b: AccuracyState): AccuracyState => ({
    correct: addCounts(name, a.correct, b.correct),
    labelled: addCounts(name, a.labelled, b.labelled),
    predicted: addCounts(name, a.predicted, b.predicted),
  });

  return {
    name,
    init: () => ({ correct: [], labelled: [], predicted: [] }),
    merge,
    update(state, batch) {
      const dimensions = dimensionsOf(batch);
      const { numClasses } = dimensions;
      if (topK > numClasses) {
        throw invalidOption('accuracy', 'topK', `at most the number of classes, ${numClasses}`, topK);
      }
      const correct = zeros(numClasses);
      const labelled = zeros(numClasses);
      const predicted = zeros(numClasses);
      forEachRow(batch, dimensions, ignoreIndex, (row) => {
        labelled[row.label]!++;
        if (rankOf(batch.logits, row, numClasses) < topK) correct[row.label]!++;
        const top = argmax(batch.logits, row.offset, numClasses);
        if (top >= 0) predicted[top]!++;
      });
      return merge(state, { correct, labelled, predicted });
    },
    compute({ correct, labelled, predicted }) {
      if (average === 'micro') return sum(correct) / sum(labelled);
      const shares = correct.flatMap((count, c) => {
        if (labelled[c]! > 0) return [count / labelled[c]!];
        return topK === 1 && predicted[c]! > 0 ? [0] : [];
      });
      return sum(shares) / shares.length;
    },
    details: ({ correct, labelled }) => correct.map((count, c) => count / labelled[c]!),
  };
}
