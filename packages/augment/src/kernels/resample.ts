import { type AnyImage, freshLike, isBytes, type Shape } from '../image.js';
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

/** For each position of the result where its `taps` neighbours in the source begin, and what each of them weighs. */
interface Axis {
  readonly first: Int32Array;
  /** Fixed-point for bytes. */
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
  const out = freshLike(image, { width, height, channels });
  const bytes = isBytes(image);
  const across = width === box.width ? undefined : axisOf(box.width, width, area, bytes);
  const down = height === box.height ? undefined : axisOf(box.height, height, area, bytes);
  const source = {
    data: image.data,
    start: (box.top * image.width + box.left) * channels,
    stride: image.width * channels,
  };
  const length = width * channels;
  if (down === undefined) {
    const row = across === undefined ? copyRow : bytes ? byteRow : floatRow;
    for (let y = 0; y < height; y++) {
      row(source.data, source.start + y * source.stride, out.data, y * length, across!, channels, length);
    }
    return out;
  }
  const merge = bytes ? mergeByteRows : mergeFloatRows;
  const places = new Int32Array(down.taps);
  if (across === undefined) {
    for (let y = 0; y < height; y++) {
      for (let k = 0; k < down.taps; k++) places[k] = source.start + (down.first[y]! + k) * source.stride;
      merge(source.data, places, down, y, out.data, length);
    }
    return out;
  }
  // Of the rows that are resized already just those are kept that the next rows of the result need.
  const ring = bytes ? new Uint8ClampedArray(down.taps * length) : new Float32Array(down.taps * length);
  const row = bytes ? byteRow : floatRow;
  for (let y = 0, done = 0; y < height; y++) {
    const first = down.first[y]!;
    for (done = Math.max(done, first); done < first + down.taps; done++) {
      row(source.data, source.start + done * source.stride, ring, (done % down.taps) * length, across, channels);
    }
    for (let k = 0; k < down.taps; k++) places[k] = ((first + k) % down.taps) * length;
    merge(ring, places, down, y, out.data, length);
  }
  return out;
}

/** A triangle or a box as wide as the scale, at least a pixel; pixel centres lie at +0.5 (Pillow's `Resample.c`). */
function axisOf(from: number, to: number, area: boolean, bytes: boolean): Axis {
  const scale = from / to;
  const width = Math.max(scale, 1);
  const support = area ? width / 2 : width;
  const starts = new Int32Array(to);
  let taps = 1;
  const endOf = (position: number) => Math.min(from, Math.trunc((position + 0.5) * scale + support + 0.5));
  for (let position = 0; position < to; position++) {
    starts[position] = Math.max(0, Math.trunc((position + 0.5) * scale - support + 0.5));
    taps = Math.max(taps, endOf(position) - starts[position]!);
  }
  const first = new Int32Array(to);
  const weights = bytes ? new Int32Array(to * taps) : new Float64Array(to * taps);
  const exact = new Float64Array(taps);
  for (let position = 0; position < to; position++) {
    const center = (position + 0.5) * scale;
    const start = starts[position]!;
    const count = endOf(position) - start;
    let total = 0;
    for (let k = 0; k < count; k++) {
      const distance = (start + k - center + 0.5) * (1 / width);
      exact[k] = area ? (distance > -0.5 && distance <= 0.5 ? 1 : 0) : Math.max(0, 1 - Math.abs(distance));
      total += exact[k]!;
    }
    // All positions have equally many neighbours, so that loops can be unrolled; those too many weigh nothing.
    first[position] = Math.min(start, from - taps);
    const offset = position * taps + start - first[position]!;
    for (let k = 0; k < count; k++) {
      const weight = exact[k]! / total;
      weights[offset + k] = bytes ? Math.trunc(0.5 + weight * 2 ** PRECISION) : weight;
    }
  }
  return { first, weights, taps };
}

type Values = Uint8ClampedArray | Float32Array;

function copyRow(source: Values, from: number, target: Values, to: number, _: Axis, __: number, length: number): void {
  for (let i = 0; i < length; i++) target[to + i] = source[from + i]!;
}

/** Resizes the row at `from` to the row at `to`; the usual numbers of channels and neighbours have loops of their own. */
function byteRow(
  source: Values,
  from: number,
  target: Values,
  to: number,
  { first, weights, taps }: Axis,
  channels: number,
): void {
  if (channels === 3 && taps === 2) byteRowOfPairs(source, from, target, to, first, weights);
  else if (channels === 3) byteRowOfRgb(source, from, target, to, first, weights, taps);
  else {
    for (let x = 0; x < first.length; x++) {
      for (let c = 0; c < channels; c++) {
        const place = from + first[x]! * channels + c;
        let sum = HALF;
        for (let k = 0; k < taps; k++) {
          sum = (sum + Math.imul(source[place + k * channels]!, weights[x * taps + k]!)) | 0;
        }
        target[to + x * channels + c] = sum >> PRECISION;
      }
    }
  }
}

