import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadFont } from '../src/font.js';
import { fill, type Picture, paint } from '../src/picture.js';
import { drawDot } from '../src/stages/dots.js';
import { drawGlyph } from '../src/stages/glyph.js';
import {
  clearLayer,
  composeOver,
  createLayer,
  drawMask,
  layerBox,
  maskRuns,
  widenColumn,
} from '../src/stages/layer.js';
import { drawLine } from '../src/stages/lines.js';
import { rotate } from '../src/stages/rotate.js';
import { applyWave, createWave } from '../src/stages/wave.js';
import { cos, sin } from '../src/trigonometry.js';

const ink = [1, 1, 1, 255] as const;

function blank(width: number, height: number): Picture {
  return { data: new Uint8Array(width * height * 3), offset: 0, width, height };
}

/** Rows of `#` where the picture is marked. */
function rowsOf({ data, width, height }: Picture): string[] {
  return Array.from({ length: height }, (_, y) =>
    Array.from({ length: width }, (_, x) => (data[(y * width + x) * 3] === 0 ? '.' : '#')).join(''),
  );
}

describe('background and pixels', () => {
  it('fills only its own part of a buffer', () => {
    const data = new Uint8Array(3 * 6);
    fill({ data, offset: 3, width: 2, height: 2 }, [1, 2, 3, 255]);
    expect([...data]).toEqual([0, 0, 0, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 0, 0, 0]);
    fill({ data, offset: 0, width: 3, height: 1 }, [7, 7, 7, 255]);
    expect([...data.subarray(0, 12)]).toEqual([7, 7, 7, 7, 7, 7, 7, 7, 7, 1, 2, 3]);
  });

  it('blends translucent colours and ignores what lies outside', () => {
    const picture = blank(2, 1);
    fill(picture, [100, 100, 0, 255]);
    paint(picture, 1, 0, [200, 0, 255, 51]); // a fifth
    for (const [x, y] of [
      [-1, 0],
      [2, 0],
      [0, 1],
      [0, -1],
    ] as const)
      paint(picture, x, y, ink);
    expect([...picture.data]).toEqual([100, 100, 0, 120, 80, 51]);
  });
});

describe('dots', () => {
  const dot = (radius: number, filled: boolean, x = 4, y = 4) => {
    const picture = blank(9, 9);
    drawDot(picture, { x, y, radius, filled, color: ink });
    return rowsOf(picture);
  };

  it('draws Bresenham circles, filled and as outlines', () => {
    const cross = ['...', '.#.', '###', '.#.', '...'].map((row) => `...${row}...`);
    const empty = '.........';
    expect(dot(1, true)).toEqual([empty, empty, ...cross, empty, empty]);
    expect(dot(1, false)[4]).toBe('...#.#...');
    expect(dot(2, false)).toEqual([
      empty,
      empty,
      '...###...',
      '..#...#..',
      '..#...#..',
      '..#...#..',
      '...###...',
      empty,
      empty,
    ]);
    expect(dot(3, true)).toEqual([
      empty,
      '...###...',
      '..#####..',
      '.#######.',
      '.#######.',
      '.#######.',
      '..#####..',
      '...###...',
      empty,
    ]);
  });

  it('clips, and paints each pixel once', () => {
    expect(dot(3, true, 0, 0)[0]).toBe('####.....');
    const picture = blank(9, 9);
    drawDot(picture, { x: 4, y: 4, radius: 3, filled: true, color: [255, 255, 255, 51] });
    expect(new Set(picture.data)).toEqual(new Set([0, 51]));
  });
});

