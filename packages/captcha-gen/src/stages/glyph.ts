import { type Font, missingGlyph } from '../font.js';
import { type Mask, rasterise } from '../mask.js';
import { polygonsOf } from '../outline.js';

/** Steps a pixel on which Go's freetype computes; FreeType itself has 256. */
const GRID = 64;

/**
 * One symbol in a transparent square of `size` pixels: `size` pixels an em, antialiased, unhinted, at the left edge,
 * baseline at `baseline` pixels from the top, clipped to the square.
 *
 * A symbol that would begin left of the edge (J, j, T, Y) is moved right by whole pixels until it does not, and the
 * columns that this moves past its own right end are cut off: so Go's freetype draws it.
 *
 * @throws ProjError `missing-glyph` when the font does not have the symbol or shows nothing for it.
 */
export function drawGlyph(font: Font, symbol: string, size: number, baseline: number): Mask {
  const outline = font.outline(symbol);
  const polygons = polygonsOf(outline, size / font.unitsPerEm, 0, baseline, GRID);
  const xs = polygons.flatMap((polygon) => polygon.filter((_, i) => i % 2 === 0));
  const shift = Math.max(0, -Math.floor(Math.min(...xs) / GRID));
  const end = Math.ceil(Math.max(...xs) / GRID);
  const moved = shift === 0 ? polygons : polygonsOf(outline, size / font.unitsPerEm, shift, baseline, GRID);
  const mask = rasterise(moved, size, size, GRID);
  if (shift > 0) for (let y = 0; y < size; y++) mask.data.fill(0, y * size + Math.min(end, size), (y + 1) * size);
  if (!mask.data.some((level) => level > 0)) throw missingGlyph(symbol, font.name, 'draws nothing for');
  return mask;
}
