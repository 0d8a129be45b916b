import type { Image } from '@proj/core';
import { withData } from '../image.js';
import { copyOf } from '../memory.js';
import { forwardDct, inverseDct } from './dct.js';

/** How much of the colour is kept: all, every second column, every second column and row. */
export type Subsampling = '4:4:4' | '4:2:2' | '4:2:0';

/** Quantisation at quality 50 (ITU-T T.81, Annex K), in rows from low to high frequencies. */
// biome-ignore format: eight rows
const LUMINANCE = [
  16, 11, 10, 16, 24, 40, 51, 61,
  12, 12, 14, 19, 26, 58, 60, 55,
  14, 13, 16, 24, 40, 57, 69, 56,
  14, 17, 22, 29, 51, 87, 80, 62,
  18, 22, 37, 56, 68, 109, 103, 77,
  24, 35, 55, 64, 81, 104, 113, 92,
  49, 64, 78, 87, 103, 121, 120, 101,
  72, 92, 95, 98, 112, 100, 103, 99,
];
// biome-ignore format: eight rows
const CHROMINANCE = [
  17, 18, 24, 47, 99, 99, 99, 99,
  18, 21, 26, 66, 99, 99, 99, 99,
  24, 26, 56, 99, 99, 99, 99, 99,
  47, 66, 99, 99, 99, 99, 99, 99,
  99, 99, 99, 99, 99, 99, 99, 99,
  99, 99, 99, 99, 99, 99, 99, 99,
  99, 99, 99, 99, 99, 99, 99, 99,
  99, 99, 99, 99, 99, 99, 99, 99,
];

/** One component, 0..255. */
interface Plane {
  readonly data: Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

/**
 * What is left of a picture after JPEG at this quality (1..100): colours to YCbCr, subsampling, cosine transform,
 * quantisation and all the way back, with the integer arithmetic of libjpeg's defaults (accurate transform, "fancy"
 * upsampling). The entropy coding between is lossless and left out. Alpha stays.
 */
export function throughJpeg(image: Image, quality: number, subsampling: Subsampling): Image {
  const luminance = quantisation(LUMINANCE, quality);
  const { data, channels } = image;
  const out = copyOf(data);
  if (channels < 3) {
    const grey = throughQuantisation(
      planeOf(image, (k) => data[k]!),
      luminance,
    );
    for (let i = 0; i < grey.data.length; i++) out[i * channels] = grey.data[i]!;
    return withData<Image>(image, out);
  }
  const chrominance = quantisation(CHROMINANCE, quality);
  const y = planeOf(image, (k) => (19595 * data[k]! + 38470 * data[k + 1]! + 7471 * data[k + 2]! + 32768) >> 16);
  const cb = planeOf(image, (k) => (8421375 - 11059 * data[k]! - 21709 * data[k + 1]! + 32768 * data[k + 2]!) >> 16);
  const cr = planeOf(image, (k) => (8421375 + 32768 * data[k]! - 27439 * data[k + 1]! - 5329 * data[k + 2]!) >> 16);
  const light = throughQuantisation(y, luminance).data;
  const [blue, red] = [cb, cr].map((plane) => throughChroma(plane, chrominance, subsampling).data) as [
    Uint8ClampedArray,
    Uint8ClampedArray,
  ];
  for (let i = 0, k = 0; i < light.length; i++, k += channels) {
    const [b, r] = [blue[i]! - 128, red[i]! - 128];
    out[k] = light[i]! + ((91881 * r + 32768) >> 16);
    out[k + 1] = light[i]! + ((-22554 * b - 46802 * r + 32768) >> 16);
    out[k + 2] = light[i]! + ((116130 * b + 32768) >> 16);
  }
  return withData<Image>(image, out);
}

/** libjpeg's scale of qualities; entries of 1..255, as baseline JPEG has them. */
function quantisation(table: readonly number[], quality: number): Int32Array {
  const percent = quality < 50 ? Math.trunc(5000 / quality) : 200 - 2 * quality;
  return Int32Array.from(table, (entry) => Math.min(255, Math.max(1, Math.trunc((entry * percent + 50) / 100))));
}

function planeOf({ width, height, channels }: Image, value: (index: number) => number): Plane {
  const data = new Uint8ClampedArray(width * height);
  for (let i = 0; i < data.length; i++) data[i] = value(i * channels);
  return { data, width, height };
}

function throughChroma(plane: Plane, table: Int32Array, subsampling: Subsampling): Plane {
  if (subsampling === '4:4:4') return throughQuantisation(plane, table);
  const { width, height } = plane;
  const rows = subsampling === '4:2:0' ? 2 : 1;
  const small = { width: Math.ceil(width / 2), height: Math.ceil(height / rows) };
  // A column beyond the border, which fills a block, is made of the border's pixels.
  const halved =
    rows === 2 ? halveBoth(plane, roundUp(small.width), small.height) : halveColumns(plane, roundUp(small.width));
  const kept = throughQuantisation(halved, table, small.width);
  if (kept.width <= 2) return repeat(kept, width, height, rows); // libjpeg interpolates from 3 columns on
  return rows === 2 ? doubleBoth(kept, width, height) : doubleColumns(kept, width);
}

const roundUp = (size: number) => Math.ceil(size / 8) * 8;

/** Transforms, quantises and comes back; of the result the first `width` columns. */
function throughQuantisation(plane: Plane, table: Int32Array, width = plane.width): Plane {
  const { height } = plane;
  const out = new Uint8ClampedArray(width * height);
  const block = new Int32Array(64);
  for (let top = 0; top < height; top += 8) {
    for (let left = 0; left < width; left += 8) {
      for (let i = 0; i < 64; i++) {
        const row = Math.min(height - 1, top + (i >> 3));
        const column = Math.min(plane.width - 1, left + (i & 7));
        block[i] = plane.data[row * plane.width + column]! - 128;
      }
      forwardDct(block);
      for (let i = 0; i < 64; i++) {
        const step = table[i]!;
        const scaled = Math.abs(block[i]!);
        const level = Math.trunc((scaled + 4 * step) / (8 * step));
        block[i] = (block[i]! < 0 ? -level : level) * step;
      }
      inverseDct(block);
      const [rows, columns] = [Math.min(8, height - top), Math.min(8, width - left)];
      for (let y = 0; y < rows; y++) {
        for (let x = 0; x < columns; x++) out[(top + y) * width + left + x] = block[y * 8 + x]! + 128;
      }
    }
  }
  return { data: out, width, height };
}

/** Means of two columns, rounded down and up in turn. */
function halveColumns({ data, width, height }: Plane, columns: number): Plane {
  const out = new Uint8ClampedArray(columns * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < columns; x++) {
      const left = data[y * width + Math.min(width - 1, 2 * x)]!;
      const right = data[y * width + Math.min(width - 1, 2 * x + 1)]!;
      out[y * columns + x] = (left + right + (x & 1)) >> 1;
    }
  }
  return { data: out, width: columns, height };
}

