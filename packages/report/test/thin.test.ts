import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Point, smooth, thin, thinKeepingPeaks } from '../src/thin.js';

const curves = fc
  .array(fc.float({ min: -1000, max: 1000, noNaN: true }), { minLength: 1, maxLength: 2000 })
  .map((ys): Point[] => ys.map((y, x) => ({ x, y })));

describe('smooth', () => {
  it('leaves a constant and few points as they are', () => {
    const flat = Array.from({ length: 300 }, (_, x) => ({ x, y: 7 }));
    for (const { y } of smooth(flat)) expect(y).toBeCloseTo(7, 10);
    const few = [3, 1, 4, 1, 5].map((y, x) => ({ x, y }));
    expect(smooth(few)).toEqual(few);
  });

  it('is the weighted mean its docstring says', () => {
    const points = Array.from({ length: 120 }, (_, x) => ({ x, y: Math.sin(x) + x / 50 }));
    const medians = points.map((_, i) => {
      const near = points.filter(({ x }) => Math.abs(x - i) <= 2).map(({ y }) => y);
      near.sort((a, b) => a - b);
      const half = near.length / 2;
      return near.length % 2 === 1 ? near[Math.floor(half)]! : (near[half - 1]! + near[half]!) / 2;
    });
    const decay = 0.5 ** (100 / 120);
    const expected = points.map((_, i) => {
      const weights = points.map((_, j) => decay ** Math.abs(i - j));
      const sum = weights.reduce((total, weight, j) => total + weight * medians[j]!, 0);
      return sum / weights.reduce((total, weight) => total + weight, 0);
    });
    for (const [i, { y }] of smooth(points).entries()) expect(y).toBeCloseTo(expected[i]!, 10);
  });

  it('commutes with reversing the curve, so it does not lag', () => {
    fc.assert(
      fc.property(curves, (points) => {
        const reversed = smooth([...points].reverse()).reverse();
        for (const [i, { y }] of smooth(points).entries()) expect(y).toBeCloseTo(reversed[i]!.y, 6);
      }),
    );
  });
});

describe('thinning', () => {
  it('takes points of the curve in order, the first and the last among them', () => {
    fc.assert(
      fc.property(curves, fc.integer({ min: 2, max: 400 }), (points, count) => {
        const thinned = thin(points, count);
        expect(thinned.length).toBe(Math.min(points.length, count));
        expect(thinned[0]).toBe(points[0]);
        expect(thinned.at(-1)).toBe(points.at(-1));
        for (let i = 1; i < thinned.length; i++) expect(thinned[i]!.x).toBeGreaterThan(thinned[i - 1]!.x);
      }),
    );
  });

  it('keeps the lowest and the highest value', () => {
    fc.assert(
      fc.property(curves, fc.integer({ min: 1, max: 400 }), (points, buckets) => {
        const thinned = thinKeepingPeaks(points, buckets);
        const ys = (list: readonly Point[]) => list.map(({ y }) => y);
        expect(thinned.length).toBeLessThanOrEqual(Math.max(2 * buckets, 1));
        expect(Math.max(...ys(thinned))).toBe(Math.max(...ys(points)));
        expect(Math.min(...ys(thinned))).toBe(Math.min(...ys(points)));
        for (let i = 1; i < thinned.length; i++) expect(thinned[i]!.x).toBeGreaterThan(thinned[i - 1]!.x);
      }),
    );
  });
});
