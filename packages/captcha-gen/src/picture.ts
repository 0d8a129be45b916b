import type { Color } from './color.js';

/** RGB pixels, row by row, somewhere within a larger buffer: what the drawing stages paint on. */
export interface Picture {
  readonly data: Uint8Array | Uint8ClampedArray;
  /** Where the picture's first value stands in `data`. */
  readonly offset: number;
  readonly width: number;
  readonly height: number;
}

/** Fills the whole picture. The colour's opacity plays no part. */
export function fill({ data, offset, width, height }: Picture, [r, g, b]: Color): void {
  const size = width * height * 3;
  if (r === g && g === b) {
    data.fill(r, offset, offset + size);
    return;
  }
  for (let i = offset; i < offset + width * 3; i += 3) {
    data[i] = r;
    data[i + 1] = g;
    data[i + 2] = b;
  }
  repeat(data, offset, width * 3, size);
}

/** Repeats the first `length` values from `offset` on until there are `size`. */
export function repeat(data: Picture['data'], offset: number, length: number, size: number): void {
  for (let done = length; done < size; done *= 2) {
    data.copyWithin(offset + done, offset, offset + Math.min(done, size - done));
  }
}

/** Paints one pixel, blended where the colour is not opaque; outside the picture nothing happens. */
export function paint({ data, offset, width, height }: Picture, x: number, y: number, color: Color): void {
  if (x < 0 || x >= width || y < 0 || y >= height) return;
  const i = offset + (y * width + x) * 3;
  const opacity = color[3];
  if (opacity === 255) {
    data[i] = color[0];
    data[i + 1] = color[1];
    data[i + 2] = color[2];
  } else {
    data[i] = blend(data[i]!, color[0], opacity);
    data[i + 1] = blend(data[i + 1]!, color[1], opacity);
    data[i + 2] = blend(data[i + 2]!, color[2], opacity);
  }
}

/** A value between two, `opacity` of 255 parts towards `above`; rounded to the nearest. */
export function blend(below: number, above: number, opacity: number): number {
  return Math.floor((below * (255 - opacity) + above * opacity + 127) / 255);
}
