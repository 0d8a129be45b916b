import type { Image } from '@proj/core';
import { type AnyImage, type Fill, freshLike, isBytes, paint, type Shape, withData } from '../image.js';
import { copyOf } from '../memory.js';
import type { Box } from './resample.js';
import { Workspace } from './workspace.js';

/** What stands outside a picture: one colour, its border, or the picture mirrored without or with its border pixel. */
export type PaddingMode = 'constant' | 'edge' | 'reflect' | 'symmetric';

/**
 * Cuts out `box`, which may reach beyond the picture. As torchvision's `crop` and `pad` together; where a mirrored picture ends,
 * it is mirrored again.
 */
export function cut(image: AnyImage, box: Box, fill: Fill = 0, mode: PaddingMode = 'constant'): AnyImage {
  const { channels } = image;
  const out = freshLike(image, { width: box.width, height: box.height, channels });
  const inside =
    box.left >= 0 && box.top >= 0 && box.left + box.width <= image.width && box.top + box.height <= image.height;
  if (inside || mode === 'constant') {
    if (!inside) paint(out, fill);
    copyInto(image, out, box);
  } else {
    copyByIndex(
      image,
      out,
      indices(box.left, box.width, image.width, mode),
      indices(box.top, box.height, image.height, mode),
    );
  }
  return out;
}

/** The part of the picture that lies in the box. */
function copyInto({ data, width, height, channels }: AnyImage, out: AnyImage, { top, left }: Box): void {
  const firstColumn = Math.max(0, -left);
  const columns = Math.min(out.width, width - left) - firstColumn;
  if (columns <= 0) return;
  const lastRow = Math.min(out.height, height - top);
  const length = columns * channels;
  for (let y = Math.max(0, -top); y < lastRow; y++) {
    const from = ((y + top) * width + firstColumn + left) * channels;
    const to = (y * out.width + firstColumn) * channels;
    for (let i = 0; i < length; i++) out.data[to + i] = data[from + i]!;
  }
}

function copyByIndex({ data, width, channels }: AnyImage, out: AnyImage, columns: Int32Array, rows: Int32Array): void {
  let to = 0;
  for (let y = 0; y < rows.length; y++) {
    for (let x = 0; x < columns.length; x++) {
      const from = (rows[y]! * width + columns[x]!) * channels;
      for (let c = 0; c < channels; c++) out.data[to++] = data[from + c]!;
    }
  }
}

function indices(start: number, count: number, size: number, mode: PaddingMode): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => indexInside(start + i, size, mode));
}

/** The position within `0..size-1` that stands for `position`. */
export function indexInside(position: number, size: number, mode: PaddingMode): number {
  if (mode === 'edge' || size === 1) return Math.min(size - 1, Math.max(0, position));
  const period = mode === 'reflect' ? 2 * (size - 1) : 2 * size;
  const place = ((position % period) + period) % period;
  if (place < size) return place;
  return mode === 'reflect' ? period - place : period - 1 - place;
}

/** The kernel moves some pixels at once, in 16 bytes. */
const MOST_CHANNELS_AT_ONCE = 16;

export function flipHorizontally(image: AnyImage): AnyImage {
  return isBytes(image) && image.channels <= MOST_CHANNELS_AT_ONCE ? flipBytes(image) : flipValues(image);
}

function flipBytes(image: Image): Image {
  const { data, width, height, channels } = image;
  const workspace = new Workspace();
  const source = workspace.put(data);
  const target = workspace.room(data.length);
  workspace.kernels.mirror(source, target, width, height, channels);
  return withData<Image>(image, copyOf(workspace.bytes(target, data.length)));
}

function flipValues(image: AnyImage): AnyImage {
  const { data, width, height, channels } = image;
  const out = freshLike(image, image);
  let to = 0;
  for (let y = 0; y < height; y++) {
    for (let from = ((y + 1) * width - 1) * channels; from >= y * width * channels; from -= channels) {
      for (let c = 0; c < channels; c++) out.data[to++] = data[from + c]!;
    }
  }
  return out;
}

export function flipVertically(image: AnyImage): AnyImage {
  const { data, height } = image;
  const out = freshLike(image, image);
  const row = image.width * image.channels;
  for (let y = 0; y < height; y++) {
    (out.data as Float32Array).set(data.subarray(y * row, (y + 1) * row), (height - 1 - y) * row);
  }
  return out;
}

/** The whole of a picture. */
export function wholeOf({ width, height }: Pick<Shape, 'width' | 'height'>): Box {
  return { top: 0, left: 0, width, height };
}
