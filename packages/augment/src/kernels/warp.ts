import type { FloatImage, Image } from '@proj/core';
import { type AnyImage, type Fill, freshLike, isBytes, paint, type Shape, withData } from '../image.js';
import { copyOf } from '../memory.js';
import { withPremultipliedAlpha } from './alpha.js';
import { Workspace } from './workspace.js';

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
export function warp(image: AnyImage, options: WarpOptions, rowMap: RowMap): AnyImage {
  const gather = (source: AnyImage) =>
    isBytes(source) ? gatherBytes(source, options, rowMap) : gatherFloats(source, options, rowMap);
  return options.interpolation === 'nearest' ? gather(image) : withPremultipliedAlpha(image, gather);
}

function gatherBytes(image: Image, { interpolation, fill, width, height }: WarpOptions, rowMap: RowMap): Image {
  const { channels } = image;
  const shape = { width: width ?? image.width, height: height ?? image.height, channels };
  const length = shape.width * channels;
  const workspace = new Workspace();
  const row = interpolation === 'nearest' ? workspace.kernels.nearestRow : workspace.kernels.bilinearRow;
  const source = workspace.put(image.data);
  const target = workspace.room(shape.height * length);
  const places = [workspace.room(8 * shape.width), workspace.room(8 * shape.width)] as const;
  const [xs, ys] = [workspace.doubles(places[0], shape.width), workspace.doubles(places[1], shape.width)];
  const result = workspace.bytes(target, shape.height * length);
  paint(withData<Image>(shape, result), fill);
  for (let y = 0; y < shape.height; y++) {
    rowMap(y, xs, ys);
    row(source, image.width, image.height, channels, target + y * length, shape.width, ...places);
  }
  return withData<Image>(shape, copyOf(result));
}

function gatherFloats(
  image: FloatImage,
  { interpolation, fill, width, height }: WarpOptions,
  rowMap: RowMap,
): FloatImage {
  const out = freshLike(image, {
    width: width ?? image.width,
    height: height ?? image.height,
    channels: image.channels,
  });
  paint(out, fill);
  const xs = new Float64Array(out.width);
  const ys = new Float64Array(out.width);
  for (let y = 0; y < out.height; y++) {
    rowMap(y, xs, ys);
    if (interpolation === 'nearest') nearestRow(image, out, y, xs, ys);
    else bilinearRow(image, out, y, xs, ys);
  }
  return out;
}

function nearestRow(image: FloatImage, out: FloatImage, y: number, xs: Float64Array, ys: Float64Array): void {
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

function bilinearRow(image: FloatImage, out: FloatImage, y: number, xs: Float64Array, ys: Float64Array): void {
  const { data, width, height, channels } = image;
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
      out.data[to + c] = above + (below - above) * dy;
    }
  }
}

function nearestAffine(image: AnyImage, matrix: AffineMatrix, width: number, height: number, fill: Fill): AnyImage {
  const { data, channels } = image;
  const shape = { width, height, channels };
  if (isBytes(image)) {
    const workspace = new Workspace();
    const source = workspace.put(image.data);
    const target = workspace.room(width * height * channels);
    const result = workspace.bytes(target, width * height * channels);
    paint(withData<Image>(shape, result), fill);
    eachLine(image, matrix, shape, ({ to, count, x, y, stepX, stepY }) => {
      workspace.kernels.walk(source, image.width, channels, target + to, count, x, stepX, y, stepY);
    });
    return withData<Image>(shape, copyOf(result));
  }
  const out = freshLike(image, shape);
  paint(out, fill);
  eachLine(image, matrix, shape, ({ to, count, x, y, stepX, stepY }) => {
    for (let i = 0; i < count; i++) {
      const from = (((y + i * stepY) >> 16) * image.width + ((x + i * stepX) >> 16)) * channels;
      for (let c = 0; c < channels; c++) out.data[to + i * channels + c] = data[from + c]!;
    }
  });
  return out;
}

/** Pixels of a row of the result that lie in the source, on a line; places and steps in 65536ths of a pixel. */
interface Line {
  /** The first one's place in the result's values. */
  readonly to: number;
  readonly count: number;
  readonly x: number;
  readonly y: number;
  readonly stepX: number;
  readonly stepY: number;
}

/** In the order in which Pillow adds the steps. */
function eachLine(from: Shape, [a, b, c, d, e, f]: AffineMatrix, to: Shape, take: (line: Line) => void): void {
  const fixed = (value: number) => Math.floor(value * 65536 + 0.5) | 0;
  const [stepX, stepY] = [fixed(a), fixed(d)];
  let x = fixed(c + a * 0.5 + b * 0.5);
  let y = fixed(f + d * 0.5 + e * 0.5);
  for (let row = 0; row < to.height; row++) {
    const [start, end] = insideSpan(x, stepX, from.width, y, stepY, from.height, to.width);
    take({
      to: (row * to.width + start) * to.channels,
      count: end - start,
      x: x + start * stepX,
      y: y + start * stepY,
      stepX,
      stepY,
    });
    x = (x + fixed(b)) | 0;
    y = (y + fixed(e)) | 0;
  }
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
