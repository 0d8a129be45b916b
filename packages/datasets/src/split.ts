import { ProjError, Rng, type RngKey } from '@proj/core';

export interface SplitOptions<K extends string> {
  /** The share of each part by name, above 0; together they make 1. */
  readonly fractions: Readonly<Record<K, number>>;
  readonly seed: RngKey;
}

/**
 * Splits samples so that no label stands on both sides: samples with the same label go to the same part. Part sizes
 * come as near to the fractions as whole labels allow.
 *
 * The labels are put in an order drawn from the seed and each label's text alone, then cut by the fractions. So the
 * result does not depend on the order of `samples`, and adding pictures moves only labels close to a cut. Within a
 * part the samples keep the order they came in.
 *
 * @throws ProjError `invalid-fractions` unless every fraction is above 0 and their sum is 1; `empty-part` when there
 *   are too few different labels for every part to get one.
 */
export function splitByString<T extends { readonly label: string | number }, K extends string>(
  samples: readonly T[],
  { fractions, seed }: SplitOptions<K>,
): Record<K, T[]> {
  const parts = Object.entries<number>(fractions) as [K, number][];
  const total = parts.reduce((sum, [, fraction]) => sum + fraction, 0);
  if (parts.some(([, fraction]) => !(fraction > 0)) || !(Math.abs(total - 1) < 1e-6)) {
    throw new ProjError('Cannot split the samples', {
      code: 'invalid-fractions',
      expected: 'fractions above 0 that make 1 together',
      received: JSON.stringify(fractions),
    });
  }

  const counts = new Map<string, number>();
  for (const { label } of samples) counts.set(String(label), (counts.get(String(label)) ?? 0) + 1);
  const rng = new Rng(seed);
  const order = Array.from(counts, ([label, count]) => ({ label, count, key: rng.split('label', label).uniform() }));
  order.sort((a, b) => a.key - b.key || (a.label < b.label ? -1 : 1));

  const partOf = new Map<string, K>();
  let part = 0;
  let end = parts[0]?.[1] ?? 0;
  let before = 0;
  for (const { label, count } of order) {
    // A label belongs where its middle lies, so that rounding favours no part.
    const middle = (before + count / 2) / samples.length;
    while (middle > end && part < parts.length - 1) end += parts[++part]![1];
    partOf.set(label, parts[part]![0]);
    before += count;
  }

  const result = Object.fromEntries(parts.map(([name]) => [name, [] as T[]])) as Record<K, T[]>;
  for (const sample of samples) result[partOf.get(String(sample.label))!].push(sample);
  for (const [name] of parts) {
    if (result[name].length > 0) continue;
    throw new ProjError(`Cannot split the samples: nothing is left for '${name}'`, {
      code: 'empty-part',
      expected: 'at least one sample in each part',
      received: `${samples.length} samples with ${order.length} different labels for ${JSON.stringify(fractions)}`,
      fix: 'Use more samples or a larger fraction',
    });
  }
  return result;
}
