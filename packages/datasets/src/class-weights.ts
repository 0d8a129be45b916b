import { ProjError } from '@proj/core';

type Labelled = { readonly label: string | number };

export interface ClassWeightOptions {
  /** Classes there are, with those that no sample has. */
  readonly numClasses: number;
  /**
   * `balanced` (default): `samples / (classes * count)`, scikit-learn's. A number in [0, 1): the beta of the effective
   * number of samples (Cui et al., CVPR 2019), `(1 - beta) / (1 - beta^count)`, scaled so that the weights have the mean
   * 1; 0 gives every class 1, towards 1 the proportions near those of `balanced`.
   */
  readonly scheme?: 'balanced' | number | undefined;
}

/**
 * Weights for the classes in a loss, `[numClasses]`: rare classes weigh more. A class without a sample weighs 0 and counts
 * neither among the classes nor in the mean.
 *
 * @throws ProjError `unknown-class` (a label that is no class index), `invalid-option`, `empty-source`.
 */
export function classWeights(samples: readonly Labelled[], options: ClassWeightOptions): Float32Array {
  const { numClasses, scheme = 'balanced' } = options;
  if (!Number.isSafeInteger(numClasses) || numClasses < 1) {
    throw invalidOption('`numClasses` to be a positive integer', numClasses);
  }
  if (scheme !== 'balanced' && !(typeof scheme === 'number' && scheme >= 0 && scheme < 1)) {
    throw invalidOption("`scheme` to be 'balanced' or a number in [0, 1)", scheme);
  }
  const counts = new Float64Array(numClasses);
  for (const { label } of samples) {
    if (typeof label !== 'number' || !(Number.isInteger(label) && label >= 0 && label < numClasses)) {
      throw new ProjError('Cannot weigh the classes', {
        code: 'unknown-class',
        expected: `labels 0..${numClasses - 1}`,
        received: JSON.stringify(label),
        fix: 'Weigh the samples of texts by `balancedWeights`',
      });
    }
    counts[label]!++;
  }
  if (samples.length === 0) throw new ProjError('Cannot weigh the classes of no samples', { code: 'empty-source' });
  const present = counts.filter((count) => count > 0).length;
  const weights = counts.map((count) => {
    if (count === 0) return 0;
    return scheme === 'balanced' ? samples.length / (present * count) : (1 - scheme) / (1 - scheme ** count);
  });
  const scale = scheme === 'balanced' ? 1 : present / weights.reduce((sum, weight) => sum + weight, 0);
  return Float32Array.from(weights, (weight) => weight * scale);
}

/**
 * A weight for each sample, for `loader({ weights })`: every label gets the same total, whatever the number of its
 * samples.
 */
export function balancedWeights(samples: readonly Labelled[]): Float64Array {
  const counts = new Map<string | number, number>();
  for (const { label } of samples) counts.set(label, (counts.get(label) ?? 0) + 1);
  return Float64Array.from(samples, ({ label }) => 1 / counts.get(label)!);
}

function invalidOption(expected: string, received: unknown): ProjError {
  return new ProjError('Cannot weigh the classes', { code: 'invalid-option', expected, received: String(received) });
}
