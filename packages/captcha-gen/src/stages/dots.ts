import type { Color } from '../color.js';
import { type Picture, paint } from '../picture.js';

/** A round speck: filled, or only its outline. Positions and radius in pixels. */
export interface Dot {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly filled: boolean;
  readonly color: Color;
}

/** Paints a dot without antialiasing, clipped to the picture. */
export function drawDot(picture: Picture, { x, y, radius, filled, color }: Dot): void {
  const offsets = circle(radius, filled);
  for (let i = 0; i < offsets.length; i += 2) {
    paint(picture, x + (offsets[i] as number), y + (offsets[i + 1] as number), color);
  }
}

const circles = new Map<number, Int32Array>();

/** Pixels of a circle about the origin as dx, dy pairs, each once. */
function circle(radius: number, filled: boolean): Int32Array {
  const key = filled ? radius : -radius;
  const known = circles.get(key);
  if (known !== undefined) return known;
  const offsets = Int32Array.from([...circlePixels(radius, filled)].flatMap((pixel) => pixel.split(',').map(Number)));
  circles.set(key, offsets);
  return offsets;
}

/**
 * Bresenham's circle: an eighth of it from the top on, mirrored. A filled one is each column of that eighth from the
 * diagonal to the rim, so it has no holes.
 */
function circlePixels(radius: number, filled: boolean): Set<string> {
  const pixels = new Set<string>();
  let rim = radius;
  let error = 3 - 2 * radius;
  for (let x = 0; x <= rim; x++) {
    for (let y = filled ? x : rim; y <= rim; y++) {
      for (const [a, b] of [
        [x, y],
        [y, x],
      ]) {
        for (const dx of [a, -(a as number)]) for (const dy of [b, -(b as number)]) pixels.add(`${dx},${dy}`);
      }
    }
    if (error < 0) {
      error += 4 * x + 6;
    } else {
      error += 4 * (x - rim) + 10;
      rim--;
    }
  }
  return pixels;
}
