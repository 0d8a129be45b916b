import { type AnyImage, type Fill, fillOf, freshLike, paint } from '../image.js';
import { withPremultipliedAlpha } from './alpha.js';

export type Interpolation = 'nearest' | 'bilinear';

/** How the pixels outside the source are filled, and how those between its pixels are computed. */
export interface WarpOptions {
  readonly interpolation: Interpolation;
  readonly fill: Fill;
  /** Size of the result; by default the picture's. */
  readonly width?: number;
  readonly height?: number;
}

/** Maps a point of the result to one of the source: `x' = a x + b y + c`, `y' = d x + e y + f`. */
export type AffineMatrix = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

/** `x' = (a x + b y + c) / (g x + h y + 1)`, `y' = (d x + e y + f) / (g x + h y + 1)`. */
export type PerspectiveCoefficients = readonly [
  a: number,
  b: number,
  c: number,
  d: number,
  e: number,
  f: number,
  g: number,
  h: number,
];

/** Where the pixels of one row of the result lie in the source, pixel centres at +0.5. */
type RowMap = (y: number, xs: Float64Array, ys: Float64Array) => void;

/**
 * Pillow's `Image.transform` with AFFINE: nearest steps in 16-bit fixed point, bilinear goes in doubles and truncates.
 */
export function warpAffine(image: AnyImage, matrix: AffineMatrix, options: WarpOptions): AnyImage {
  const [a, b, c, d, e, f] = matrix;
  const { width = image.width, height = image.height } = options;
  const nearest = options.interpolation === 'nearest';
  if (nearest && b === 0 && d === 0) {
    // Pillow adds up the steps, and their rounding decides ties.
    const columns = sumsOf(c + a * 0.5, a, width);
    const rows = sumsOf(f + e * 0.5, e, height);
    return warp(image, options, (y, xs, ys) => {
      xs.set(columns);
      ys.fill(rows[y]!);
    });
  }
  const corners = [0, width].flatMap((x) => [0, height].flatMap((y) => [a * x + b * y + c, d * x + e * y + f]));
  if (nearest && corners.every((place) => Math.abs(place) < 32768)) {
    return nearestAffine(image, matrix, width, height, options.fill);
  }
  return warp(image, options, (y, xs, ys) => {
    for (let x = 0; x < width; x++) {
      xs[x] = a * (x + 0.5) + b * (y + 0.5) + c;
      ys[x] = d * (x + 0.5) + e * (y + 0.5) + f;
    }
  });
}

function sumsOf(start: number, step: number, count: number): Float64Array {
  const sums = new Float64Array(count);
  for (let i = 0, sum = start; i < count; i++, sum += step) sums[i] = sum;
  return sums;
}

/** Pillow's `Image.transform` with PERSPECTIVE. */
export function warpPerspective(
  image: AnyImage,
  [a, b, c, d, e, f, g, h]: PerspectiveCoefficients,
  options: WarpOptions,
): AnyImage {
  return warp(image, options, (y, xs, ys) => {
    const v = y + 0.5;
    for (let x = 0; x < xs.length; x++) {
      const u = x + 0.5;
      const divisor = g * u + h * v + 1;
      xs[x] = (a * u + b * v + c) / divisor;
      ys[x] = (d * u + e * v + f) / divisor;
    }
  });
}

/**
 * Takes each pixel from where `rowMap` says. A place outside the picture is filled; within half a pixel of its border
 * the border's colour goes on, as in Pillow.
 */
export function warp(image: AnyImage, { interpolation, fill, width, height }: WarpOptions, rowMap: RowMap): AnyImage {
  const gather = (source: AnyImage) => {
    const out = freshLike(source, {
      width: width ?? source.width,
      height: height ?? source.height,
      channels: source.channels,
    });
    paint(out, fill);
    const xs = new Float64Array(out.width);
    const ys = new Float64Array(out.width);
    for (let y = 0; y < out.height; y++) {
      rowMap(y, xs, ys);
      if (interpolation === 'nearest') nearestRow(source, out, y, xs, ys);
      else bilinearRow(source, out, y, xs, ys);
    }
    return out;
  };
  return interpolation === 'nearest' ? gather(image) : withPremultipliedAlpha(image, gather);
}

