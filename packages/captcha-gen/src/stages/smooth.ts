import type { Picture } from '../picture.js';

/** The quotient by 13 to the nearest, for sums of up to 13 levels; none lies half-way. */
const BY_13 = Uint8Array.from({ length: 13 * 255 + 1 }, (_, sum) => Math.floor(sum / 13 + 0.5));

/**
 * Softens a picture: each pixel weighs 5, its eight neighbours 1 each; the rim stays. Pillow's `filter(SMOOTH)`. `scratch`
 * has room for two rows.
 */
export function smooth({ data, offset, width, height }: Picture, scratch: Uint8Array): void {
  const stride = width * 3;
  let above = scratch.subarray(0, stride);
  let current = scratch.subarray(stride, 2 * stride);
  above.set(data.subarray(offset, offset + stride));
  for (let y = 1; y < height - 1; y++) {
    const row = offset + y * stride;
    const below = row + stride;
    current.set(data.subarray(row, below));
    for (let x = 3; x < stride - 3; x++) {
      const sum =
        above[x - 3]! +
        above[x]! +
        above[x + 3]! +
        current[x - 3]! +
        5 * current[x]! +
        current[x + 3]! +
        data[below + x - 3]! +
        data[below + x]! +
        data[below + x + 3]!;
      data[row + x] = BY_13[sum]!;
    }
    [above, current] = [current, above];
  }
}
