import type { Color } from '../color.js';
import { type Box, inkBox, type Mask } from '../mask.js';
import type { Picture } from '../picture.js';

/**
 * A transparent sheet to draw text on before it goes over the picture. Pixels are premultiplied,
 * `r | g << 8 | b << 16 | a << 24`, so that one is 0 exactly when its alpha is. They stand column after column, the order
 * in which the wave runs: pixel `(x, y)` is `pixels[x * height + y]`.
 */
export interface Layer {
  readonly pixels: Int32Array;
  readonly width: number;
  readonly height: number;
}

export function createLayer(width: number, height: number): Layer {
  return { pixels: new Int32Array(width * height), width, height };
}

const tints = new WeakMap<Color, Int32Array>();

/** The premultiplied pixel of a colour for each of the 256 levels of a mask; kept with the colour. */
function tintOf(color: Color): Int32Array {
  let tint = tints.get(color);
  if (tint === undefined) {
    const [r, g, b, a] = color;
    const premultiplied = [(r * a) / 255, (g * a) / 255, (b * a) / 255, a].map(Math.round);
    tint = Int32Array.from({ length: 256 }, (_, level) => {
      const [pr, pg, pb, pa] = premultiplied.map((value) => Math.floor((value * level * 257) / 255) >> 8);
      return pack(pr!, pg!, pb!, pa!);
    });
    tints.set(color, tint);
  }
  return tint;
}

/** Draws a mask in one colour over the layer, its left top corner at `(left, top)`, clipped. */
export function drawMask(layer: Layer, mask: Mask, left: number, top: number, color: Color): void {
  const { pixels, width, height } = layer;
  const { data, width: stride } = mask;
  const tint = tintOf(color);
  const firstY = Math.max(0, -top);
  const lastX = Math.min(stride, width - left);
  const lastY = Math.min(mask.height, height - top);
  for (let x = Math.max(0, -left); x < lastX; x++) {
    const target = (left + x) * height + top;
    for (let y = firstY, m = firstY * stride + x; y < lastY; y++, m += stride) {
      const level = data[m]!;
      if (level === 0) continue;
      const below = pixels[target + y]!;
      const above = tint[level]!;
      pixels[target + y] = below === 0 || above >>> 24 === 255 ? above : packedOver(below, above);
    }
  }
}

/** Puts the layer over a picture of the same size. */
export function composeOver({ data, offset, width, height }: Picture, { pixels }: Layer): void {
  const row = width * 3;
  let source = 0;
  for (let x = 0; x < width; x++) {
    let i = offset + x * 3;
    for (const end = source + height; source < end; source++, i += row) {
      const pixel = pixels[source]!;
      if (pixel === 0) continue;
      if (pixel >>> 24 === 255) {
        // Most are: nothing of what is below shows.
        data[i] = pixel & 255;
        data[i + 1] = (pixel >>> 8) & 255;
        data[i + 2] = (pixel >>> 16) & 255;
        continue;
      }
      const rest = 255 - (pixel >>> 24);
      data[i] = over(data[i]!, pixel & 255, rest);
      data[i + 1] = over(data[i + 1]!, (pixel >>> 8) & 255, rest);
      data[i + 2] = over(data[i + 2]!, (pixel >>> 16) & 255, rest);
    }
  }
}

/** The smallest box round all that is drawn on the layer. */
export function layerBox({ pixels, width, height }: Layer): Box {
  const turned = inkBox(pixels, height, width);
  return { x: turned.y, y: turned.x, width: turned.height, height: turned.width };
}

/** Source-over of premultiplied 8-bit values, computed in 16 bits and cut to 8 as Go's image/draw does. */
function over(below: number, above: number, rest: number): number {
  // The half makes the product safe to cut where the quotient is whole; multiplying is quicker than dividing.
  const kept = ((below * 257 * rest + 0.5) * (1 / 255)) | 0;
  return (kept + above * 257) >> 8;
}

function packedOver(below: number, above: number): number {
  const rest = 255 - (above >>> 24);
  return pack(
    over(below & 255, above & 255, rest),
    over((below >>> 8) & 255, (above >>> 8) & 255, rest),
    over((below >>> 16) & 255, (above >>> 16) & 255, rest),
    over(below >>> 24, above >>> 24, rest),
  );
}

function pack(r: number, g: number, b: number, a: number): number {
  return r | (g << 8) | (b << 16) | (a << 24);
}
