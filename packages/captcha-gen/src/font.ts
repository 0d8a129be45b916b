import { ProjError } from '@proj/core';
import * as fontkit from 'fontkit';
import type { Outline } from './outline.js';

/** A TTF, OTF or TTC font: a path (where there is a file system) or the file's bytes. Of a collection the first font is taken. */
export type FontSource = string | Uint8Array;

/** What drawing needs of a font. */
export interface Font {
  /** PostScript name, e.g. `DejaVuSans`. */
  readonly name: string;
  /** Units of its outlines a side of the em square. */
  readonly unitsPerEm: number;
  /**
   * The outline of one symbol (one code point).
   * @throws ProjError `missing-glyph` when the font does not have it.
   */
  outline(symbol: string): Outline;
}

/** DejaVu Sans 2.37, which comes with the package. */
export const bundledFont = new URL('../fonts/DejaVuSans.ttf', import.meta.url);

const loaded = new Map<string, Font>();

/**
 * Loads a font. A font file is read and parsed once a thread.
 * @throws ProjError `invalid-font` when it cannot be read or is no font.
 */
export function loadFont(source: FontSource | URL): Font {
  if (source instanceof Uint8Array) return parseFont(source, 'the given bytes');
  const path = String(source);
  const font = loaded.get(path) ?? parseFont(readFile(source), path);
  loaded.set(path, font);
  return font;
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
    outline(symbol) {
      const codePoint = symbol.codePointAt(0) as number;
      if (!parsed.hasGlyphForCodePoint(codePoint)) throw missingGlyph(symbol, parsed.postscriptName, 'does not have');
      try {
        return parsed.glyphForCodePoint(codePoint).path.commands as Outline;
      } catch (cause) {
        throw invalidFont(origin, `a readable outline of ${JSON.stringify(symbol)}`, cause);
      }
    },
  };
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

function readFile(path: string | URL): Uint8Array {
  try {
    // Not a static import: this module also loads in browsers, where fonts come as bytes.
    return globalThis.process.getBuiltinModule('node:fs').readFileSync(path);
  } catch (cause) {
    throw invalidFont(String(path), 'a readable file, or its bytes where there is no file system', cause);
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
