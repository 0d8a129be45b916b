import { ProjError } from '@proj/core';
import type { LogitsBatch } from './metric.js';

/** One place with a label that counts. */
export interface Row {
  /** Picture in the batch. */
  readonly example: number;
  /** Position in the picture, 0 for logits `[B, C]`. */
  readonly position: number;
  readonly label: number;
  /** Where the row's logits begin; they are `numClasses` long. */
  readonly offset: number;
}

export interface Dimensions {
  readonly batchSize: number;
  /** L of `[B, L, C]`, 1 of `[B, C]`. */
  readonly positions: number;
  readonly numClasses: number;
}

/**
 * The sizes of a batch, checked.
 * @throws ProjError `invalid-shape` when the shape is not `[B, L, C]` or `[B, C]` or does not fit the data.
 */
export function dimensionsOf({ logits, shape, labels }: LogitsBatch): Dimensions {
  const dimensions = dimensionsOfLogits(logits, shape);
  const places = dimensions.batchSize * dimensions.positions;
  if (labels.length !== places) {
    throw shapeError(`${places} labels, one for each row of logits [${shape.join(', ')}]`, `${labels.length}`);
  }
  return dimensions;
}

function dimensionsOfLogits(logits: Float32Array, shape: readonly number[]): Dimensions {
  const isValid = shape.length >= 2 && shape.length <= 3 && shape.every((size) => Number.isInteger(size) && size >= 0);
  const batchSize = shape[0] ?? 0;
  const positions = shape.length === 3 ? (shape[1] ?? 0) : 1;
  const numClasses = shape.at(-1) ?? 0;
  if (!isValid || numClasses < 1) {
    throw shapeError('the shape of the logits as [B, L, C] or [B, C] with at least one class', `[${shape.join(', ')}]`);
  }
  const length = batchSize * positions * numClasses;
  if (logits.length !== length) {
    throw shapeError(`${length} logits for the shape [${shape.join(', ')}]`, `${logits.length}`);
  }
  return { batchSize, positions, numClasses };
}

/**
 * Calls `visit` for every place that counts, in order.
 * @throws ProjError `label-out-of-range` for a label that is neither a class nor `ignoreIndex`.
 */
export function forEachRow(
  batch: LogitsBatch,
  { batchSize, positions, numClasses }: Dimensions,
  ignoreIndex: number | undefined,
  visit: (row: Row) => void,
): void {
  for (let example = 0, place = 0; example < batchSize; example++) {
    for (let position = 0; position < positions; position++, place++) {
      const label = batch.labels[place]!;
      if (label === ignoreIndex) continue;
      if (label < 0 || label >= numClasses) {
        throw new ProjError(`Label ${label} of example ${example}, position ${position} is no class`, {
          code: 'label-out-of-range',
          expected: `a label in 0..${numClasses - 1}${ignoreIndex === undefined ? '' : ` or ignoreIndex (${ignoreIndex})`}`,
          received: String(label),
          fix: 'Check that labels and model use the same classes; give padding its label as ignoreIndex',
        });
      }
      visit({ example, position, label, offset: place * numClasses });
    }
  }
}

/** The class with the highest score, the first of equals; -1 where a score is NaN, which predicts nothing. */
export function argmax(logits: Float32Array, offset: number, numClasses: number): number {
  let best = 0;
  for (let c = 0; c < numClasses; c++) {
    const score = logits[offset + c]!;
    if (Number.isNaN(score)) return -1;
    if (score > logits[offset + best]!) best = c;
  }
  return best;
}

/** How many classes come before the label: higher scores, and equal ones of a lower index; all of them where a score is NaN. */
export function rankOf(logits: Float32Array, { offset, label }: Row, numClasses: number): number {
  const own = logits[offset + label]!;
  let rank = 0;
  for (let c = 0; c < numClasses; c++) {
    const score = logits[offset + c]!;
    if (Number.isNaN(score)) return numClasses;
    if (score > own || (score === own && c < label)) rank++;
  }
  return rank;
}

/**
 * The predicted class of every row of logits `[B, L, C]` or `[B, C]`: the highest score, the first of equals, -1 where a
 * score is NaN.
 *
 * @returns `[B, L]` or `[B]`, row-major.
 * @throws ProjError `invalid-shape`
 */
export function predictedClasses(logits: Float32Array, shape: readonly number[]): Int32Array {
  const { batchSize, positions, numClasses } = dimensionsOfLogits(logits, shape);
  const predicted = new Int32Array(batchSize * positions); // [B, L]
  return predicted.map((_, row) => argmax(logits, row * numClasses, numClasses));
}

/** @throws ProjError `invalid-option` unless `ignoreIndex` is left out or an integer. */
export function checkIgnoreIndex(metric: string, ignoreIndex: number | undefined): void {
  if (ignoreIndex !== undefined && !Number.isInteger(ignoreIndex)) {
    throw invalidOption(metric, 'ignoreIndex', 'an integer', ignoreIndex);
  }
}

export function invalidOption(metric: string, name: string, expected: string, received: unknown): ProjError {
  return new ProjError(`${metric}: invalid option ${name}`, {
    code: 'invalid-option',
    expected: `${name} to be ${expected}`,
    received: String(received),
  });
}

function shapeError(expected: string, received: string): ProjError {
  return new ProjError('Logits and labels do not fit together', { code: 'invalid-shape', expected, received });
}