describe('lines', () => {
  const line = (x: number, y: number, width: number, height: number) => {
    const picture = blank(8, 4);
    drawLine(picture, { x, y, width, height, color: ink });
    return rowsOf(picture);
  };

  it('leaves the end pixel out', () => {
    expect(line(1, 1, 4, 0)).toEqual(['........', '.####...', '........', '........']);
    expect(line(5, 1, -4, 0)).toEqual(['........', '..####..', '........', '........']);
    expect(line(2, 0, 0, 3)).toEqual(['..#.....', '..#.....', '..#.....', '........']);
    expect(line(2, 2, 0, 0)).toEqual(['........', '........', '........', '........']);
  });

  it('steps aside where the error says so', () => {
    // 6 wide, 2 high: the error runs -2, 2 (step), -6, -2, 2 (step), -6.
    expect(line(0, 0, 6, 2)).toEqual(['#.......', '.###....', '....##..', '........']);
    expect(line(7, 3, -6, -2)).toEqual(['........', '..##....', '....###.', '.......#']);
    // Steeper than 45 degrees both axes change places; from half the slope on the first pixel already steps.
    expect(line(0, 0, 1, 3)).toEqual(['#.......', '.#......', '.#......', '........']);
    expect(line(0, 0, 3, 2)).toEqual(['........', '##......', '..#.....', '........']);
  });

  it('clips', () => {
    expect(line(6, 0, 30, 0)[0]).toBe('......##');
    expect(line(-3, 3, 5, 0)[3]).toBe('##......');
  });
});

describe('glyph square', () => {
  const font = loadFont('DejaVuSans');

  it('stands on the baseline and is clipped to the square', () => {
    const { data } = drawGlyph(font, 'H', 38, 32);
    const marked = (x: number, y: number) => data[y * 38 + x]! > 0;
    const rows = Array.from({ length: 38 }, (_, y) =>
      Array.from({ length: 38 }, (_, x) => x).some((x) => marked(x, y)),
    );
    // 1493 of 2048 units high: 27.7 pixels above the baseline at 32.
    expect(rows.indexOf(true)).toBe(4);
    expect(rows.lastIndexOf(true)).toBe(31);
    const g = drawGlyph(font, 'g', 38, 32).data;
    expect(g.subarray(37 * 38).some((level) => level > 0)).toBe(true); // its tail is cut by the lower edge
  });

  it('moves what would begin left of the edge by whole pixels', () => {
    // J begins 106 of 2048 units, 1.97 pixels, left of its origin: moved by 2, its first pixel column covers little.
    const { data } = drawGlyph(font, 'J', 38, 32);
    const columns = Array.from({ length: 38 }, (_, x) =>
      Math.max(...Array.from({ length: 38 }, (_, y) => data[y * 38 + x]!)),
    );
    expect(columns[0]).toBeGreaterThan(0);
    // Its right edge, 401 units = 7.44 pixels, would now reach to column 9; columns from 8 on are cut.
    expect(columns.slice(8).every((level) => level === 0)).toBe(true);
    expect(columns[7]).toBeGreaterThan(200);
  });
});

describe('rotate', () => {
  const mask = (size: number, marks: [number, number][]) => {
    const data = new Uint8Array(size * size);
    for (const [x, y] of marks) data[y * size + x] = 240;
    return { data, width: size, height: size };
  };

  it('makes squares of side floor(38 (|cos| + |sin|) + 0.5)', () => {
    const filled = { data: new Uint8Array(38 * 38).fill(255), width: 38, height: 38 };
    const sides = [-20, -10, 0, 1, 10, 19].map((degrees) => rotate(filled, degrees).side);
    const formula = (degrees: number) => {
      const angle = (degrees * Math.PI) / 180;
      return Math.floor(38 * (Math.abs(Math.cos(angle)) + Math.abs(Math.sin(angle))) + 0.5);
    };
    expect(sides).toEqual([-20, -10, 0, 1, 10, 19].map(formula));
    expect(sides).toEqual([49, 44, 38, 39, 44, 48]);
  });

  it('shifts by a quarter pixel even at 0 degrees, since n is not floored', () => {
    // Output x shows x - (s + 0.5)/2 + s/2 = x - 0.25: three quarters from the pixel before, one quarter from its own.
    const { data, left, top, width, height } = rotate(mask(4, [[1, 1]]), 0);
    expect({ left, top, width, height }).toEqual({ left: 1, top: 1, width: 2, height: 2 });
    expect([...data]).toEqual([15, 45, 45, 135]); // 240 times 1/16, 3/16, 3/16, 9/16
  });

  it('turns counter-clockwise for positive angles', () => {
    const right = mask(21, [[20, 10]]); // a mark in the middle of the right edge
    const up = rotate(right, 20);
    const down = rotate(right, -20);
    expect(up.top + up.height / 2).toBeLessThan(up.side / 2 - 2);
    expect(down.top + down.height / 2).toBeGreaterThan(down.side / 2 + 2);
    expect(up.left).toBeGreaterThan(up.side / 2);
  });
});

