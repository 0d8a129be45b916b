import { readdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { extname, join } from 'node:path';
import { isProjError } from '@proj/core';
import { bundledFonts } from './bundled-fonts.js';
import { loadFont } from './font.js';
import { drawInk } from './stages/ink.js';

/** A font that styles can use. */
export interface FoundFont {
  /** PostScript name. */
  readonly name: string;
  /** What to pass as a style's font: the name of one that comes with the package, or a path. */
  readonly source: string;
}

/** Where operating systems keep fonts. */
function systemFolders(): string[] {
  const home = homedir();
  switch (process.platform) {
    case 'darwin':
      return ['/System/Library/Fonts', '/Library/Fonts', join(home, 'Library/Fonts')];
    case 'win32':
      return [
        join(process.env.WINDIR ?? 'C:\\Windows', 'Fonts'),
        join(home, 'AppData\\Local\\Microsoft\\Windows\\Fonts'),
      ];
    default:
      return [
        '/usr/share/fonts',
        '/usr/local/share/fonts',
        join(process.env.XDG_DATA_HOME || join(home, '.local/share'), 'fonts'),
        join(home, '.fonts'),
      ];
  }
}

/**
 * The fonts of the package, then those found in `folders` (default: the system's) and below, that have all `symbols`. Files that
 * are no readable font are left out.
 */
export async function findFonts({
  symbols = '',
  folders = systemFolders(),
}: {
  /** Characters that a font must have. Default none. */
  readonly symbols?: string | undefined;
  readonly folders?: readonly string[] | undefined;
} = {}): Promise<FoundFont[]> {
  const paths = (await Promise.all(folders.map(fontFiles))).flat().sort();
  const found: FoundFont[] = [];
  for (const source of [...bundledFonts, ...paths]) {
    const name = await usableName(source, symbols);
    if (name !== undefined) found.push({ name, source });
  }
  return found;
}

/** All font files in a folder and below; none where it cannot be read. */
async function fontFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => []);
  return entries
    .filter(
      (entry) => !entry.isDirectory() && ['.ttf', '.otf', '.ttc', '.otc'].includes(extname(entry.name).toLowerCase()),
    )
    .map((entry) => join(entry.parentPath, entry.name));
}

/** The font's name, if it can draw all symbols. */
async function usableName(source: string, symbols: string): Promise<string | undefined> {
  try {
    const isBundled = (bundledFonts as readonly string[]).includes(source);
    // As bytes, since fonts loaded by path stay in memory.
    const font = loadFont(isBundled ? source : await readFile(source));
    for (const symbol of symbols) if (symbol !== ' ') drawInk(font, symbol, 16);
    return font.name;
  } catch (error) {
    if (isProjError(error) || (error as NodeJS.ErrnoException).code !== undefined) return undefined;
    throw error;
  }
}
