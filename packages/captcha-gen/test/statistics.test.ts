import { beforeAll, describe, expect, it } from 'vitest';
import { afocus } from '../src/index.js';
import {
  coverageOf,
  type Figures,
  figuresOf,
  meanOf,
  momentsOf,
  type Pixels,
  readReal,
  realMissing,
} from './measures.js';

const COUNT = 3000;
const style = afocus();
const ours: Pixels[] = [];
const labels: string[] = [];
let figures: Figures[] = [];

beforeAll(() => {
  for (let i = 0; i < COUNT; i++) {
    const pixels = new Uint8Array(128 * 64 * 3);
    labels.push(style.generateInto(7, i, pixels, 0));
    ours.push(pixels);
  }
  figures = ours.map(figuresOf);
}, 180_000);

describe('3,000 afocus pictures against 3,000 of the real generator', () => {
  // Mean and deviation over pictures as published for the real generator, to 4 decimals.
  const published = {
    white: [0.081, 0.0091],
    background: [0.7551, 0.0248],
    coverage: [0.1595, 0.0154],
  } as const;

  it.each(Object.entries(published))('agree in the share of %s', (name, [mean, deviation]) => {
    const moments = momentsOf(figures.map((figure) => figure[name as keyof typeof published]));
    // Both sides are samples of 3,000, so the difference has sqrt(2) of one's standard error; 4 of these, and rounding.
    const tolerance = (error: number) => 4 * Math.SQRT2 * error + 0.00005;
    expect(Math.abs(moments.mean - mean)).toBeLessThan(tolerance(moments.meanError));
    expect(Math.abs(moments.deviation - deviation)).toBeLessThan(tolerance(moments.deviationError));
  });
});

describe.skipIf(realMissing)('afocus pictures against the real ones at hand', () => {
  let real: { label: string; pixels: Pixels }[];
  beforeAll(async () => {
    real = await readReal();
  }, 180_000);

  it('agree in shares of white, background and in coverage', () => {
    for (const name of ['white', 'background', 'coverage'] as const) {
      const a = momentsOf(figures.map((figure) => figure[name]));
      const b = momentsOf(real.map(({ pixels }) => figuresOf(pixels)[name]));
      expect(Math.abs(a.mean - b.mean), name).toBeLessThan(4 * Math.hypot(a.meanError, b.meanError));
      expect(Math.abs(a.deviation - b.deviation), name).toBeLessThan(
        4 * Math.hypot(a.deviationError, b.deviationError),
      );
    }
  });

  it('agree pixel by pixel in the average picture', () => {
    const a = momentsByPixel(ours);
    const b = momentsByPixel(real.map(({ pixels }) => pixels));
    const squares = a.map(({ mean, variance }, i) => {
      const other = b[i]!;
      return (mean - other.mean) ** 2 / (variance / ours.length + other.variance / real.length);
    });
    // Each is the square of a standard normal number if the generators are the same, so 1 on average; neighbouring pixels
    // go together, which leaves the average uncertain by about 0.1. Where fewer than 5% of pictures are marked, 500 are
    // too few for the normal distribution to hold, and the largest is not looked at.
    const marked = squares.filter((_, i) => a[i]!.mean > 0.05 && b[i]!.mean > 0.05);
    expect(marked.length).toBeGreaterThan(3500);
    expect(meanOf(squares)).toBeLessThan(1.3);
    expect(meanOf(marked)).toBeLessThan(1.3);
    expect(Math.sqrt(Math.max(...marked))).toBeLessThan(5);
  });

  it('use backgrounds and characters equally often', () => {
    const digitShare = (texts: readonly string[]) =>
      meanOf(texts.flatMap((text) => [...text].map((c) => (/\d/.test(c) ? 1 : 0))));
    expect(Math.abs(digitShare(real.map(({ label }) => label)) - digitShare(labels))).toBeLessThan(
      4 * Math.sqrt(2 / 9 / (4 * real.length)),
    );
  });
});

function momentsByPixel(pictures: readonly Pixels[]): { mean: number; variance: number }[] {
  const sums = new Float64Array(128 * 64);
  const squares = new Float64Array(128 * 64);
  for (const pixels of pictures) {
    const coverage = coverageOf(pixels);
    for (let i = 0; i < coverage.length; i++) {
      sums[i] = sums[i]! + coverage[i]!;
      squares[i] = squares[i]! + coverage[i]! ** 2;
    }
  }
  return Array.from(sums, (sum, i) => {
    const mean = sum / pictures.length;
    return { mean, variance: squares[i]! / pictures.length - mean ** 2 };
  });
}
