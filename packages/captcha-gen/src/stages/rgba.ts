import type { Color } from '../color.js';
import { inkBox, type Mask } from '../mask.js';

/** A picture of its own with opacity: rows of R, G, B, A, 0..255, colours not premultiplied unless it is said. */
export interface Rgba {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

export function createRgba(width: number, height: number): Rgba {
  return { data: new Uint8Array(width * height * 4), width, height };
}

/** A mask in one colour on nothing, cut down to its ink. Where the mask is 0 the colour is 0 too. */
export function tint(mask: Mask, [r, g, b, opacity]: Color): Rgba {
  const { x, y, width, height } = inkBox(mask.data, mask.width, mask.height);
  const tinted = createRgba(width, height);
  for (let row = 0, i = 0; row < height; row++) {
    for (let m = (y + row) * mask.width + x, end = m + width; m < end; m++, i += 4) {
      const level = mask.data[m]!;
      if (level === 0) continue;
      tinted.data[i] = r;
      tinted.data[i + 1] = g;
      tinted.data[i + 2] = b;
      tinted.data[i + 3] = divide255(level * opacity);
    }
  }
  return tinted;
}

/** Multiplies colours by their opacity, in place, rounded as Pillow does. */
export function premultiply({ data, width, height }: Rgba): Rgba {
  for (let i = 0; i < data.length; i += 4) {
    const a = data[i + 3]!;
    if (a === 255) continue;
    data[i] = divide255(data[i]! * a);
    data[i + 1] = divide255(data[i + 1]! * a);
    data[i + 2] = divide255(data[i + 2]! * a);
  }
  return { data, width, height };
}

/** Divides colours by their opacity, in place, cut to whole levels as Pillow does. */
export function unpremultiply({ data, width, height }: Rgba): Rgba {
  for (let i = 0; i < data.length; i += 4) {
    const a = data[i + 3]!;
    if (a === 255 || a === 0) continue;
    data[i] = Math.min(255, (255 * data[i]!) / a);
    data[i + 1] = Math.min(255, (255 * data[i + 1]!) / a);
    data[i + 2] = Math.min(255, (255 * data[i + 2]!) / a);
  }
  return { data, width, height };
}

/** `value / 255` to the nearest, for values up to 255 squared. */
export function divide255(value: number): number {
  const raised = value + 128;
  return ((raised >> 8) + raised) >> 8;
}
