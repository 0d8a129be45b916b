import type { Font } from './font.js';
import type { Mask } from './mask.js';
import { drawGlyph } from './stages/glyph.js';
import { type MaskRuns, maskRuns } from './stages/layer.js';
import { type RotatedMask, rotate } from './stages/rotate.js';

/** A symbol turned by some degrees, as a layer takes it. */
export interface TurnedGlyph extends Pick<RotatedMask, 'side' | 'left' | 'top'> {
  readonly runs: MaskRuns;
}

/** Glyphs of some fonts at one size, drawn once and kept. */
export interface GlyphCache {
  /** The symbol in font number `font`, turned by whole degrees, counter-clockwise positive. */
  rotated(font: number, symbol: string, degrees: number): TurnedGlyph;
}

/** Rotated glyphs are kept up to this size, then dropped and drawn anew: 62 characters at 40 angles and 38 px take 2 MB. */
const MAX_BYTES = 16 * 2 ** 20;

/**
 * Draws every symbol in every font, so that what a font lacks shows at once, and keeps rotations as they come up.
 * @throws ProjError `missing-glyph`.
 */
export function glyphCache(
  fonts: readonly Font[],
  symbols: readonly string[],
  size: number,
  baseline: number,
): GlyphCache {
  const upright = fonts.map(
    (font) => new Map<string, Mask>(symbols.map((symbol) => [symbol, drawGlyph(font, symbol, size, baseline)])),
  );
  const numbers = new Map(symbols.map((symbol, i) => [symbol, i]));
  const turned = new Map<number, TurnedGlyph>();
  let bytes = 0;
  return {
    rotated(font, symbol, degrees) {
      const angle = (degrees + 360) % 360;
      const key = (font * symbols.length + (numbers.get(symbol) as number)) * 360 + angle;
      let glyph = turned.get(key);
      if (glyph === undefined) {
        const { side, left, top, ...mask } = rotate(upright[font]?.get(symbol) as Mask, degrees);
        glyph = { runs: maskRuns(mask), side, left, top };
        bytes += glyph.runs.byteLength;
        if (bytes > MAX_BYTES) {
          turned.clear();
          bytes = glyph.runs.byteLength;
        }
        turned.set(key, glyph);
      }
      return glyph;
    },
  };
}
