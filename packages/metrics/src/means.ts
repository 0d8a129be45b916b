import { ProjError } from '@proj/core';
import type { IgnoreOptions, Metric } from './metric.js';
import { checkIgnoreIndex, dimensionsOf, forEachRow, invalidOption } from './rows.js';

export interface MeanState {
  /** Sum of weight times value over the finite values. */
  readonly sum: number;
  readonly weight: number;
  /** Values that were NaN or infinite; kept apart because JSON has no such numbers. */
  readonly notFinite: number;
}

/** One value, e.g. the loss of a batch with the batch's size as its weight. */
export interface WeightedValue {
  readonly value: number;
  /** >= 0, default 1. */
  readonly weight?: number | undefined;
}

const noValues: MeanState = { sum: 0, weight: 0, notFinite: 0 };

function mergeMeans(a: MeanState, b: MeanState): MeanState {
  return { sum: a.sum + b.sum, weight: a.weight + b.weight, notFinite: a.notFinite + b.notFinite };
}

function meanOf({ sum, weight, notFinite }: MeanState): number {
  return notFinite > 0 ? Number.NaN : sum / weight;
}

/**
 * The weighted mean of values one at a time, such as the losses a training step gives. One NaN or infinite value makes
 * the mean NaN: a loss that broke must show. torchmetrics: `MeanMetric`, which drops NaN. Merging is exact but for the
 * rounding of a sum of doubles.
 *
 * @param name for logs, default `mean`.
 * @throws ProjError on update `invalid-weight` for a weight that is negative or not finite.
 */
export function mean(name = 'mean'): Metric<MeanState, WeightedValue> {
  return {
    name,
    init: () => noValues,
    merge: mergeMeans,
    update(state, { value, weight = 1 }) {
      if (!Number.isFinite(weight) || weight < 0) {
        throw new ProjError(`${name}: invalid weight`, {
          code: 'invalid-weight',
          expected: 'a finite weight >= 0',
          received: String(weight),
        });
      }
      const product = weight * value;
      return Number.isFinite(product)
        ? { ...state, sum: state.sum + product, weight: state.weight + weight }
        : { ...state, notFinite: state.notFinite + 1 };
    },
    compute: meanOf,
  };
}

export interface MeanLossOptions extends IgnoreOptions {
  /** `place`: mean over all places. `example`: sum over a picture's positions, mean over the pictures. Default `place`. */
  readonly per?: 'place' | 'example' | undefined;
}

/**
 * The mean softmax cross-entropy of logits: at each place `log(sum_c exp(logit_c)) - logit_label`, computed in double
 * precision. A row whose loss is NaN or infinite makes the mean NaN. With `per: 'example'` a picture with all positions
 * ignored is not counted. torch: `cross_entropy(..., ignore_index)` with `reduction='mean'` for `place`. Takes logits, not
 * probabilities.
 *
 * @throws ProjError `invalid-option`; on update `invalid-shape`, `label-out-of-range`.
 */
export function meanLoss({ per = 'place', ignoreIndex }: MeanLossOptions = {}): Metric<MeanState> {
  checkIgnoreIndex('meanLoss', ignoreIndex);
  if (per !== 'place' && per !== 'example') throw invalidOption('meanLoss', 'per', '"place" or "example"', per);
  return {
    name: 'loss',
    init: () => noValues,
    merge: mergeMeans,
    update(state, batch) {
      const dimensions = dimensionsOf(batch);
      let { sum, weight, notFinite } = state;
      let lastExample = -1;
      forEachRow(batch, dimensions, ignoreIndex, ({ example, label, offset }) => {
        if (per === 'place' || example !== lastExample) weight++;
        lastExample = example;
        const loss = crossEntropy(batch.logits, offset, dimensions.numClasses, label);
        if (Number.isFinite(loss)) sum += loss;
        else notFinite++;
      });
      return { sum, weight, notFinite };
    },
    compute: meanOf,
  };
}

function crossEntropy(logits: Float32Array, offset: number, numClasses: number, label: number): number {
  let max = Number.NEGATIVE_INFINITY;
  for (let c = 0; c < numClasses; c++) max = Math.max(max, logits[offset + c]!);
  let total = 0;
  for (let c = 0; c < numClasses; c++) total += Math.exp(logits[offset + c]! - max);
  return max + Math.log(total) - logits[offset + label]!;
}
