import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rng } from '../src/index.js';

const golden: { state: [number, number, number, number]; values: number[] }[] = JSON.parse(
  readFileSync(new URL('goldens/sfc32.json', import.meta.url), 'utf8'),
);
const key = fc.oneof(
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.string({ unit: 'grapheme' }),
);
const draw = (rng: Rng, n: number) => Array.from({ length: n }, () => rng.uint32());

describe('Rng', () => {
  it('is sfc32', () => {
    for (const { state, values } of golden) {
      expect(draw(new Rng({ key: [0, 0, 0, 0], state }), values.length)).toEqual(values);
    }
  });

  it('gives the same stream for the same seed, another for another', () => {
    fc.assert(
      fc.property(key, key, (a, b) => {
        expect(draw(new Rng(a), 4)).toEqual(draw(new Rng(a), 4));
        if (!Object.is(a, b) && a !== b) expect(draw(new Rng(a), 4)).not.toEqual(draw(new Rng(b), 4));
      }),
    );
  });

  it('keeps a number apart from its text, and long keys apart', () => {
    const streams = [
      new Rng(1),
      new Rng('1'),
      new Rng(1).split(''),
      new Rng('x'.repeat(1000)),
      new Rng('x'.repeat(1001)),
    ];
    expect(new Set(streams.map((rng) => draw(rng, 2).join())).size).toBe(streams.length);
  });

  it('splits by identity, whatever was drawn before', () => {
    fc.assert(
      fc.property(key, fc.array(key, { minLength: 1, maxLength: 3 }), fc.nat(20), (seed, keys, drawn) => {
        const parent = new Rng(seed);
        const before = draw(parent.split(...keys), 4);
        draw(parent, drawn);
        expect(draw(parent.split(...keys), 4)).toEqual(before);
        expect(
          draw(
            keys.reduce((rng, k) => rng.split(k), new Rng(seed)),
            4,
          ),
        ).toEqual(before);
        expect(draw(parent, 4)).not.toEqual(before);
      }),
    );
  });

  it('goes on from its JSON, splits included', () => {
    const rng = new Rng('seed').split('epoch', 3);
    draw(rng, 7);
    const restored = new Rng(JSON.parse(JSON.stringify(rng)));
    expect(draw(restored.split('a'), 3)).toEqual(draw(rng.split('a'), 3));
    expect(draw(restored, 5)).toEqual(draw(rng, 5));
  });

  it('draws integers evenly: chi-square of 100,000 draws in 10 classes below the 99.9% point', () => {
    const counts = new Array<number>(10).fill(0);
    const rng = new Rng(5);
    for (let i = 0; i < 100_000; i++) counts[rng.int(10)]!++;
    const chiSquare = counts.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
    expect(chiSquare).toBeLessThan(27.88); // 9 degrees of freedom
  });

  it('has the mean and deviation of the uniform and the normal distribution', () => {
    const rng = new Rng(6);
    const n = 200_000;
    const moments = (values: number[]) => {
      const mean = values.reduce((a, b) => a + b, 0) / n;
      return { mean, deviation: Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / n) };
    };
    const uniform = moments(Array.from({ length: n }, () => rng.uniform(-1, 3)));
    expect(uniform.mean).toBeCloseTo(1, 1.9);
    expect(uniform.deviation).toBeCloseTo(4 / Math.sqrt(12), 1.9);
    const normal = moments(Array.from({ length: n }, () => rng.normal(2, 3)));
    expect(Math.abs(normal.mean - 2)).toBeLessThan((4 * 3) / Math.sqrt(n));
    expect(Math.abs(normal.deviation - 3)).toBeLessThan((4 * 3) / Math.sqrt(2 * n));
  });

  it('draws from the normal distribution, its tails included: chi-square below the 99.9% point', () => {
    // Edges between which the classes lie; the ziggurat's own tail begins at 3.44.
    const edges = Array.from({ length: 31 }, (_, i) => (i - 15) * 0.2).concat(3.442619855899, 3.8, 4.2);
    edges.unshift(-4.2, -3.8, -3.442619855899);
    const density = (x: number) => Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI);
    // Simpson's rule between two edges; beyond the outer ones up to 12.
    const mass = (from: number, to: number) => {
      const h = (to - from) / 200;
      let sum = density(from) - density(to);
      for (let i = 0; i < 100; i++) sum += 4 * density(from + (2 * i + 1) * h) + 2 * density(from + (2 * i + 2) * h);
      return (sum * h) / 3;
    };
    const shares = [-12, ...edges].map((from, i) => mass(from, edges[i] ?? 12));
    expect(shares.reduce((sum, share) => sum + share)).toBeCloseTo(1, 9);
    const n = 500_000;
    const counts = new Array<number>(shares.length).fill(0);
    const rng = new Rng(12);
    for (let i = 0; i < n; i++) {
      const x = rng.normal();
      let at = x < 0 ? 0 : 18;
      while (at < edges.length && edges[at]! <= x) at++;
      counts[at]!++;
    }
    const chiSquare = shares.reduce((sum, share, i) => sum + (counts[i]! - n * share) ** 2 / (n * share), 0);
    expect(shares).toHaveLength(38);
    expect(chiSquare).toBeLessThan(69.35); // 37 degrees of freedom
  });

  it('stays inside its range', () => {
    const rng = new Rng(7);
    for (let i = 0; i < 10_000; i++) {
      expect(rng.uniform()).toSatisfy((x: number) => x >= 0 && x < 1);
      expect(rng.int(3)).toSatisfy((x: number) => x >= 0 && x < 3);
    }
    expect(rng.int(1)).toBe(0);
  });

  it('shuffles to a permutation, each order equally likely', () => {
    const rng = new Rng(8);
    const counts = new Map<string, number>();
    for (let i = 0; i < 60_000; i++) {
      const order = rng.shuffle([0, 1, 2]).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
    expect(chiSquare).toBeLessThan(20.52); // 5 degrees of freedom, 99.9%
  });

  it('refuses what is no seed, no range and no state', () => {
    expect(() => new Rng(Number.NaN)).toThrow(/finite number, a text or a saved state/);
    expect(() => new Rng(1).int(0)).toThrow(/1\.\.2\^32/);
    expect(() => new Rng(1).pick([])).toThrow(/1\.\.2\^32/);
    expect(() => new Rng({ key: [1, 2, 3, 4], state: [1, 2, 3] as never })).toThrow(/four unsigned 32-bit words/);
  });
});