describe('layer', () => {
  const level = (value: number) => maskRuns({ data: Uint8Array.of(value), width: 1, height: 1 });

  it('composes source-over in 16 bits, cut to 8', () => {
    const layer = createLayer(2, 1);
    drawMask(layer, level(100), 0, 0, [255, 255, 255, 255]);
    const picture = blank(2, 1);
    fill(picture, [128, 0, 255, 255]);
    composeOver(picture, layer);
    // 128 * 257 * 155 / 255 + 100 * 257 = 45695.75, of which the high byte is 178.
    expect([...picture.data]).toEqual([178, 100, 255, 128, 0, 255]);
  });

  it('puts later glyphs over earlier ones', () => {
    const layer = createLayer(1, 1);
    drawMask(layer, level(255), 0, 0, [255, 0, 0, 255]);
    drawMask(layer, level(128), 0, 0, [0, 0, 255, 255]);
    const picture = blank(1, 1);
    composeOver(picture, layer);
    expect([...picture.data]).toEqual([127, 0, 128]);
  });

  it('honours opacity and clips on all sides', () => {
    const layer = createLayer(3, 2);
    const mask = maskRuns({ data: new Uint8Array(9).fill(255), width: 3, height: 3 });
    drawMask(layer, mask, -2, -2, [255, 255, 255, 51]);
    drawMask(layer, mask, 2, 1, [255, 255, 255, 51]);
    const picture = blank(3, 2);
    composeOver(picture, layer);
    const red = Array.from({ length: 6 }, (_, i) => picture.data[3 * i]);
    expect(red).toEqual([51, 0, 0, 0, 0, 51]);
    expect(layerBox(layer)).toEqual({ x: 0, y: 0, width: 3, height: 2 });
  });

  it('draws any mask wherever it lies as pixel by pixel, and knows its box', () => {
    const levels = fc.uint8Array({ minLength: 20, maxLength: 20 }).map((data) => data.map((v) => (v < 150 ? 0 : v)));
    const place = fc.integer({ min: -7, max: 9 });
    fc.assert(
      fc.property(levels, place, place, (data, left, top) => {
        const layer = createLayer(8, 6);
        drawMask(layer, maskRuns({ data, width: 4, height: 5 }), left, top, [0, 0, 0, 255]);
        const levelAt = (x: number, y: number) =>
          x >= left && x < left + 4 && y >= top && y < top + 5 ? data[(y - top) * 4 + x - left]! : 0;
        const opacities = Array.from({ length: 48 }, (_, i) => levelAt(Math.floor(i / 6), i % 6));
        expect([...layer.pixels].map((pixel) => pixel >>> 24)).toEqual(opacities);
        const marked = opacities.flatMap((opacity, i) => (opacity > 0 ? [[Math.floor(i / 6), i % 6] as const] : []));
        const { x, y, width, height } = layerBox(layer);
        expect(marked.every(([px, py]) => px >= x && px < x + width && py >= y && py < y + height)).toBe(true);
        expect(width * height > 0).toBe(marked.length > 0);
        clearLayer(layer);
        expect(layer).toEqual(createLayer(8, 6));
      }),
    );
  });
});

