import type { Color } from '../color.js';
import type { Box, Mask } from '../mask.js';
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
  /** Of each column the rows `top[x] <= y < bottom[x]` may be marked, all others are not: most of a sheet stays empty. */
  readonly top: Int32Array;
  readonly bottom: Int32Array;
}

export function createLayer(width: number, height: number): Layer {
  return {
    pixels: new Int32Array(width * height),
    width,
    height,
    top: new Int32Array(width).fill(height),
    bottom: new Int32Array(width),
  };
}

export function clearLayer({ pixels, height, top, bottom }: Layer): void {
  pixels.fill(0);
  top.fill(height);
  bottom.fill(0);
}

/** Says that rows from `top` to before `bottom` of a column may be marked now, besides those that were. */
export function widenColumn(layer: Layer, x: number, top: number, bottom: number): void {
  if (top < layer.top[x]!) layer.top[x] = top;
  if (bottom > layer.bottom[x]!) layer.bottom[x] = bottom;
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

/**
 * A mask in the order of a layer, without what is 0: for each run of pixels down a column its x and first y, how many they
 * are, and their levels.
 */
export type MaskRuns = Uint16Array;

/** A mask as {@link drawMask} takes it; worth keeping for glyphs that are drawn again. */
export function maskRuns({ data, width, height }: Mask): MaskRuns {
  const runs: number[] = [];
  for (let x = 0; x < width; x++) {
    for (let y = 0; y < height; y++) {
      if (data[y * width + x] === 0) continue;
      const start = runs.push(x, y, 0);
      for (; y < height && data[y * width + x] !== 0; y++) runs.push(data[y * width + x]!);
      runs[start - 1] = runs.length - start;
    }
  }
  return Uint16Array.from(runs);
}

/** Draws a mask in one colour over the layer, its left top corner at `(left, top)`, clipped. */
export function drawMask(layer: Layer, runs: MaskRuns, left: number, top: number, color: Color): void {
  const { pixels, width, height } = layer;
  const tint = tintOf(color);
  for (let next = 0; next < runs.length; ) {
    const x = left + runs[next]!;
    const y = top + runs[next + 1]!;
    const count = runs[next + 2]!;
    const levels = next + 3;
    next = levels + count;
    if (x < 0 || x >= width || y >= height || y + count <= 0) continue;
    const last = Math.min(count, height - y);
    const column = x * height + y;
    for (let i = Math.max(0, -y); i < last; i++) {
      const below = pixels[column + i]!;
      const above = tint[runs[levels + i]!]!;
      pixels[column + i] = below === 0 || above >>> 24 === 255 ? above : packedOver(below, above);
    }
    widenColumn(layer, x, Math.max(0, y), y + last);
  }
}

/** Puts the layer over a picture of the same size. */
export function composeOver({ data, offset, width, height }: Picture, { pixels, top, bottom }: Layer): void {
  const row = width * 3;
  for (let x = 0; x < width; x++) {
    const end = x * height + bottom[x]!;
    let i = offset + top[x]! * row + x * 3;
    for (let source = x * height + top[x]!; source < end; source++, i += row) {
      const pixel = pixels[source]!;
      if (pixel === 0) continue;
      const rest = 255 - (pixel >>> 24);
      data[i] = over(data[i]!, pixel & 255, rest);
      data[i + 1] = over(data[i + 1]!, (pixel >>> 8) & 255, rest);
      data[i + 2] = over(data[i + 2]!, (pixel >>> 16) & 255, rest);
    }
  }
}

/** The smallest box round all that is drawn on the layer. */
export function layerBox({ pixels, width, height, top, bottom }: Layer): Box {
  let [left, right, first, last] = [width, -1, height, -1];
  for (let x = 0; x < width; x++) {
    const column = x * height;
    let start = top[x]!;
    let end = bottom[x]!;
    while (start < end && pixels[column + start] === 0) start++;
    if (start >= end) continue;
    while (pixels[column + end - 1] === 0) end--;
    if (right < 0) left = x;
    right = x;
    if (start < first) first = start;
    if (end > last) last = end;
  }
  return right < 0
    ? { x: 0, y: 0, width: 0, height: 0 }
    : { x: left, y: first, width: right - left + 1, height: last - first };
}

/** `floor(257 below rest / 255)` at `below << 8 | rest`: what stays of a value of 16 bits under an opacity of `255 - rest`. */
const KEPT = new Uint16Array(0x10000);
for (let i = 0; i < KEPT.length; i++) KEPT[i] = Math.floor((257 * (i >> 8) * (i & 255)) / 255);

/** Source-over of premultiplied 8-bit values, computed in 16 bits and cut to 8 as Go's image/draw does. */
function over(below: number, above: number, rest: number): number {
  return (KEPT[(below << 8) | rest]! + above * 257) >> 8;
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
