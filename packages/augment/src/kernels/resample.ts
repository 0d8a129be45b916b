import { type AnyImage, blankLike, isBytes, type Shape } from '../image.js';
import { withPremultipliedAlpha } from './alpha.js';

/** `area` is Pillow's `BOX`; `bilinear` widens its triangle where a picture shrinks, which avoids aliasing. */
export type ResizeInterpolation = 'bilinear' | 'nearest' | 'area';

/** A part of a picture, in whole pixels. */
export interface Box {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/** Bits after the point of the weights, as Pillow has them for channels of 8 bits. */
const PRECISION = 22;
const HALF = 1 << (PRECISION - 1);

/** For each position of the result the positions of the source that it is made of. */
interface Axis {
  readonly first: Int32Array;
  readonly count: Int32Array;
  /** `taps` a position, of which the first `count` matter; fixed-point for bytes. */
  readonly weights: Int32Array | Float64Array;
  readonly taps: number;
}

/**
 * Resizes the part `box` of a picture as if it had been cut out before: as Pillow's `crop` and `resize`, horizontally
 * first. Equal to it on bytes, but for up to one level where Pillow 13 goes vertically first.
 */
export function resample(
  image: AnyImage,
  box: Box,
  { width, height }: Pick<Shape, 'width' | 'height'>,
  interpolation: ResizeInterpolation,
): AnyImage {
  if (interpolation === 'nearest') return nearest(image, box, width, height);
  return withPremultipliedAlpha(image, (source) => filtered(source, box, width, height, interpolation === 'area'));
}

function filtered(image: AnyImage, box: Box, width: number, height: number, area: boolean): AnyImage {
  const { channels } = image;
  const bytes = isBytes(image);
  let { data } = image;
  let stride = image.width * channels;
  let start = box.top * stride + box.left * channels;
  if (width !== box.width || height === box.height) {
    const wide = blankLike(image, { width, height: box.height, channels });
    const axis = axisOf(box.width, width, area, bytes);
    const lines = { start, stride, count: box.height, channels };
    if (bytes) byteRows(image.data, wide.data as Uint8ClampedArray, axis, lines);
    else floatRows(image.data as Float32Array, wide.data as Float32Array, axis, lines);
    if (height === box.height) return wide;
    ({ data } = wide);
    stride = width * channels;
    start = 0;
  }
  const out = blankLike(image, { width, height, channels });
  const axis = axisOf(box.height, height, area, bytes);
  const lines = { start, stride, count: width * channels };
  if (bytes) byteColumns(data as Uint8ClampedArray, out.data as Uint8ClampedArray, axis, lines);
  else floatColumns(data as Float32Array, out.data as Float32Array, axis, lines);
  return out;
}

/** A triangle or a box as wide as the scale, at least a pixel; pixel centres lie at +0.5 (Pillow's `Resample.c`). */
function axisOf(from: number, to: number, area: boolean, bytes: boolean): Axis {
  const scale = from / to;
  const width = Math.max(scale, 1);
  const support = area ? width / 2 : width;
  const taps = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(to);
  const count = new Int32Array(to);
  const weights = bytes ? new Int32Array(to * taps) : new Float64Array(to * taps);
  const exact = new Float64Array(taps);
  for (let position = 0; position < to; position++) {
    const center = (position + 0.5) * scale;
    const start = Math.max(0, Math.trunc(center - support + 0.5));
    const end = Math.min(from, Math.trunc(center + support + 0.5));
    let total = 0;
    for (let k = 0; k < end - start; k++) {
      const distance = (start + k - center + 0.5) * (1 / width);
      exact[k] = area ? (distance > -0.5 && distance <= 0.5 ? 1 : 0) : Math.max(0, 1 - Math.abs(distance));
      total += exact[k]!;
    }
    for (let k = 0; k < end - start; k++) {
      const weight = exact[k]! / total;
      weights[position * taps + k] = bytes ? Math.trunc(0.5 + weight * 2 ** PRECISION) : weight;
    }
    first[position] = start;
    count[position] = end - start;
  }
  return { first, count, weights, taps };
}

/** Where the rows of the source lie. */
interface Lines {
  readonly start: number;
  readonly stride: number;
  readonly count: number;
}

/** Along the rows. The loops of 1, 3 and 4 channels differ by their sums alone: V8 keeps those in registers. */
function byteRows(
  source: Uint8ClampedArray,
  target: Uint8ClampedArray,
  { first, count, weights, taps }: Axis,
  { start, stride, count: rows, channels }: Lines & { readonly channels: number },
): void {
  const width = first.length;
  let to = 0;
  for (let row = 0; row < rows; row++) {
    const line = start + row * stride;
    for (let x = 0; x < width; x++) {
      let weight = x * taps;
      const last = weight + count[x]!;
      let from = line + first[x]! * channels;
      if (channels === 3) {
        let r = HALF;
        let g = HALF;
        let b = HALF;
        for (; weight < last; weight++, from += 3) {
          const w = weights[weight]!;
          r = (r + Math.imul(source[from]!, w)) | 0;
          g = (g + Math.imul(source[from + 1]!, w)) | 0;
          b = (b + Math.imul(source[from + 2]!, w)) | 0;
        }
        target[to] = r >> PRECISION;
        target[to + 1] = g >> PRECISION;
        target[to + 2] = b >> PRECISION;
        to += 3;
      } else if (channels === 1) {
        let sum = HALF;
        for (; weight < last; weight++, from++) sum = (sum + Math.imul(source[from]!, weights[weight]!)) | 0;
        target[to++] = sum >> PRECISION;
      } else {
        for (let c = 0; c < channels; c++) {
          let sum = HALF;
          for (let k = 0; k < last - weight; k++) {
            sum = (sum + Math.imul(source[from + k * channels + c]!, weights[weight + k]!)) | 0;
          }
          target[to++] = sum >> PRECISION;
        }
      }
    }
  }
}

/** Across the rows, a whole row at a time; two or three source rows, the usual numbers, in one go. */
function byteColumns(
  source: Uint8ClampedArray,
  target: Uint8ClampedArray,
  { first, count, weights, taps }: Axis,
  { start, stride, count: length }: Lines,
): void {
  const sums = new Int32Array(length);
  for (let y = 0, to = 0; y < first.length; y++, to += length) {
    const from = start + first[y]! * stride;
    const w0 = weights[y * taps]!;
    const w1 = weights[y * taps + 1]!;
    const w2 = weights[y * taps + 2]!;
    if (count[y]! === 1) {
      for (let i = 0; i < length; i++) target[to + i] = source[from + i]!;
    } else if (count[y]! === 2) {
      for (let i = 0; i < length; i++) {
        const sum = HALF + Math.imul(source[from + i]!, w0) + Math.imul(source[from + stride + i]!, w1);
        target[to + i] = sum >> PRECISION;
      }
    } else if (count[y]! === 3) {
      const third = from + 2 * stride;
      for (let i = 0; i < length; i++) {
        const two = HALF + Math.imul(source[from + i]!, w0) + Math.imul(source[from + stride + i]!, w1);
        target[to + i] = (two + Math.imul(source[third + i]!, w2)) >> PRECISION;
      }
    } else {
      sums.fill(HALF);
      for (let k = 0; k < count[y]!; k++) {
        const weight = weights[y * taps + k]!;
        const line = from + k * stride;
        for (let i = 0; i < length; i++) sums[i] = (sums[i]! + Math.imul(source[line + i]!, weight)) | 0;
      }
      for (let i = 0; i < length; i++) target[to + i] = sums[i]! >> PRECISION;
    }
  }
}

function floatRows(
  source: Float32Array,
  target: Float32Array,
  { first, count, weights, taps }: Axis,
  { start, stride, count: rows, channels }: Lines & { readonly channels: number },
): void {
  let to = 0;
  for (let row = 0; row < rows; row++) {
    for (let x = 0; x < first.length; x++) {
      const from = start + row * stride + first[x]! * channels;
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let k = 0; k < count[x]!; k++) sum += source[from + k * channels + c]! * weights[x * taps + k]!;
        target[to++] = sum;
      }
    }
  }
}

