import type { Color } from '../color.js';
import { type Font, missingGlyph } from '../font.js';
import { type Mask, rasterise } from '../mask.js';
import { type Outline, type Polygon, polygonsOf } from '../outline.js';
import { blend, type Picture } from '../picture.js';

/** Steps a pixel, as in FreeType. */
const GRID = 256;

/** A symbol's coverage, cut down to the pixels it touches. */
export interface Ink extends Mask {
  /** Where the first pixel lies from the point where the pen stands on the baseline. */
  readonly left: number;
  readonly top: number;
}

/** A linear map of the plane, y downwards: `(x, y)` goes to `(xx x + xy y, yx x + yy y)`. */
export interface LinearMap {
  readonly xx: number;
  readonly xy: number;
  readonly yx: number;
  readonly yy: number;
}

/**
 * One symbol at `size` pixels an em, antialiased, unhinted, mapped about the pen's place where a map is given.
 * @throws ProjError `missing-glyph` when the font does not have the symbol or shows nothing for it.
 */
export function drawInk(font: Font, symbol: string, size: number, map?: LinearMap): Ink {
  const outline = mapOutline(font.outline(symbol), map);
  const polygons = polygonsOf(outline, size / font.unitsPerEm, 0, 0, GRID);
  const bounds = boundsOf(polygons);
  const left = Math.floor(bounds.left / GRID);
  const top = Math.floor(bounds.top / GRID);
  const width = Math.ceil(bounds.right / GRID) - left;
  const height = Math.ceil(bounds.bottom / GRID) - top;
  if (!(width > 0 && height > 0)) throw missingGlyph(symbol, font.name, 'draws nothing for');
  const moved = polygons.map((polygon) => polygon.map((value, i) => value - (i % 2 === 0 ? left : top) * GRID));
  return { ...rasterise(moved, width, height, GRID), left, top };
}

/** Lays ink in one colour over a picture, its left top corner at `(left, top)`, clipped. */
export function paintInk(picture: Picture, mask: Mask, left: number, top: number, [r, g, b, opacity]: Color): void {
  const { data, offset, width, height } = picture;
  const firstX = Math.max(0, -left);
  const lastX = Math.min(mask.width, width - left);
  const lastY = Math.min(mask.height, height - top);
  for (let y = Math.max(0, -top); y < lastY; y++) {
    for (let x = firstX; x < lastX; x++) {
      const level = mask.data[y * mask.width + x]!;
      if (level === 0) continue;
      const share = opacity === 255 ? level : Math.floor((level * opacity + 127) / 255);
      const i = offset + ((top + y) * width + left + x) * 3;
      data[i] = blend(data[i]!, r, share);
      data[i + 1] = blend(data[i + 1]!, g, share);
      data[i + 2] = blend(data[i + 2]!, b, share);
    }
  }
}

/** Outlines have y upwards, so the map's mixed terms change sign. */
function mapOutline(outline: Outline, map: LinearMap | undefined): Outline {
  if (map === undefined) return outline;
  return outline.map(({ command, args }) => ({
    command,
    args: args.map((value, i) =>
      i % 2 === 0 ? map.xx * value - map.xy * args[i + 1]! : map.yy * value - map.yx * args[i - 1]!,
    ),
  }));
}

function boundsOf(polygons: readonly Polygon[]) {
  const bounds = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
  for (const polygon of polygons) {
    for (let i = 0; i < polygon.length; i += 2) {
      bounds.left = Math.min(bounds.left, polygon[i]!);
      bounds.right = Math.max(bounds.right, polygon[i]!);
      bounds.top = Math.min(bounds.top, polygon[i + 1]!);
      bounds.bottom = Math.max(bounds.bottom, polygon[i + 1]!);
    }
  }
  return bounds;
}
