import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Color } from '../src/color.js';
import type { Picture } from '../src/picture.js';
import { drawArc } from '../src/stages/arc.js';
import { pasteByLightness } from '../src/stages/paste.js';
import { warpQuad } from '../src/stages/quad.js';
import { resizeBicubic } from '../src/stages/resize.js';
import { divide255, premultiply, unpremultiply } from '../src/stages/rgba.js';
import { smooth } from '../src/stages/smooth.js';
import { drawSpeck } from '../src/stages/specks.js';
import { turn } from '../src/stages/turn.js';
import { largestDifference, type Packed, readGolden, unpack } from './packed.js';

const goldens = readGolden<{
  smooth: { source: Packed; result: Packed }[];
  resize: { channels: 3 | 4; source: Packed; result: Packed }[];
  turn: { degrees: number; source: Packed; result: Packed }[];
  quad: { corners: number[]; source: Packed; result: Packed }[];
  arc: { box: [number, number, number, number]; start: number; end: number; result: Packed }[];
  speck: { x: number; y: number; result: Packed }[];
  paste: { place: [number, number]; below: Packed; above: Packed; result: Packed }[];
}>('pillow.json');

const open = ({ width, height, data }: Packed) => ({ width, height, data: unpack(data) });
const pictureOf = (packed: Packed): Picture => ({ ...open(packed), offset: 0 });
const white: Color = [255, 255, 255, 255];

/** What a stage paints white on black, one value a pixel. */
function painted({ width, height }: Packed, paint: (picture: Picture) => void): Uint8Array {
  const picture = { data: new Uint8Array(width * height * 3), offset: 0, width, height };
  paint(picture);
  return Uint8Array.from({ length: width * height }, (_, i) => picture.data[3 * i]!);
}

describe('stages do what Pillow does, to the last bit:', () => {
  it.each(goldens.smooth)('smooth $source.width x $source.height', ({ source, result }) => {
    const picture = pictureOf(source);
    smooth(picture, new Uint8Array(6 * picture.width));
    expect(picture.data).toEqual(unpack(result.data));
  });

  it.each(goldens.resize)('resize $source.width x $source.height to $result.width x $result.height', (golden) => {
    const { channels, source, result } = golden;
    const resized = resizeBicubic(open(source), channels, result.width, result.height);
    expect([resized.width, resized.height]).toEqual([result.width, result.height]);
    expect(largestDifference(resized.data, unpack(result.data))).toBe(0);
  });

  it.each(goldens.turn)('turn by $degrees', ({ degrees, source, result }) => {
    const turned = turn(open(source), degrees);
    expect([turned.width, turned.height]).toEqual([result.width, result.height]);
    expect(largestDifference(turned.data, unpack(result.data))).toBe(0);
  });

  it.each(goldens.quad)('quad $corners', ({ corners, source, result }) => {
    const [northWest, southWest, southEast, northEast] = [0, 2, 4, 6].map(
      (i) => [corners[i]!, corners[i + 1]!] as const,
    );
    const warped = warpQuad(open(source), result.width, result.height, {
      northWest: northWest!,
      southWest: southWest!,
      southEast: southEast!,
      northEast: northEast!,
    });
    expect(largestDifference(warped.data, unpack(result.data))).toBe(0);
  });

  it.each(goldens.arc)('arc in $box from $start to $end', ({ box: [x0, y0, x1, y1], start, end, result }) => {
    const drawn = painted(result, (picture) =>
      drawArc(picture, { x: x0, y: y0, width: x1 - x0, height: y1 - y0, start, end, color: white }),
    );
    expect(drawn).toEqual(unpack(result.data));
  });

  it.each(goldens.speck)('speck at $x, $y', ({ x, y, result }) => {
    expect(painted(result, (picture) => drawSpeck(picture, x, y, white))).toEqual(unpack(result.data));
  });

  it.each(goldens.paste)('paste at $place', ({ place: [left, top], below, above, result }) => {
    const picture = pictureOf(below);
    const shares = Uint8Array.from({ length: 256 }, (_, level) => Math.min(255, Math.floor(level * 1.97)));
    pasteByLightness(picture, open(above), left, top, shares);
    expect(picture.data).toEqual(unpack(result.data));
  });
});

describe('opacity', () => {
  it('is multiplied in by rounding to the nearest', () => {
    for (let product = 0; product <= 255 * 255; product++) {
      if (divide255(product) !== Math.round(product / 255)) throw new Error(`wrong at ${product}`);
    }
  });

  it('comes out again but for what rounding loses', () => {
    const level = fc.integer({ min: 0, max: 255 });
    fc.assert(
      fc.property(level, level, level, fc.integer({ min: 1, max: 255 }), (r, g, b, a) => {
        const { data } = unpremultiply(premultiply({ data: Uint8Array.of(r, g, b, a), width: 1, height: 1 }));
        expect(data[3]).toBe(a);
        expect(largestDifference(data.subarray(0, 3), [r, g, b])).toBeLessThanOrEqual(128 / a + 1);
      }),
    );
  });
});

describe('resize', () => {
  it('keeps one colour what it is, at any size', () => {
    const side = fc.integer({ min: 1, max: 40 });
    fc.assert(
      fc.property(side, side, side, side, fc.integer({ min: 0, max: 255 }), (w, h, newW, newH, level) => {
        for (const channels of [3, 4] as const) {
          const source = { data: new Uint8Array(channels * w * h).fill(level), width: w, height: h };
          const { data } = resizeBicubic(source, channels, newW, newH);
          expect(data).toEqual(new Uint8Array(channels * newW * newH).fill(level));
        }
      }),
    );
  });
});
