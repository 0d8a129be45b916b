import type { Rng } from '@proj/core';

/** A number from the gamma distribution of this shape and scale 1 (Marsaglia and Tsang, 2000). */
export function gammaVariate(rng: Rng, shape: number): number {
  // Below 1 by the shape above it (their section 6).
  if (shape < 1) return gammaVariate(rng, shape + 1) * (1 - rng.uniform()) ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = rng.normal();
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - rng.uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}

/** A number of 0..1 from the beta distribution with both parameters `alpha`. */
export function betaVariate(rng: Rng, alpha: number): number {
  return dirichletVariate(rng, [alpha, alpha])[0]!;
}

/** Shares of 1 from the Dirichlet distribution. */
export function dirichletVariate(rng: Rng, alphas: readonly number[]): number[] {
  const parts = alphas.map((alpha) => gammaVariate(rng, alpha));
  const total = parts.reduce((sum, part) => sum + part, 0);
  // Of tiny alphas all may come out as 0; then one gets everything, which is what the distribution tends to.
  if (total > 0) return parts.map((part) => part / total);
  const winner = rng.int(alphas.length);
  return alphas.map((_, i) => (i === winner ? 1 : 0));
}
