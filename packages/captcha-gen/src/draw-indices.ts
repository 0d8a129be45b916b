import { writeFilesAtomicSync } from '@proj/core/node';
import { fileNamer } from './file-name.js';
import { encodePng } from './png.js';
import type { CaptchaParameters, CaptchaStyle } from './style.js';

/** Some captchas: their pixels in one buffer, or as files with all that is to be said of them. */
export interface DrawnCaptchas {
  readonly labels: readonly string[];
  readonly indices: readonly number[];
  /** `[B, height, width, 3]`, 0..255; empty where files were asked for. */
  readonly data: Uint8ClampedArray<ArrayBuffer>;
  /** Empty unless they were asked for, as what follows. */
  readonly files: readonly CaptchaFile[];
}

/** One captcha as a file. */
export interface CaptchaFile {
  readonly index: number;
  readonly label: string;
  readonly parameters: CaptchaParameters;
  /** A PNG file; empty where it has been written. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** What becomes of captchas: pixels, PNG files in memory, or PNG files in a folder, named by a pattern. */
export type DrawOutput = 'pixels' | 'files' | { readonly folder: string; readonly pattern: string };

/**
 * Draws captchas side by side, or makes a file of each; of files that are written to a folder no bytes are given back.
 * @throws ProjError `disk-full` or `cannot-write`, and what the style throws.
 */
export function drawIndices(
  style: CaptchaStyle,
  seed: number,
  indices: readonly number[],
  output: DrawOutput,
): DrawnCaptchas {
  if (output === 'pixels') {
    const size = style.width * style.height * 3;
    const data = new Uint8ClampedArray(indices.length * size);
    const labels = indices.map((index, i) => style.generateInto(seed, index, data, i * size));
    return { labels, indices, data, files: [] };
  }
  const files = indices.map((index): CaptchaFile => {
    const { image, label, parameters } = style.generate(seed, index);
    return { index, label, parameters, bytes: encodePng(image) };
  });
  const drawn = { labels: files.map(({ label }) => label), indices, data: new Uint8ClampedArray() };
  if (output === 'files') return { ...drawn, files };
  const nameOf = fileNamer(output.pattern, style.charset);
  writeFilesAtomicSync(
    output.folder,
    files.map(({ index, label, bytes }) => ({ name: nameOf(index, label), data: bytes })),
  );
  return { ...drawn, files: files.map((file) => ({ ...file, bytes: new Uint8Array() })) };
}
