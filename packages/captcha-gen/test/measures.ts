import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';

/** RGB rows of one captcha of 128x64. */
export type Pixels = Uint8Array | Uint8ClampedArray;

/** The folder of captchas made by the real generator, `data/afocus` in the checkout unless PROJ_DATA says otherwise. */
export const realFolder = `${process.env.PROJ_DATA ?? fileURLToPath(new URL('../../../data', import.meta.url))}/afocus`;
export const realMissing = !existsSync(realFolder);
if (realMissing) console.warn(`Skipping comparisons with real captchas: ${realFolder} is missing (set PROJ_DATA).`);

export async function readReal(
  limit = Number.POSITIVE_INFINITY,
): Promise<{ file: string; label: string; pixels: Pixels }[]> {
  const files = readdirSync(realFolder)
    .filter((file) => file.endsWith('.png'))
    .sort()
    .slice(0, limit);
  return Promise.all(
    files.map(async (file) => ({
      file,
      label: /_(.+)\.png$/.exec(file)?.[1] as string,
      pixels: await sharp(`${realFolder}/${file}`).removeAlpha().raw().toBuffer(),
    })),
  );
}

/** The most frequent colour that is not white. */
export function backgroundOf(pixels: Pixels): [number, number, number] {
  const counts = new Map<number, number>();
  for (let i = 0; i < pixels.length; i += 24) {
    // every eighth pixel will do: three quarters are background
    const color = (pixels[i]! << 16) | (pixels[i + 1]! << 8) | pixels[i + 2]!;
    if (color !== 0xffffff) counts.set(color, (counts.get(color) ?? 0) + 1);
  }
  const [color] = [...counts].sort((a, b) => b[1] - a[1])[0] as [number, number];
  return [color >> 16, (color >> 8) & 255, color & 255];
}

/**
 * How far each pixel lies on the way from the background (0) to white (1), averaged over the channels in which the
 * background is not itself 255.
 */
export function coverageOf(pixels: Pixels): Float64Array {
  const background = backgroundOf(pixels);
  const channels = [0, 1, 2].filter((channel) => background[channel]! < 255);
  const coverage = new Float64Array(pixels.length / 3);
  for (const c of channels) {
    const below = background[c]!;
    const scale = 1 / (255 - below) / channels.length;
    for (let i = 0; i < coverage.length; i++) coverage[i] = coverage[i]! + (pixels[3 * i + c]! - below) * scale;
  }
  return coverage;
}

/** Shares of pixels purely white and purely background, mean coverage, of one picture. */
export interface Figures {
  readonly white: number;
  readonly background: number;
  readonly coverage: number;
}

export function figuresOf(pixels: Pixels): Figures {
  const [r, g, b] = backgroundOf(pixels);
  const count = pixels.length / 3;
  let white = 0;
  let background = 0;
  for (let i = 0; i < pixels.length; i += 3) {
    if (pixels[i] === 255 && pixels[i + 1] === 255 && pixels[i + 2] === 255) white++;
    if (pixels[i] === r && pixels[i + 1] === g && pixels[i + 2] === b) background++;
  }
  return { white: white / count, background: background / count, coverage: meanOf(coverageOf(pixels)) };
}

export function meanOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}

/** Mean, deviation and their standard errors (the deviation's from the fourth moment). */
export function momentsOf(values: readonly number[]) {
  const mean = meanOf(values);
  const variance = meanOf(values.map((value) => (value - mean) ** 2));
  const fourth = meanOf(values.map((value) => (value - mean) ** 4));
  const deviation = Math.sqrt(variance);
  return {
    mean,
    deviation,
    meanError: deviation / Math.sqrt(values.length),
    deviationError: Math.sqrt((fourth / variance ** 2 - 1) / (4 * values.length)) * deviation,
  };
}
