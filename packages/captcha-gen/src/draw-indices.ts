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

/** One captcha, ready to be written. */
export interface CaptchaFile {
  readonly index: number;
  readonly label: string;
  readonly parameters: CaptchaParameters;
  /** A PNG file. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Draws captchas side by side, or makes a file of each. */
export function drawIndices(
  style: CaptchaStyle,
  seed: number,
  indices: readonly number[],
  asFiles: boolean,
): DrawnCaptchas {
  if (asFiles) {
    const files = indices.map((index) => {
      const { image, label, parameters } = style.generate(seed, index);
      return { index, label, parameters, bytes: encodePng(image) };
    });
    return { labels: files.map(({ label }) => label), indices, data: new Uint8ClampedArray(), files };
  }
  const size = style.width * style.height * 3;
  const data = new Uint8ClampedArray(indices.length * size);
  const labels = indices.map((index, i) => style.generateInto(seed, index, data, i * size));
  return { labels, indices, data, files: [] };
}