function floatColumns(
  source: Float32Array,
  target: Float32Array,
  { first, count, weights, taps }: Axis,
  { start, stride, count: length }: Lines,
): void {
  const sums = new Float64Array(length);
  for (let y = 0; y < first.length; y++) {
    sums.fill(0);
    for (let k = 0; k < count[y]!; k++) {
      const weight = weights[y * taps + k]!;
      const line = start + (first[y]! + k) * stride;
      for (let i = 0; i < length; i++) sums[i]! += source[line + i]! * weight;
    }
    target.set(sums, y * length);
  }
}

/** Pillow adds up the steps, and so do we: its rounding decides ties. */
function nearest(image: AnyImage, box: Box, width: number, height: number): AnyImage {
  const { data, channels } = image;
  const out = blankLike(image, { width, height, channels });
  const columns = new Int32Array(width);
  const step = box.width / width;
  for (let x = 0, at = step * 0.5; x < width; x++, at += step) {
    columns[x] = (box.left + Math.min(box.width - 1, Math.trunc(at))) * channels;
  }
  const rowStep = box.height / height;
  let to = 0;
  for (let y = 0, at = rowStep * 0.5; y < height; y++, at += rowStep) {
    const line = (box.top + Math.min(box.height - 1, Math.trunc(at))) * image.width * channels;
    for (let x = 0; x < width; x++) {
      const from = line + columns[x]!;
      for (let c = 0; c < channels; c++) out.data[to++] = data[from + c]!;
    }
  }
  return out;
}