describe('wave', () => {
  it('takes its offsets from amplitude and k, cut towards zero', () => {
    const { byRow, byColumn } = createWave(128, 64, 3.8, (1.4 * Math.PI) / 200);
    expect(byRow[0]).toBe(0);
    expect(byRow[63]).toBe(Math.trunc(3.8 * Math.sin((1.4 * Math.PI * 63) / 200)));
    expect(byColumn[0]).toBe(3);
    expect(byColumn[127]).toBe(-3);
    expect(new Set(byColumn)).toEqual(new Set([3, 2, 1, 0, -1, -2, -3]));
  });

  /** A layer with some pixels marked. */
  function marked(width: number, height: number, pixels: readonly (readonly [x: number, y: number, pixel: number])[]) {
    const layer = createLayer(width, height);
    for (const [x, y, pixel] of pixels) {
      layer.pixels[x * height + y] = pixel;
      widenColumn(layer, x, y, y + 1);
    }
    return layer;
  }

  it('doubles strokes: copies where the source is marked, keeps what stood there', () => {
    const layer = marked(4, 4, [[2, 2, 7]]);
    applyWave(layer, { byRow: Int32Array.of(0, 1, 1, 1), byColumn: Int32Array.of(1, 1, 1, 1) });
    const where = [...layer.pixels].flatMap((pixel, i) => (pixel === 7 ? [[Math.floor(i / 4), i % 4]] : []));
    expect(where).toEqual([
      [1, 1], // from (2, 2)
      [2, 2],
    ]);
  });

  it('works in place: a column read upwards repeats itself downwards', () => {
    const layer = marked(1, 6, [[0, 1, 9]]);
    applyWave(layer, { byRow: new Int32Array(6), byColumn: Int32Array.of(-2) });
    expect([...layer.pixels]).toEqual([0, 9, 0, 9, 0, 9]);
  });

  it('takes nothing from beyond the edges', () => {
    const layer = marked(2, 1, [
      [0, 0, 3],
      [1, 0, 4],
    ]);
    applyWave(layer, { byRow: Int32Array.of(1), byColumn: Int32Array.of(0, 0) });
    expect([...layer.pixels]).toEqual([4, 4]);
    applyWave(layer, { byRow: Int32Array.of(-1), byColumn: Int32Array.of(0, 1) });
    expect([...layer.pixels]).toEqual([4, 4]);
  });

  it('does what its definition says, pixel after pixel', () => {
    const [width, height] = [9, 7];
    const offsets = (length: number) =>
      fc.array(fc.integer({ min: -4, max: 4 }), { minLength: length, maxLength: length });
    const pixels = fc.array(fc.tuple(fc.nat(width - 1), fc.nat(height - 1), fc.integer({ min: 1 })), { maxLength: 12 });
    fc.assert(
      fc.property(pixels, offsets(height), offsets(width), (given, byRow, byColumn) => {
        const layer = marked(width, height, given);
        const expected = layer.pixels.slice();
        for (let x = 0; x < width; x++) {
          for (let y = 0; y < height; y++) {
            const [fromX, fromY] = [x + byRow[y]!, y + byColumn[x]!];
            if (fromX < 0 || fromX >= width || fromY < 0 || fromY >= height) continue;
            const pixel = expected[fromX * height + fromY]!;
            if (pixel !== 0) expected[x * height + y] = pixel;
          }
        }
        applyWave(layer, { byRow: Int32Array.from(byRow), byColumn: Int32Array.from(byColumn) });
        expect([...layer.pixels]).toEqual([...expected]);
        const inSpans = [...layer.pixels].map((pixel, i) => {
          const [x, y] = [Math.floor(i / height), i % height];
          return pixel === 0 || (y >= layer.top[x]! && y < layer.bottom[x]!);
        });
        expect(inSpans).not.toContain(false);
      }),
      { numRuns: 300 },
    );
  });
});

describe('sine and cosine', () => {
  it('agree with Math to the last bits', () => {
    for (let x = -30; x < 30; x += 0.0137) {
      expect(Math.abs(sin(x) - Math.sin(x))).toBeLessThan(3e-15);
      expect(Math.abs(cos(x) - Math.cos(x))).toBeLessThan(3e-15);
    }
    expect([sin(0), cos(0)]).toEqual([0, 1]);
  });
});
