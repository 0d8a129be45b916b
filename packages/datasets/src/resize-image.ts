import { createImage, type Image } from '@proj/core';

/** Bits after the point of the weights, as Pillow has them for 8-bit channels. */
const precision = 22;

interface Window {
  readonly first: number;
  readonly weights: Int32Array;
}

/**
 * Stretches a picture, bilinear with antialiasing where it shrinks, as Pillow's `BILINEAR`: pixel centres lie at +0.5,
 * and RGBA is resampled with premultiplied alpha. Horizontally first, always; Pillow 13 chooses the order by the sizes,
 * and where it goes the other way round, opaque pixels differ by up to one level.
 */
export function resizeImage(
  image: Image,
  { width, height }: { readonly width: number; readonly height: number },
): Image {
  if (image.width === width && image.height === height) return image;
  const source = image.channels === 4 ? premultiplied(image) : image;
  const { channels } = source;
  const wide = width === source.width ? source : createImage(width, source.height, channels);
  if (wide !== source) {
    resample(source.data, wide.data, windows(source.width, width), {
      lines: source.height,
      sourceLine: source.width * channels,
      targetLine: width * channels,
      step: channels,
      values: channels,
    });
  }
  const out = height === wide.height ? wide : createImage(width, height, channels);
  if (out !== wide) {
    const row = width * channels;
    resample(wide.data, out.data, windows(wide.height, height), {
      lines: 1,
      sourceLine: 0,
      targetLine: 0,
      step: row,
      values: row,
    });
  }
  return channels === 4 ? straightened(out) : out;
}

/** For each target position the source positions it is made of: a triangle as wide as the scale, at least 1. */
function windows(sourceSize: number, targetSize: number): Window[] {
  const scale = sourceSize / targetSize;
  const support = Math.max(scale, 1);
  return Array.from({ length: targetSize }, (_, position) => {
    const center = (position + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - support + 0.5));
    const end = Math.min(sourceSize, Math.trunc(center + support + 0.5));
    const weights = Array.from({ length: end - first }, (_, k) =>
      Math.max(0, 1 - Math.abs((first + k - center + 0.5) * (1 / support))),
    );
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return { first, weights: Int32Array.from(weights, (w) => Math.trunc(0.5 + w * (1 / total) * 2 ** precision)) };
  });
}

/** One axis: `step` lies between neighbours along it, `values` lie side by side at each position. */
function resample(
  source: Uint8ClampedArray,
  target: Uint8ClampedArray,
  positions: readonly Window[],
  axis: { lines: number; sourceLine: number; targetLine: number; step: number; values: number },
): void {
  const { lines, sourceLine, targetLine, step, values } = axis;
  for (let line = 0; line < lines; line++) {
    for (const [position, { first, weights }] of positions.entries()) {
      const from = line * sourceLine + first * step;
      const to = line * targetLine + position * step;
      for (let value = 0; value < values; value++) {
        let sum = 1 << (precision - 1);
        for (let k = 0; k < weights.length; k++) sum += source[from + k * step + value]! * weights[k]!;
        target[to + value] = sum >> precision;
      }
    }
  }
}

function premultiplied({ data, width, height, channels }: Image): Image {
  const out = data.slice();
  for (let i = 0; i < out.length; i += 4) {
    for (let c = 0; c < 3; c++) {
      const product = out[i + c]! * out[i + 3]! + 128;
      out[i + c] = ((product >> 8) + product) >> 8;
    }
  }
  return createImage(width, height, channels, out);
}

function straightened({ data, width, height, channels }: Image): Image {
  const out = data.slice();
  for (let i = 0; i < out.length; i += 4) {
    const alpha = out[i + 3]!;
    if (alpha === 0 || alpha === 255) continue;
    for (let c = 0; c < 3; c++) out[i + c] = Math.min(255, Math.trunc((255 * out[i + c]!) / alpha));
  }
  return createImage(width, height, channels, out);
}
