import type { Picture } from '../picture.js';
import { divide255, type Rgba } from './rgba.js';

/** Lightness of a colour as Pillow reckons it (ITU-R 601), 0..255. */
export function lightness(r: number, g: number, b: number): number {
  return (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16;
}

/**
 * Lays a picture over another, its left top corner at `(left, top)`, clipped. How much of a pixel shows is not its opacity
 * but what `shares` has for its lightness, 0..255: ImageCaptcha's mask, by which dark text is fainter than light text.
 */
export function pasteByLightness(picture: Picture, source: Rgba, left: number, top: number, shares: Uint8Array): void {
  const { data, offset, width, height } = picture;
  const firstX = Math.max(0, -left);
  const lastX = Math.min(source.width, width - left);
  const lastY = Math.min(source.height, height - top);
  for (let y = Math.max(0, -top); y < lastY; y++) {
    let s = (y * source.width + firstX) * 4;
    let i = offset + ((top + y) * width + left + firstX) * 3;
    for (let x = firstX; x < lastX; x++, s += 4, i += 3) {
      const r = source.data[s]!;
      const g = source.data[s + 1]!;
      const b = source.data[s + 2]!;
      const share = shares[lightness(r, g, b)]!;
      if (share === 0) continue;
      data[i] = divide255(data[i]! * (255 - share) + r * share);
      data[i + 1] = divide255(data[i + 1]! * (255 - share) + g * share);
      data[i + 2] = divide255(data[i + 2]! * (255 - share) + b * share);
    }
  }
}
