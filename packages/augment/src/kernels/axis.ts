/** For each position of a resized row or column the neighbours in the source of which it is made. */
export interface Axis {
  /** Where the neighbours of each position begin. */
  readonly first: Int32Array;
  /** How many they are; those that are one too many weigh nothing. */
  readonly taps: number;
  /** What each weighs: `[positions, taps]`. */
  readonly weights: Float64Array;
}

/**
 * From `from` values to `to`: weighed by a triangle or, for `area`, a box, as wide as the scale, at least a pixel; pixel
 * centres lie at +0.5 (Pillow's `Resample.c`).
 */
export function axisOf(from: number, to: number, area: boolean): Axis {
  const scale = from / to;
  const width = Math.max(scale, 1);
  const support = area ? width / 2 : width;
  const first = new Int32Array(to);
  const ends = new Int32Array(to);
  let taps = 1;
  for (let position = 0; position < to; position++) {
    const center = (position + 0.5) * scale;
    first[position] = Math.max(0, Math.trunc(center - support + 0.5));
    ends[position] = Math.min(from, Math.trunc(center + support + 0.5));
    taps = Math.max(taps, ends[position]! - first[position]!);
  }
  const weights = new Float64Array(to * taps);
  for (let position = 0; position < to; position++) {
    const center = (position + 0.5) * scale;
    const start = first[position]!;
    const end = ends[position]!;
    first[position] = Math.min(start, from - taps);
    const offset = position * taps - first[position]!;
    let total = 0;
    for (let i = start; i < end; i++) {
      const distance = (i - center + 0.5) * (1 / width);
      const weight = area ? Number(distance > -0.5 && distance <= 0.5) : Math.max(0, 1 - Math.abs(distance));
      weights[offset + i] = weight;
      total += weight;
    }
    for (let i = start; i < end; i++) weights[offset + i]! /= total;
  }
  return { first, taps, weights };
}
