import { ProjError } from '@proj/core';
import * as fontkit from 'fontkit';
import { type BundledFont, bundledFonts } from './bundled-fonts.js';
import type { Outline } from './outline.js';

/**
 * A TTF, OTF or TTC font: the name of one that comes with the package (see {@link bundledFonts}), a path (where there is a
 * file system) or the file's bytes. Of a collection the first font is taken.
 */
export type FontSource = string | Uint8Array;

/** What drawing needs of a font. */
export interface Font {
  /** PostScript name, e.g. `DejaVuSans`. */
  readonly name: string;
  /** Units of its outlines a side of the em square. */
  readonly unitsPerEm: number;
  /** From the baseline up to the top of a line, in units. */
  readonly ascent: number;
  /** How far the pen moves on after a symbol, in units. */
  advance(symbol: string): number;
  /**
   * The outline of one symbol (one code point).
   * @throws ProjError `missing-glyph` when the font does not have it.
   */
  outline(symbol: string): Outline;
}

const loaded = new Map<string, Font>();

/**
 * Loads a font. A font file is read and parsed once a thread.
 * @throws ProjError `invalid-font` when it cannot be read or is no font.
 */
export function loadFont(source: FontSource): Font {
  if (source instanceof Uint8Array) return parseFont(source, 'the given bytes');
  let font = loaded.get(source);
  if (font === undefined) {
    font = parseFont(readFile(source), source);
    loaded.set(source, font);
  }
  return font;
}

/**
 * Loads fonts, or those that a style has by default where none are named.
 * @throws ProjError `invalid-font`.
 */
export function loadFonts(sources: readonly FontSource[], defaults: readonly BundledFont[]): readonly Font[] {
  if (
    !Array.isArray(sources) ||
    !sources.every((source) => typeof source === 'string' || source instanceof Uint8Array)
  ) {
    throw new ProjError('Cannot use these fonts', {
      code: 'invalid-font',
      expected: 'a list of names, paths or bytes',
      received: JSON.stringify(sources) ?? String(sources),
    });
  }
  return (sources.length > 0 ? sources : defaults).map(loadFont);
}

function parseFont(bytes: Uint8Array, origin: string): Font {
  let parsed: fontkit.Font;
  try {
    const font = fontkit.create(bytes as Buffer);
    parsed = 'fonts' in font ? (font.fonts[0] as fontkit.Font) : font;
    if (!(parsed.unitsPerEm > 0)) throw new Error('it has no em square');
  } catch (cause) {
    throw invalidFont(origin, 'a TTF, OTF or TTC font', cause);
  }
  return {
    name: parsed.postscriptName,
    unitsPerEm: parsed.unitsPerEm,
    ascent: parsed.ascent,
    advance: (symbol) => readGlyph(symbol, (glyph) => glyph.advanceWidth),
    outline: (symbol) => readGlyph(symbol, (glyph) => glyph.path.commands as Outline),
  };

  function readGlyph<T>(symbol: string, read: (glyph: fontkit.Glyph) => T): T {
    const codePoint = symbol.codePointAt(0) as number;
    if (!parsed.hasGlyphForCodePoint(codePoint)) throw missingGlyph(symbol, parsed.postscriptName, 'does not have');
    try {
      return read(parsed.glyphForCodePoint(codePoint));
    } catch (cause) {
      throw invalidFont(origin, `a readable outline of ${JSON.stringify(symbol)}`, cause);
    }
  }
}

/** The error for a symbol that a font cannot show; a captcha never has an empty box in its place. */
export function missingGlyph(symbol: string, fontName: string, lack: string): ProjError {
  const name = JSON.stringify(symbol);
  return new ProjError(`Font ${fontName} ${lack} ${name}`, {
    code: 'missing-glyph',
    expected: 'every font to show every symbol of the charset',
    received: `${name} (U+${(symbol.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, '0')})`,
    fix: 'Take the symbol out of the charset or choose another font',
  });
}

function readFile(source: string): Uint8Array {
  try {
    const isBundled = (bundledFonts as readonly string[]).includes(source);
    // Not a static import: this module also loads in browsers, where fonts come as bytes.
    return globalThis.process
      .getBuiltinModule('node:fs')
      .readFileSync(isBundled ? new URL(`../fonts/${source}.ttf`, import.meta.url) : source);
  } catch (cause) {
    throw invalidFont(source, 'a readable file, or its bytes where there is no file system', cause);
  }
}

function invalidFont(origin: string, expected: string, cause: unknown): ProjError {
  return new ProjError(`Cannot use the font ${origin}`, {
    code: 'invalid-font',
    expected,
    received: cause instanceof Error ? cause.message : String(cause),
    cause,
  });
}
