import type { FloatImage, Image } from '@proj/core';
import { type AnyImage, colorChannels, isBytes, type Shape, withData } from '../image.js';
import { copyOf } from '../memory.js';
import { Workspace } from './workspace.js';

/** What becomes of each of the 256 levels. */
export type LevelTable = Uint8ClampedArray;

/** @param f values outside 0..255 are clamped, others truncated, as in C. */
export function levelTable(f: (level: number) => number): LevelTable {
  const table = new Uint8ClampedArray(256);
  for (let level = 0; level < 256; level++) table[level] = Math.trunc(f(level));
  return table;
}

/** Looks up the colours of all pixels. */
export function mapLevels(image: Image, table: LevelTable): Image {
  return mapChannels(image, Array<LevelTable>(colorChannels(image.channels)).fill(table));
}

/** Looks up each channel in a table of its own; channels without one, alpha, stay. */
export function mapChannels(image: Image, tables: readonly LevelTable[]): Image {
  const workspace = new Workspace();
  const area = workspace.put(image.data);
  lookUp(workspace, area, image, tables);
  return withData<Image>(image, copyOf(workspace.bytes(area, image.data.length)));
}

/** As {@link mapChannels}, in place, of a picture of this shape in a workspace. */
export function lookUp(workspace: Workspace, area: number, shape: Shape, tables: readonly LevelTable[]): void {
  const { width, height, channels } = shape;
  const all = new Uint8ClampedArray(256 * tables.length);
  for (const [c, table] of tables.entries()) all.set(table, 256 * c);
  workspace.kernels.lookUp(area, width * height * channels, channels, workspace.put(all), tables.length);
}

/** Computes the colours of a picture of real numbers anew, 0..1 kept. */
export function mapValues(image: FloatImage, f: (value: number) => number): FloatImage {
  const { channels } = image;
  const data = copyOf(image.data);
  const colors = colorChannels(channels);
  for (let i = 0; i < data.length; i++) {
    if (i % channels < colors) data[i] = Math.min(1, Math.max(0, f(data[i]!)));
  }
  return withData<FloatImage>(image, data);
}

/** By level for bytes, by value for real numbers. */
export function mapColors(image: AnyImage, f: (value: number) => number, table: () => LevelTable): AnyImage {
  return isBytes(image) ? mapLevels(image, table()) : mapValues(image, f);
}

/** How often each level occurs in channel `c`. */
export function histogram({ data, channels }: Image, c: number): Int32Array {
  const counts = new Int32Array(256);
  for (let i = c; i < data.length; i += channels) counts[data[i]!]!++;
  return counts;
}

/** Each level as Pillow's `Image.blend` makes it out of `from`: 0 gives `from`, 1 the level, others go on beyond. */
export function blendTable(from: number, factor: number): LevelTable {
  const { fround } = Math;
  const f = fround(factor);
  return levelTable((level) => fround(from + fround(f * (level - from))));
}

/** All pixels of `from` into those of `to`, as {@link blendTable} does with levels; alpha is that of `to`. */
export function blendImages(from: AnyImage, to: AnyImage, factor: number): AnyImage {
  const { channels } = to;
  const colors = colorChannels(channels);
  const data = copyOf(to.data);
  const f = Math.fround(factor);
  if (isBytes(to)) {
    for (let i = 0; i < data.length; i++) {
      const a = from.data[i]!;
      data[i] = Math.fround(a + Math.fround(f * (to.data[i]! - a))) | 0;
    }
  } else {
    for (let i = 0; i < data.length; i++) {
      const a = from.data[i]!;
      data[i] = Math.min(1, Math.max(0, a + f * (to.data[i]! - a)));
    }
  }
  if (colors < channels) for (let i = colors; i < data.length; i += channels) data[i] = to.data[i]!;
  return withData(to, data);
}

/** Each channel from its darkest to its lightest level over the whole scale; Pillow's `ImageOps.autocontrast`. */
export function autocontrast(image: Image): Image {
  const tables = Array.from({ length: colorChannels(image.channels) }, (_, c) => {
    const counts = histogram(image, c);
    const low = counts.findIndex((count) => count > 0);
    const high = counts.findLastIndex((count) => count > 0);
    if (high <= low) return levelTable((level) => level);
    const scale = 255 / (high - low);
    return levelTable((level) => level * scale - low * scale);
  });
  return mapChannels(image, tables);
}

/** Each channel so that all levels are about as frequent; Pillow's `ImageOps.equalize`. */
export function equalize(image: Image): Image {
  const tables = Array.from({ length: colorChannels(image.channels) }, (_, c) => {
    const counts = histogram(image, c);
    const last = counts.findLast((count) => count > 0)!;
    const step = Math.floor((image.width * image.height - last) / 255);
    if (step === 0) return levelTable((level) => level);
    let below = Math.floor(step / 2);
    return levelTable((level) => {
      const place = Math.floor(below / step);
      below += counts[level]!;
      return place;
    });
  });
  return mapChannels(image, tables);
}