/** Means of 2x2 pixels, a quarter and a half added in turn before they are rounded down. */
function halveBoth({ data, width, height }: Plane, columns: number, rows: number): Plane {
  const out = new Uint8ClampedArray(columns * rows);
  for (let y = 0; y < rows; y++) {
    const upper = Math.min(height - 1, 2 * y) * width;
    const lower = Math.min(height - 1, 2 * y + 1) * width;
    for (let x = 0; x < columns; x++) {
      const left = Math.min(width - 1, 2 * x);
      const right = Math.min(width - 1, 2 * x + 1);
      const sum = data[upper + left]! + data[upper + right]! + data[lower + left]! + data[lower + right]!;
      out[y * columns + x] = (sum + 1 + (x & 1)) >> 2;
    }
  }
  return { data: out, width: columns, height: rows };
}

/** Between two columns three quarters of the nearer and one of the farther ("fancy upsampling"). */
function doubleColumns(plane: Plane, width: number): Plane {
  const { data, width: columns, height } = plane;
  const out = new Uint8ClampedArray(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const near = x >> 1;
      const far = x & 1 ? near + 1 : near - 1;
      const value = data[y * columns + near]!;
      out[y * width + x] =
        far < 0 || far >= columns ? value : (3 * value + data[y * columns + far]! + 1 + (x & 1)) >> 2;
    }
  }
  return { data: out, width, height };
}

/** As {@link doubleColumns} in both directions, rounded once. */
function doubleBoth({ data, width: columns, height: rows }: Plane, width: number, height: number): Plane {
  const out = new Uint8ClampedArray(width * height);
  const sums = new Int32Array(columns);
  for (let y = 0; y < height; y++) {
    const near = y >> 1;
    const far = Math.min(rows - 1, Math.max(0, y & 1 ? near + 1 : near - 1));
    for (let x = 0; x < columns; x++) sums[x] = 3 * data[near * columns + x]! + data[far * columns + x]!;
    for (let x = 0; x < width; x++) {
      const column = x >> 1;
      const other = Math.min(columns - 1, Math.max(0, x & 1 ? column + 1 : column - 1));
      out[y * width + x] = (3 * sums[column]! + sums[other]! + (x & 1 ? 7 : 8)) >> 4;
    }
  }
  return { data: out, width, height };
}

function repeat({ data, width: columns }: Plane, width: number, height: number, rows: number): Plane {
  const out = new Uint8ClampedArray(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) out[y * width + x] = data[Math.trunc(y / rows) * columns + (x >> 1)]!;
  }
  return { data: out, width, height };
}
