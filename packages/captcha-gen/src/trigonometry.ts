/*
 * Sine and cosine from additions, multiplications and divisions only, which IEEE 754 rounds the same everywhere.
 * `Math.sin` and `Math.cos` may differ in the last bit from one JavaScript engine to another.
 */

const HALF_PI = Math.PI / 2;

/** Sine of `x` radians, to about 1e-15 for |x| < 100. */
export function sin(x: number): number {
  return quarterTurns(x, 0);
}

/** Cosine of `x` radians, to about 1e-15 for |x| < 100. */
export function cos(x: number): number {
  return quarterTurns(x, 1);
}

function quarterTurns(x: number, shift: number): number {
  const turns = Math.round(x / HALF_PI);
  const rest = x - turns * HALF_PI; // within +-pi/4
  const quadrant = (turns + shift) & 3;
  const value = quadrant % 2 === 0 ? series(rest, rest, 1) : series(rest, 1, 0);
  return quadrant < 2 ? value : -value;
}

/** Taylor series by Horner's rule: terms alternate, each the one before times x^2 / ((n + 1)(n + 2)). */
function series(x: number, first: number, degree: number): number {
  let sum = 1;
  for (let n = degree + 18; n > degree; n -= 2) sum = 1 - (sum * x * x) / (n * (n - 1));
  return first * sum;
}
