import type { Color } from '../color.js';
import { type Picture, paint } from '../picture.js';

/** A straight line from `(x, y)` by `(width, height)`, both of either sign, in pixels. */
export interface Line {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly color: Color;
}

/**
 * Paints a line one pixel wide by Bresenham's algorithm without antialiasing, clipped to the picture. The start pixel is
 * drawn, the end pixel is not.
 */
export function drawLine(picture: Picture, { x, y, width, height, color }: Line): void {
  const steep = Math.abs(height) > Math.abs(width);
  const [long, short] = steep ? [height, width] : [width, height];
  const length = Math.abs(long);
  const rise = Math.abs(short);
  let across = 0;
  let error = 2 * rise - length;
  for (let along = 0; along < length; along++) {
    if (error >= 0) {
      across++;
      error -= 2 * length;
    }
    error += 2 * rise;
    const dLong = long < 0 ? -along : along;
    const dShort = short < 0 ? -across : across;
    paint(picture, x + (steep ? dShort : dLong), y + (steep ? dLong : dShort), color);
  }
}
