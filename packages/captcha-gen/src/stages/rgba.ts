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
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const level = mask.data[(y + row) * mask.width + x + column]!;
      if (level > 0) tinted.data.set([r, g, b, divide255(level * opacity)], (row * width + column) * 4);
    }
  }
  return tinted;
}

/** Multiplies colours by their opacity, in place, rounded as Pillow does. */
export function premultiply({ data, width, height }: Rgba): Rgba {
  for (let i = 0; i < data.length; i += 4) {
    const a = data[i + 3]!;
    if (a === 255) continue;
    for (let k = i; k < i + 3; k++) data[k] = divide255(data[k]! * a);
  }
  return { data, width, height };
}

/** Divides colours by their opacity, in place, cut to whole levels as Pillow does. */
export function unpremultiply({ data, width, height }: Rgba): Rgba {
  for (let i = 0; i < data.length; i += 4) {
    const a = data[i + 3]!;
    if (a === 255 || a === 0) continue;
    for (let k = i; k < i + 3; k++) data[k] = Math.min(255, Math.floor((255 * data[k]!) / a));
  }
  return { data, width, height };
}

/** `value / 255` to the nearest, for values up to 255 squared. */
export function divide255(value: number): number {
  const raised = value + 128;
  return ((raised >> 8) + raised) >> 8;
}
