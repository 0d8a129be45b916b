import type { Color } from '../color.js';
import { type Picture, paint } from '../picture.js';

/** What Pillow paints for a line 3 wide from a pixel to the one left above it: dx, dy from the first pixel. */
const SHAPE = [
  [0, -2],
  [-1, -1],
  [0, -1],
  [1, -1],
  [-2, 0],
  [-1, 0],
  [0, 0],
  [-1, 1],
] as const;

/** Paints a speck of eight pixels at `(x, y)`, clipped to the picture. */
export function drawSpeck(picture: Picture, x: number, y: number, color: Color): void {
  for (const [dx, dy] of SHAPE) paint(picture, x + dx, y + dy, color);
}