function nearestRow(image: AnyImage, out: AnyImage, y: number, xs: Float64Array, ys: Float64Array): void {
  const { data, width, height, channels } = image;
  let to = y * out.width * channels;
  for (let x = 0; x < xs.length; x++, to += channels) {
    const u = xs[x]!;
    const v = ys[x]!;
    if (!(u >= 0 && u < width && v >= 0 && v < height)) continue;
    const from = ((v | 0) * width + (u | 0)) * channels;
    for (let c = 0; c < channels; c++) out.data[to + c] = data[from + c]!;
  }
}

function bilinearRow(image: AnyImage, out: AnyImage, y: number, xs: Float64Array, ys: Float64Array): void {
  const { data, width, height, channels } = image;
  const target = out.data;
  const truncates = !(data instanceof Float32Array);
  let to = y * out.width * channels;
  for (let x = 0; x < xs.length; x++, to += channels) {
    const u = xs[x]!;
    const v = ys[x]!;
    if (!(u >= 0 && u < width && v >= 0 && v < height)) continue;
    const column = Math.floor(u - 0.5);
    const row = Math.floor(v - 0.5);
    const dx = u - 0.5 - column;
    const dy = v - 0.5 - row;
    const upper = Math.max(0, row) * width;
    const lower = Math.min(height - 1, row + 1) * width;
    const left = Math.max(0, column);
    const right = Math.min(width - 1, column + 1);
    const upperLeft = (upper + left) * channels;
    const upperRight = (upper + right) * channels;
    const lowerLeft = (lower + left) * channels;
    const lowerRight = (lower + right) * channels;
    for (let c = 0; c < channels; c++) {
      const a = data[upperLeft + c]!;
      const b = data[lowerLeft + c]!;
      const above = a + (data[upperRight + c]! - a) * dx;
      const below = b + (data[lowerRight + c]! - b) * dx;
      const value = above + (below - above) * dy;
      target[to + c] = truncates ? value | 0 : value;
    }
  }
}

/** Steps of 1/65536 of a pixel, in the order in which Pillow adds them. */
function nearestAffine(
  image: AnyImage,
  [a, b, c, d, e, f]: AffineMatrix,
  width: number,
  height: number,
  fill: Fill,
): AnyImage {
  const { data, channels } = image;
  const fixed = (value: number) => Math.floor(value * 65536 + 0.5) | 0;
  const out = freshLike(image, { width, height, channels });
  const target = out.data;
  paint(out, fillOf(fill, channels));
  const [right, down] = [image.width, image.height];
  const [a0, a3] = [fixed(a), fixed(d)];
  let rowX = fixed(c + a * 0.5 + b * 0.5);
  let rowY = fixed(f + d * 0.5 + e * 0.5);
  for (let y = 0; y < height; y++) {
    const [start, end] = insideSpan(rowX, a0, right, rowY, a3, down, width);
    let xx = rowX + start * a0;
    let yy = rowY + start * a3;
    let to = (y * width + start) * channels;
    if (channels === 3) {
      for (let x = start; x < end; x++, to += 3) {
        const from = (Math.imul(yy >> 16, right) + (xx >> 16)) * 3;
        xx = (xx + a0) | 0;
        yy = (yy + a3) | 0;
        target[to] = data[from]!;
        target[to + 1] = data[from + 1]!;
        target[to + 2] = data[from + 2]!;
      }
    } else {
      for (let x = start; x < end; x++, to += channels) {
        const from = ((yy >> 16) * right + (xx >> 16)) * channels;
        xx = (xx + a0) | 0;
        yy = (yy + a3) | 0;
        for (let k = 0; k < channels; k++) target[to + k] = data[from + k]!;
      }
    }
    rowX = (rowX + fixed(b)) | 0;
    rowY = (rowY + fixed(e)) | 0;
  }
  return out;
}

/** The columns of a row, from and to, whose places lie inside; a place is a line along the row, so that they lie together. */
function insideSpan(
  x: number,
  stepX: number,
  right: number,
  y: number,
  stepY: number,
  down: number,
  width: number,
): readonly [start: number, end: number] {
  let start = 0;
  let end = width;
  for (const [place, step, limit] of [
    [x, stepX, right * 65536],
    [y, stepY, down * 65536],
  ] as const) {
    if (step === 0) {
      if (place < 0 || place >= limit) return [0, 0];
      continue;
    }
    // Where the line crosses 0 and the limit; doubles hold these quotients finely enough for the next whole number.
    const [low, high] =
      step > 0 ? [-place / step, (limit - place) / step] : [(limit - 1 - place) / step, (-1 - place) / step];
    start = Math.max(start, Math.ceil(low));
    end = Math.min(end, Math.ceil(high));
  }
  return [start, Math.max(start, end)];
}
