import { ProjError, type Rng } from '@proj/core';

/**
 * `weights.length` indices, drawn with replacement in proportion to their weights, in random order. Systematic
 * sampling (equal steps through the summed weights from a random start) over a random order: index `i` comes
 * `weights.length * weights[i] / total` times, rounded down or up, so a class of balanced weights has its share in every
 * epoch and not only on average, as with independent draws (PyTorch's `WeightedRandomSampler`).
 */
export function weightedOrder(weights: Float64Array, rng: Rng): Int32Array {
  const size = weights.length;
  const lots = rng.shuffle(Int32Array.from({ length: size }, (_, index) => index));
  const step = weights.reduce((sum, weight) => sum + weight, 0) / size;
  const drawn = new Int32Array(size);
  let next = rng.uniform() * step;
  let before = 0;
  let count = 0;
  for (const index of lots) {
    before += weights[index]!;
    for (; count < size && next < before; next += step) drawn[count++] = index;
  }
  // Rounding may leave the last step just beyond the sum.
  while (count < size) drawn[count++] = lots.findLast((index) => weights[index]! > 0)!;
  return rng.shuffle(drawn);
}

/** @throws ProjError `invalid-weights` unless there is one for each of `size` examples, none negative, not all 0. */
export function checkedWeights(weights: ArrayLike<number>, size: number): Float64Array {
  const copy = Float64Array.from(weights);
  const wrong = copy.findIndex((weight) => !(weight >= 0 && weight < Number.POSITIVE_INFINITY));
  if (copy.length === size && wrong < 0 && copy.some((weight) => weight > 0)) return copy;
  throw new ProjError('Cannot draw examples by their weights', {
    code: 'invalid-weights',
    expected: `a weight for each of ${size} examples, 0 or more and not all 0`,
    received:
      copy.length !== size
        ? `${copy.length} weights`
        : wrong < 0
          ? 'nothing but 0'
          : `${weights[wrong]} for example ${wrong}`,
    ...(size === Number.POSITIVE_INFINITY && {
      fix: 'An endless source draws by itself; give it a `size` to use weights',
    }),
  });
}
