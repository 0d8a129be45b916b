import type { Color } from '../color.js';
import { type Picture, repeat } from '../picture.js';

/** Fills the whole picture, from one colour in the left column to another in the right one. Opacities play no part. */
export function fillGradient({ data, offset, width, height }: Picture, from: Color, to: Color): void {
  const last = Math.max(1, width - 1);
  for (let x = 0; x < width; x++) {
    for (let k = 0; k < 3; k++) {
      data[offset + 3 * x + k] = Math.floor((from[k]! * (last - x) + to[k]! * x) / last + 0.5);
    }
  }
  repeat(data, offset, width * 3, width * height * 3);
}
