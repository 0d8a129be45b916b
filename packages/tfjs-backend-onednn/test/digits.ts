import { Rng } from '@proj/core';
import * as tf from '@tensorflow/tfjs';

/** Segments that are lit in each digit, counted from the top clockwise, the middle one last. */
const LIT = ['012345', '12', '01346', '01236', '1256', '02356', '023456', '012', '0123456', '012356'];

/** Each segment's row, column, height and width in a box of 19 x 11. */
const SEGMENTS = [
  [0, 0, 3, 11],
  [0, 8, 11, 3],
  [8, 8, 11, 3],
  [16, 0, 3, 11],
  [8, 0, 11, 3],
  [0, 0, 11, 3],
  [8, 0, 3, 11],
] as const;

/**
 * Digits of seven segments, moved about, on a ground of uniform noise below `noise`: pictures `[count, 28, 28, 1]` of 0..1
 * and their digits `[count]`, int32.
 */
export function segmentDigits(
  seed: string,
  count: number,
  noise: number,
): { pictures: tf.Tensor4D; digits: tf.Tensor1D } {
  const rng = new Rng(seed);
  const pixels = Float32Array.from({ length: count * 784 }, () => rng.uniform(0, noise));
  const digits = Int32Array.from({ length: count }, () => rng.int(10));
  for (const [i, digit] of digits.entries()) {
    const [top, left] = [3 + rng.int(4), 6 + rng.int(4)];
    for (const segment of LIT[digit]!) {
      const [row, column, height, width] = SEGMENTS[Number(segment)]!;
      for (let y = 0; y < height; y++) {
        const at = i * 784 + (top + row + y) * 28 + left + column;
        pixels.fill(rng.uniform(0.6, 1), at, at + width);
      }
    }
  }
  return { pictures: tf.tensor4d(pixels, [count, 28, 28, 1]), digits: tf.tensor1d(digits, 'int32') };
}
