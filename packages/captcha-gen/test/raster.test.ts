import { readFileSync } from 'node:fs';
import { inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { loadFont } from '../src/font.js';
import { inkBox, rasterise } from '../src/mask.js';
import { type OutlineCommand, polygonsOf } from '../src/outline.js';

const goldens = JSON.parse(readFileSync(new URL('./goldens/freetype.json', import.meta.url), 'utf8')) as {
  cases: { symbol: string; size: number; baseline: number; data: string }[];
};

/**
 * Where up to 16 pixels of a glyph differ more, by design: FreeType draws a curve with a bend of at most 1/4 pixel as one
 * line and tests its bend in whole 1/256 (Go's freetype always halves: a, g, 5 and &), and a stated point that lies in
 * the very middle between two control points is taken for one left out, so it is rounded twice (r, R).
 */
const exceptions = new Set(['a17', 'g17', '538', '&17', '&90', 'r38', 'R38']);

describe('rasterise', () => {
  it('gives exact areas of hand-made shapes', () => {
    // A rectangle from (0.5, 0.25) to (2, 1.5) on a grid of 1/4 pixel.
    const { data } = rasterise([[2, 1, 8, 1, 8, 6, 2, 6]], 3, 2, 4);
    expect([...data]).toEqual([96, 192, 0, 64, 128, 0]); // 256 times 3/8, 3/4, 0, 1/4, 1/2, 0
  });

  it('cuts a diagonal in halves', () => {
    const { data } = rasterise([[0, 0, 128, 128, 0, 128]], 2, 2, 64);
    expect([...data]).toEqual([128, 0, 255, 128]);
  });

  it('does not depend on the direction and leaves counters empty', () => {
    const outer = [0, 0, 256, 0, 256, 256, 0, 256];
    const hole = [64, 64, 64, 192, 192, 192, 192, 64];
    const reversed = (polygon: number[]) =>
      Array.from({ length: polygon.length / 2 }, (_, i) =>
        polygon.slice(polygon.length - 2 * i - 2, polygon.length - 2 * i),
      ).flat();
    const ring = rasterise([outer, hole], 4, 4, 64).data;
    expect([...ring]).toEqual([255, 255, 255, 255, 255, 0, 0, 255, 255, 0, 0, 255, 255, 255, 255, 255]);
    expect(rasterise([reversed(outer), reversed(hole)], 4, 4, 64).data).toEqual(ring);
    // Two contours that overlap in the same direction fill (non-zero winding).
    expect(rasterise([outer, outer], 4, 4, 64).data).toEqual(new Uint8Array(16).fill(255));
  });

  it('clips: what lies to the left counts as before, the rest is cut', () => {
    const { data } = rasterise([[-300, -300, 96, -300, 96, 900, -300, 900]], 3, 2, 64);
    expect([...data]).toEqual([255, 128, 0, 255, 128, 0]);
  });

  // FreeType rounds points with y upwards, so glyphs are drawn upside down here, on its grid of 1/256 pixel.
  it(`draws ${goldens.cases.length} glyphs within 2 levels of FreeType`, () => {
    const font = loadFont('DejaVuSans');
    for (const { symbol, size, baseline, data } of goldens.cases) {
      const expected = inflateSync(Buffer.from(data, 'base64'));
      const outline = font.outline(symbol).map(({ command, args }) => ({
        command,
        args: args.map((value, i) => (i % 2 === 0 ? value : -value)),
      }));
      const polygons = polygonsOf(outline, size / font.unitsPerEm, 0, size - baseline, 256);
      const turned = rasterise(polygons, size, size, 256).data;
      const differences = Array.from(turned, (level, i) =>
        Math.abs(level - expected[(size - 1 - Math.floor(i / size)) * size + (i % size)]!),
      );
      const off = differences.filter((difference) => difference > 2).length;
      const few = exceptions.has(`${symbol}${size}`) ? 16 : 0;
      expect(off, `pixels of ${symbol} at ${size} px that differ by more than 2 levels`).toBeLessThanOrEqual(few);
      expect(Math.max(...differences)).toBeLessThanOrEqual(few > 0 ? 16 : 2);
    }
  });
});

describe('polygonsOf', () => {
  const square: OutlineCommand[] = [
    { command: 'moveTo', args: [0, 0] },
    { command: 'lineTo', args: [3, 0] },
    { command: 'lineTo', args: [3, 1] },
    { command: 'closePath', args: [] },
  ];

  it('turns y over, moves the origin and rounds to 1/64 pixel, halves away from zero', () => {
    expect(polygonsOf(square, 1, 2, 5, 64)).toEqual([[128, 320, 320, 320, 320, 256]]);
    expect(polygonsOf(square, 0.5 / 64, 0, 0, 64)).toEqual([[0, 0, 2, 0, 2, -1]]); // 1.5 -> 2, 0.5 -> 1, then turned
  });

  it('halves a curve once more for each factor of 4 in its bend', () => {
    const curve = (height: number): OutlineCommand[] => [
      { command: 'moveTo', args: [0, 0] },
      { command: 'quadraticCurveTo', args: [2, height, 4, 0] },
    ];
    const steps = (height: number) => (polygonsOf(curve(height), 1, 0, 0, 64)[0]!.length - 2) / 2;
    // The second difference is 2 * height; below 1 pixel 2 steps do, below 4 pixels 4 steps, below 16 pixels 8.
    expect([0.49, 1.9, 7.9, 8].map(steps)).toEqual([2, 4, 8, 16]);
    const [polygon] = polygonsOf(curve(1), 1, 0, 0, 64);
    expect(polygon!.slice(4, 6)).toEqual([128, -32]); // half way: the parabola's top at half the control point's height
  });

  it('meets a cubic curve at its quarters', () => {
    const cubic: OutlineCommand[] = [
      { command: 'moveTo', args: [0, 0] },
      { command: 'bezierCurveTo', args: [0, 8, 8, 8, 8, 0] },
    ];
    const [polygon] = polygonsOf(cubic, 1, 0, 0, 64);
    const points = Array.from({ length: polygon!.length / 2 }, (_, i) => [
      polygon![2 * i]! / 64,
      -polygon![2 * i + 1]! / 64,
    ]);
    const quarter = points[(points.length - 1) / 4]!;
    expect(quarter[0]).toBeCloseTo(8 * (3 * 0.75 * 0.0625 + 0.015625), 1); // Bernstein weights at t = 1/4
    expect(quarter[1]).toBeCloseTo(8 * 3 * 0.25 * 0.75, 1);
    expect(points.at(-1)).toEqual([8, -0]);
  });
});

describe('inkBox', () => {
  it('finds the extent of what is not 0', () => {
    expect(inkBox(Uint8Array.of(0, 0, 0, 0, 0, 1, 0, 0, 0, 9, 0, 0), 4, 3)).toEqual({
      x: 1,
      y: 1,
      width: 1,
      height: 2,
    });
    expect(inkBox(new Uint8Array(4), 2, 2)).toEqual({ x: 0, y: 0, width: 0, height: 0 });
  });
});
