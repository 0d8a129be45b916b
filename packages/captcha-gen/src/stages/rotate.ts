import { inkBox, type Mask } from '../mask.js';
import { cos, sin } from '../trigonometry.js';

/** A rotated mask, cut down to its ink. */
export interface RotatedMask extends Mask {
  /** Side of the whole square it was cut from, in pixels. */
  readonly side: number;
  /** Where the cut's left and top edges lie in that square. */
  readonly left: number;
  readonly top: number;
}

/**
 * Turns a square mask of side `s` by whole degrees, counter-clockwise positive, into a square of side `floor(n)`,
 * `n = s (|cos| + |sin|) + 0.5`. Output pixel `(x, y)` shows the point that lies from the middle `(s/2, s/2)` as
 * `(x, y)` lies from `(n/2, n/2)`, turned back; it is found by bilinear interpolation between pixel centres (at +0.5; the
 * outermost half pixel repeats its centre) and is 0 outside the square.
 */
export function rotate(mask: Mask, degrees: number): RotatedMask {
  const size = mask.width;
  const angle = (degrees * Math.PI) / 180;
  const c = cos(angle);
  const s = sin(angle);
  const n = size * (Math.abs(c) + Math.abs(s)) + 0.5;
  const side = Math.floor(n);
  const data = new Uint8Array(side * side);
  const middle = n / 2;
  for (let y = 0; y < side; y++) {
    const acrossByY = (y - middle) * s;
    const downByY = (y - middle) * c;
    for (let x = 0; x < side; x++) {
      const sourceX = (x - middle) * c - acrossByY + size / 2;
      const sourceY = (x - middle) * s + downByY + size / 2;
      if (sourceX < 0 || sourceX >= size || sourceY < 0 || sourceY >= size) continue;
      data[y * side + x] = sample(mask.data, size, sourceX - 0.5, sourceY - 0.5);
    }
  }
  return crop(data, side);
}

/** Bilinear, rounded to the nearest level; `x` and `y` count from the first pixel's centre. */
function sample(data: Uint8Array, size: number, x: number, y: number): number {
  const x0 = Math.floor(x);
  const y0 = Math.floor(y);
  const left = Math.max(x0, 0);
  const right = Math.min(x0 + 1, size - 1);
  const above = Math.max(y0, 0) * size;
  const below = Math.min(y0 + 1, size - 1) * size;
  const a = data[above + left]!;
  const b = data[above + right]!;
  const p = data[below + left]!;
  const q = data[below + right]!;
  if ((a | b | p | q) === 0) return 0; // most are
  const fx = x - x0;
  const fy = y - y0;
  return Math.floor(a * (1 - fx) * (1 - fy) + b * fx * (1 - fy) + p * (1 - fx) * fy + q * fx * fy + 0.5);
}

function crop(data: Uint8Array, side: number): RotatedMask {
  const { x, y, width, height } = inkBox(data, side, side);
  const cut = new Uint8Array(width * height);
  for (let row = 0; row < height; row++) {
    const start = (y + row) * side + x;
    cut.set(data.subarray(start, start + width), row * width);
  }
  return { data: cut, width, height, side, left: x, top: y };
}
