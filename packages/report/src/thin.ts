/** A point of a curve. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Fewer points than this are shown as they are. */
export const smoothedFrom = 50;

/**
 * Smooths with a two-sided exponential kernel, so that the curve does not lag behind what it follows:
 * `sum_j d^|i-j| m_j / sum_j d^|i-j|`, where `m_j` is the median of `y_j` and its neighbours up to two places away (a
 * peak of a step or two does not bend the curve). The weight halves every hundredth part of the points; under {@link smoothedFrom} points nothing is smoothed.
 */
export function smooth(points: readonly Point[]): Point[] {
  if (points.length < smoothedFrom) return [...points];
  const decay = 0.5 ** (100 / points.length);
  const values = points.map((_, i) => median(points.slice(Math.max(0, i - 2), i + 3).map(({ y }) => y)));
  const sums = new Float64Array(points.length);
  const weights = new Float64Array(points.length);
  const pass = (order: Iterable<number>) => {
    let sum = 0;
    let weight = 0;
    for (const i of order) {
      sums[i]! += sum;
      weights[i]! += weight;
      sum = (sum + values[i]!) * decay;
      weight = (weight + 1) * decay;
    }
  };
  pass(points.keys());
  pass([...points.keys()].reverse());
  return points.map(({ x }, i) => ({ x, y: (sums[i]! + values[i]!) / (weights[i]! + 1) }));
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2;
}

/** At most `count` of the points, evenly spread, the first and the last among them. */
export function thin<T>(points: readonly T[], count: number): T[] {
  if (points.length <= count) return [...points];
  return Array.from({ length: count }, (_, i) => points[Math.round((i * (points.length - 1)) / (count - 1))]!);
}

/**
 * At most `2 * buckets` of the points: the lowest and the highest of each of `buckets` runs of points, in their order, so
 * that no peak is lost.
 */
export function thinKeepingPeaks(points: readonly Point[], buckets: number): Point[] {
  if (points.length <= 2 * buckets) return [...points];
  return Array.from({ length: buckets }, (_, bucket) => {
    const from = Math.floor((bucket * points.length) / buckets);
    const to = Math.floor(((bucket + 1) * points.length) / buckets);
    let low = from;
    let high = from;
    for (let i = from + 1; i < to; i++) {
      if (points[i]!.y < points[low]!.y) low = i;
      if (points[i]!.y > points[high]!.y) high = i;
    }
    return low === high ? [points[low]!] : [points[Math.min(low, high)]!, points[Math.max(low, high)]!];
  }).flat();
}