function byteRowOfPairs(
  source: Values,
  from: number,
  target: Values,
  to: number,
  first: Int32Array,
  weights: Int32Array | Float64Array,
): void {
  for (let x = 0; x < first.length; x++, to += 3) {
    const place = from + 3 * first[x]!;
    const w0 = weights[2 * x]!;
    const w1 = weights[2 * x + 1]!;
    target[to] = (HALF + Math.imul(source[place]!, w0) + Math.imul(source[place + 3]!, w1)) >> PRECISION;
    target[to + 1] = (HALF + Math.imul(source[place + 1]!, w0) + Math.imul(source[place + 4]!, w1)) >> PRECISION;
    target[to + 2] = (HALF + Math.imul(source[place + 2]!, w0) + Math.imul(source[place + 5]!, w1)) >> PRECISION;
  }
}

function byteRowOfRgb(
  source: Values,
  from: number,
  target: Values,
  to: number,
  first: Int32Array,
  weights: Int32Array | Float64Array,
  taps: number,
): void {
  let weight = 0;
  for (let x = 0; x < first.length; x++, to += 3) {
    let place = from + 3 * first[x]!;
    let r = HALF;
    let g = HALF;
    let b = HALF;
    for (const end = weight + taps; weight < end; weight++, place += 3) {
      const w = weights[weight]!;
      r = (r + Math.imul(source[place]!, w)) | 0;
      g = (g + Math.imul(source[place + 1]!, w)) | 0;
      b = (b + Math.imul(source[place + 2]!, w)) | 0;
    }
    target[to] = r >> PRECISION;
    target[to + 1] = g >> PRECISION;
    target[to + 2] = b >> PRECISION;
  }
}

function floatRow(
  source: Values,
  from: number,
  target: Values,
  to: number,
  { first, weights, taps }: Axis,
  channels: number,
): void {
  for (let x = 0; x < first.length; x++) {
    for (let c = 0; c < channels; c++) {
      const place = from + first[x]! * channels + c;
      let sum = 0;
      for (let k = 0; k < taps; k++) sum += source[place + k * channels]! * weights[x * taps + k]!;
      target[to + x * channels + c] = sum;
    }
  }
}

/** Row `y` of the result out of the rows that begin at `places`. */
function mergeByteRows(
  source: Values,
  places: Int32Array,
  axis: Axis,
  y: number,
  target: Values,
  length: number,
): void {
  const { weights, taps } = axis;
  const to = y * length;
  const p0 = places[0]!;
  const w0 = weights[y * taps]!;
  if (taps === 2 || taps === 3) {
    const p1 = places[1]!;
    const w1 = weights[y * taps + 1]!;
    // A third neighbour that weighs nothing may be any.
    const p2 = taps === 3 ? places[2]! : p0;
    const w2 = taps === 3 ? weights[y * taps + 2]! : 0;
    if (w2 === 0) {
      for (let i = 0; i < length; i++) {
        target[to + i] = (HALF + Math.imul(source[p0 + i]!, w0) + Math.imul(source[p1 + i]!, w1)) >> PRECISION;
      }
      return;
    }
    for (let i = 0; i < length; i++) {
      const pair = HALF + Math.imul(source[p0 + i]!, w0) + Math.imul(source[p1 + i]!, w1);
      target[to + i] = (pair + Math.imul(source[p2 + i]!, w2)) >> PRECISION;
    }
    return;
  }
  for (let i = 0; i < length; i++) {
    let sum = HALF;
    for (let k = 0; k < taps; k++) sum = (sum + Math.imul(source[places[k]! + i]!, weights[y * taps + k]!)) | 0;
    target[to + i] = sum >> PRECISION;
  }
}

function mergeFloatRows(
  source: Values,
  places: Int32Array,
  axis: Axis,
  y: number,
  target: Values,
  length: number,
): void {
  const { weights, taps } = axis;
  for (let i = 0; i < length; i++) {
    let sum = 0;
    for (let k = 0; k < taps; k++) sum += source[places[k]! + i]! * weights[y * taps + k]!;
    target[y * length + i] = sum;
  }
}

/** Pillow adds up the steps, and so do we: its rounding decides ties. */
function nearest(image: AnyImage, box: Box, width: number, height: number): AnyImage {
  const { data, channels } = image;
  const out = freshLike(image, { width, height, channels });
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
