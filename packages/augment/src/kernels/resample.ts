import type { FloatImage, Image } from '@proj/core';
import { type AnyImage, freshLike, isBytes, type Shape, withData } from '../image.js';
import { copyOf, takeFloats } from '../memory.js';
import { withPremultipliedAlpha } from './alpha.js';
import { type Axis, axisOf } from './axis.js';
import { Workspace } from './workspace.js';

/** `area` is Pillow's `BOX`; `bilinear` widens its triangle where a picture shrinks, which avoids aliasing. */
export type ResizeInterpolation = 'bilinear' | 'nearest' | 'area';

/** A part of a picture, in whole pixels. */
export interface Box {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
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
  const axis = (from: number, to: number) => (from === to ? undefined : axisOf(from, to, interpolation === 'area'));
  const across = axis(box.width, width);
  const down = axis(box.height, height);
  return withPremultipliedAlpha(image, (source) => {
    const data = isBytes(source) ? filterBytes(source, box, across, down) : filterFloats(source, box, across, down);
    return withData<AnyImage>({ width, height, channels: image.channels }, data);
  });
}

/** Rows in a workspace. */
interface Rows {
  readonly area: number;
  readonly count: number;
  /** Bytes of a row, and from one row to the next. */
  readonly length: number;
  readonly stride: number;
}

function filterBytes(image: Image, box: Box, across: Axis | undefined, down: Axis | undefined): Uint8ClampedArray {
  const workspace = new Workspace();
  const rows = across === undefined ? copyRows(workspace, image, box) : resizeRows(workspace, image, box, across);
  const { area, count, length } = down === undefined ? rows : mergeRows(workspace, rows, down);
  return copyOf(workspace.bytes(area, count * length));
}

/** The picture's rows from `top` to `bottom` as far as they lie in the box, and what stands between them. */
function rowsOf({ data, width, channels }: Image, { left, width: wide }: Box, top: number, bottom: number) {
  const start = (top * width + left) * channels;
  return data.subarray(start, start + ((bottom - top - 1) * width + wide) * channels);
}

function copyRows(workspace: Workspace, image: Image, box: Box): Rows {
  const { width, channels } = image;
  const area = workspace.put(rowsOf(image, box, box.top, box.top + box.height));
  return { area, count: box.height, length: box.width * channels, stride: width * channels };
}

/** Bytes that are copied at once, so that a large picture need not fit into the workspace. */
const PORTION = 2 ** 18;

function resizeRows(workspace: Workspace, image: Image, box: Box, axis: Axis): Rows {
  const { channels } = image;
  const width = axis.first.length;
  const length = width * channels;
  const stride = image.width * channels;
  const weights = putAxis(workspace, axis);
  const area = workspace.room(box.height * length);
  const portion = Math.max(1, Math.floor(PORTION / stride));
  const copy = workspace.room(portion * stride);
  for (let y = 0; y < box.height; y += portion) {
    const count = Math.min(portion, box.height - y);
    workspace.write(copy, rowsOf(image, box, box.top + y, box.top + y + count));
    workspace.kernels.resampleRows(copy, stride, area + y * length, length, count, channels, width, ...weights);
  }
  return { area, count: box.height, length, stride: length };
}

function mergeRows(workspace: Workspace, { area, length, stride }: Rows, axis: Axis): Rows {
  const count = axis.first.length;
  const weights = putAxis(workspace, axis);
  const merged = workspace.room(count * length);
  workspace.kernels.resampleColumns(area, stride, merged, count, length, ...weights);
  return { area: merged, count, length, stride: length };
}

/** Weights are in whole numbers with 22 bits after the point, as Pillow has them for bytes. */
function putAxis(workspace: Workspace, { first, weights, taps }: Axis) {
  const rounded = new Int32Array(weights.map((weight) => 0.5 + weight * 2 ** 22)); // truncates
  return [workspace.put(first), workspace.put(rounded), taps] as const;
}

function filterFloats(image: FloatImage, box: Box, across: Axis | undefined, down: Axis | undefined): Float32Array {
  const { data, channels } = image;
  const length = (across?.first.length ?? box.width) * channels;
  const rows = takeFloats(box.height * length);
  for (let y = 0; y < box.height; y++) {
    const start = ((box.top + y) * image.width + box.left) * channels;
    const row = rows.subarray(y * length, (y + 1) * length);
    if (across === undefined) row.set(data.subarray(start, start + length));
    else weigh(data, start, channels, across, row);
  }
  if (down === undefined) return rows;
  const merged = takeFloats(down.first.length * length);
  weigh(rows, 0, length, down, merged);
  return merged;
}

/** Each position along an axis is made of its neighbours, which are blocks of `size` values: pixels of a row, or whole rows. */
function weigh(
  source: Float32Array,
  start: number,
  size: number,
  { first, weights, taps }: Axis,
  target: Float32Array,
): void {
  for (let position = 0; position < first.length; position++) {
    const from = start + first[position]! * size;
    for (let i = 0; i < size; i++) {
      let sum = 0;
      for (let k = 0; k < taps; k++) sum += source[from + k * size + i]! * weights[position * taps + k]!;
      target[position * size + i] = sum;
    }
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
