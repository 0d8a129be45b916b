import { resize } from '@proj/augment';
import { createImage, type Image } from '@proj/core';

/** What a quality filter goes by. */
export interface Quality {
  readonly width: number;
  readonly height: number;
  /**
   * Variance of the Laplacian of the grey picture (Pech-Pacheco et al., ICPR 2000): low where it is blurred. As OpenCV's
   * `Laplacian(grey, CV_64F).var()`. It grows with contrast and with noise, and depends on the size of what is shown:
   * limits are found by looking at the values of the pictures at hand.
   */
  readonly sharpness: number;
  /** Standard deviation of the grey values, 0..127.5. */
  readonly contrast: number;
  /**
   * Perceptual hash, 64 bits as 16 hexadecimal digits: the signs, against their median, of the lowest 8x8 frequencies of
   * the picture at 32x32. As the Python package `imagehash`'s `phash`, given the picture stretched to 32x32 by Pillow's
   * `BILINEAR`. Pictures that look alike differ in few bits.
   */
  readonly hash: string;
}

const hashSize = 32;
const lowest = 8;

/** Measures a picture of 1, 3 or 4 channels; alpha counts for nothing. */
export function measureQuality(image: Image): Quality {
  const { width, height } = image;
  const grey = toGrey(image);
  return {
    width,
    height,
    sharpness: variance(laplacian(grey)),
    contrast: Math.sqrt(variance(grey.data)),
    hash: perceptualHash(grey),
  };
}

/** Pillow's `L`. */
function toGrey({ data, width, height, channels }: Image): Image {
  if (channels < 3) {
    return createImage(width, height, 1, channels === 1 ? data : data.filter((_, i) => i % channels === 0));
  }
  const grey = createImage(width, height, 1);
  for (let i = 0; i < grey.data.length; i++) {
    const at = i * channels;
    grey.data[i] = (19595 * data[at]! + 38470 * data[at + 1]! + 7471 * data[at + 2]! + 32768) >> 16;
  }
  return grey;
}

/** The four neighbours less four times the pixel; beyond an edge the picture is mirrored at the edge's pixels. */
function laplacian({ data, width, height }: Image): Int32Array {
  const out = new Int32Array(data.length);
  const mirrored = (place: number, size: number) =>
    size === 1 ? 0 : place < 0 ? -place : place >= size ? 2 * size - 2 - place : place;
  for (let y = 0; y < height; y++) {
    const row = y * width;
    const above = mirrored(y - 1, height) * width;
    const below = mirrored(y + 1, height) * width;
    for (let x = 0; x < width; x++) {
      const sides = data[row + mirrored(x - 1, width)]! + data[row + mirrored(x + 1, width)]!;
      out[row + x] = data[above + x]! + data[below + x]! + sides - 4 * data[row + x]!;
    }
  }
  return out;
}

function variance(values: Int32Array | Uint8ClampedArray): number {
  let sum = 0;
  let squares = 0;
  for (const value of values) {
    sum += value;
    squares += value * value;
  }
  return squares / values.length - (sum / values.length) ** 2;
}

/** `cosines[k][n]`: the discrete cosine transform (type II) of `hashSize` values, its lowest frequencies. */
const cosines = Array.from({ length: lowest }, (_, k) =>
  Float64Array.from({ length: hashSize }, (_, n) => Math.cos((Math.PI * k * (2 * n + 1)) / (2 * hashSize))),
);

function perceptualHash(grey: Image): string {
  const { data } = resize({ size: [hashSize, hashSize] }).apply(grey, {}) as Image; // bytes, as it was given
  const rows = Array.from({ length: hashSize }, (_, y) => data.subarray(y * hashSize, (y + 1) * hashSize));
  /** By horizontal frequency: its share in each row. */
  const shares = cosines.map((cosine) => Float64Array.from(rows, (row) => dot(cosine, row)));
  const frequencies = cosines.flatMap((cosine) =>
    // Rounded, because frequencies that a picture does not have shall be 0 and not what rounding left of them.
    shares.map((share) => Math.round(1e6 * dot(cosine, share))),
  );
  const sorted = [...frequencies].sort((a, b) => a - b);
  const median = (sorted[31]! + sorted[32]!) / 2;
  const bits = frequencies.map((value) => (value > median ? '1' : '0')).join('');
  return BigInt(`0b${bits}`).toString(16).padStart(16, '0');
}

function dot(a: Float64Array, b: Float64Array | Uint8ClampedArray): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
