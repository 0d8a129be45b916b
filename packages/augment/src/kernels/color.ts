import { type FloatImage, type Image, ProjError } from '@proj/core';
import { type AnyImage, colorChannels, freshLike, isBytes, withData } from '../image.js';
import { copyOf, takeBytes } from '../memory.js';
import { type LevelTable, mapLevels, unchanged } from './levels.js';

/** @throws ProjError `unsupported-channels` unless the picture is grey or RGB, with or without alpha. */
export function checkColor(name: string, { channels }: { readonly channels: number }): void {
  if (channels <= 4) return;
  throw new ProjError(`${name} needs a grey or a coloured picture`, {
    code: 'unsupported-channels',
    expected: '1 (grey), 2 (grey and alpha), 3 (RGB) or 4 (RGBA) channels',
    received: `${channels} channels`,
  });
}

/**
 * Brightness of each pixel. Bytes: Pillow's `L`, `(19595 R + 38470 G + 7471 B + 32768) >> 16`; real numbers: torchvision's
 * `0.2989 R + 0.587 G + 0.114 B`. A grey picture's own values; of more than 4 channels the mean.
 */
export function luma({ data, channels }: AnyImage): Uint8ClampedArray | Float32Array {
  const bytes = data instanceof Uint8ClampedArray;
  const pixels = data.length / channels;
  const out = bytes ? new Uint8ClampedArray(pixels) : new Float32Array(pixels);
  if (channels === 3 || channels === 4) {
    if (bytes)
      for (let i = 0, k = 0; i < pixels; i++, k += channels) out[i] = greyOf(data[k]!, data[k + 1]!, data[k + 2]!);
    else
      for (let i = 0, k = 0; i < pixels; i++, k += channels) {
        out[i] = 0.2989 * data[k]! + 0.587 * data[k + 1]! + 0.114 * data[k + 2]!;
      }
  } else {
    const colors = colorChannels(channels);
    for (let i = 0; i < pixels; i++) {
      let sum = 0;
      for (let c = 0; c < colors; c++) sum += data[i * channels + c]!;
      out[i] = sum / colors;
    }
  }
  return out;
}

function greyOf(r: number, g: number, b: number): number {
  return (19595 * r + 38470 * g + 7471 * b + 32768) >> 16;
}

/**
 * Mean brightness: as Pillow's `ImageStat` of `L`, rounded to a level for bytes.
 *
 * @param levels what to take the levels of bytes for.
 */
export function meanLuma(image: AnyImage, levels: LevelTable = unchanged): number {
  const { data, channels } = image;
  let sum = 0;
  if (!isBytes(image)) for (const value of luma(image)) sum += value;
  else if (channels === 3 || channels === 4) {
    for (let i = 0; i < data.length; i += channels) {
      sum += greyOf(levels[data[i]!]!, levels[data[i + 1]!]!, levels[data[i + 2]!]!);
    }
  } else {
    const changed = mapLevels(image, levels);
    for (const value of luma(changed)) sum += value;
  }
  const mean = (sum * channels) / data.length;
  return isBytes(image) ? Math.trunc(mean + 0.5) : mean;
}

/** Brightness in `channels` equal channels (the last one the picture's alpha where it has one and 2 or 4 are wanted). */
export function grayscale(image: AnyImage, channels: number): AnyImage {
  const values = luma(image);
  const out = freshLike(image, { ...image, channels });
  const colors = colorChannels(channels);
  const hasAlpha = colorChannels(image.channels) < image.channels;
  for (let i = 0; i < values.length; i++) {
    for (let c = 0; c < colors; c++) out.data[i * channels + c] = values[i]!;
    if (colors < channels) {
      out.data[i * channels + colors] = hasAlpha ? image.data[(i + 1) * image.channels - 1]! : isBytes(image) ? 255 : 1;
    }
  }
  return out;
}

/**
 * Away from or towards the brightness of each pixel (Pillow's `ImageEnhance.Color`), of RGB or RGBA.
 *
 * @param levels what to take the levels of bytes for.
 */
export function saturate(image: AnyImage, factor: number, levels: LevelTable = unchanged): AnyImage {
  if (isBytes(image)) return saturateBytes(image, factor, levels);
  const { channels } = image;
  const data = copyOf(image.data);
  const greys = luma(image);
  for (let i = 0; i < data.length; i += channels) {
    const grey = greys[i / channels]!;
    for (let c = 0; c < 3; c++) data[i + c] = Math.min(1, Math.max(0, grey + factor * (data[i + c]! - grey)));
  }
  return withData(image, data);
}

function saturateBytes(image: Image, factor: number, levels: LevelTable): Image {
  const { fround } = Math;
  const { data, channels } = image;
  const out = channels === 3 ? takeBytes(data.length) : copyOf(data);
  const f = fround(factor);
  // Whole numbers to add to the grey for each distance from it, -255..255.
  const steps = Int32Array.from({ length: 511 }, (_, i) => Math.floor(fround(f * (i - 255))));
  // Unless a fraction lies so close to 1 that the sum in single precision might be rounded up.
  const areExact = steps.every((step, i) => fround(f * (i - 255)) - step < 1 - 2 ** -14);
  for (let i = 0; i < data.length; i += channels) {
    const r = levels[data[i]!]!;
    const g = levels[data[i + 1]!]!;
    const b = levels[data[i + 2]!]!;
    const grey = greyOf(r, g, b);
    if (areExact) {
      const base = 255 - grey;
      out[i] = grey + steps[base + r]!;
      out[i + 1] = grey + steps[base + g]!;
      out[i + 2] = grey + steps[base + b]!;
    } else {
      out[i] = fround(grey + fround(f * (r - grey))) | 0;
      out[i + 1] = fround(grey + fround(f * (g - grey))) | 0;
      out[i + 2] = fround(grey + fround(f * (b - grey))) | 0;
    }
  }
  return withData<Image>(image, out);
}

/**
 * Turns the hue of RGB or RGBA by `turns` of the circle, -0.5..0.5.
 *
 * @param levels what to take the levels of bytes for.
 */
export function shiftHue(image: AnyImage, turns: number, levels: LevelTable = unchanged): AnyImage {
  return isBytes(image) ? shiftByteHue(image, Math.trunc(turns * 255), levels) : shiftFloatHue(image, turns);
}

/** Hue and saturation of bytes with Pillow's rounding, in single precision. */
interface HueTables {
  /**
   * Hue 0..255 by greatest channel (R, G, B), by the difference of the other two, the next one less the one after it, and by
   * chroma: `[3][512][256]`.
   */
  readonly hue: Uint8Array;
  /** Saturation by greatest value and chroma: `[256][256]`. */
  readonly saturation: Uint8Array;
  /**
   * By hue: in bits 0..1 the channel of the greatest value, in 2..3 of the middle one, in 4..5 of the least; above them 85 times
   * the part of a sextant that the hue lies off the channel which is weakened.
   */
  readonly ways: Uint16Array;
}

let hueTables: HueTables | undefined;

/** 0.5 MB, made when first needed. */
function tablesOfHue(): HueTables {
  hueTables ??= { ...towardsHue(), ...fromHue() };
  return hueTables;
}

function towardsHue() {
  const { fround } = Math;
  const hue = new Uint8Array(3 << 17);
  const saturation = new Uint8Array(65536);
  for (let chroma = 1; chroma < 256; chroma++) {
    for (let difference = -chroma; difference <= chroma; difference++) {
      // One of the two is the least, which lies the whole chroma below the greatest: 1 in Pillow's terms.
      const part = fround((chroma - Math.abs(difference)) / chroma);
      for (const [channel, turns] of [0, 2, 4].entries()) {
        const sextants = fround(difference > 0 ? turns + 1 - part : turns + part - 1);
        const place = fround((sextants / 6 + 1) % 1);
        hue[(channel << 17) | ((difference + 256) << 8) | chroma] = Math.trunc(place * 255);
      }
    }
    for (let value = chroma; value < 256; value++) {
      saturation[(value << 8) | chroma] = Math.trunc(fround(chroma / value) * 255);
    }
  }
  return { hue, saturation };
}

function fromHue() {
  const ways = Uint16Array.from({ length: 256 }, (_, h) => {
    const place = Math.trunc((h * 6) / 255);
    const sextant = place % 6;
    const part = 2 * h - 85 * place;
    // Rising towards the next channel in even sextants, falling in odd ones.
    const off = sextant % 2 === 0 ? 85 - part : part;
    const greatest = [0, 1, 1, 2, 2, 0][sextant]!;
    const least = [2, 2, 0, 0, 1, 1][sextant]!;
    return greatest | ((3 - greatest - least) << 2) | (least << 4) | (off << 6);
  });
  return { ways };
}

/**
 * From RGB to Pillow's HSV and back. The way back is in whole numbers: saturation is s / 255 and the place in a sextant n / 85, so
 * that value * (1 - s / 255 * n / 85) lies at least 1 / 43350 off a half, and Pillow's floats round to the same.
 */
function shiftByteHue(image: Image, shift: number, levels: LevelTable): Image {
  const { hue, saturation, ways } = tablesOfHue();
  const { data, channels } = image;
  const out = channels === 3 ? takeBytes(data.length) : copyOf(data);
  for (let i = 0; i < data.length; i += channels) {
    const r = levels[data[i]!]!;
    const g = levels[data[i + 1]!]!;
    const b = levels[data[i + 2]!]!;
    const value = Math.max(r, g, b);
    const chroma = value - Math.min(r, g, b);
    const place =
      r === value
        ? (g - b + 256) << 8
        : g === value
          ? (1 << 17) | ((b - r + 256) << 8)
          : (2 << 17) | ((r - g + 256) << 8);
    const h = (hue[place | chroma]! + shift) & 255;
    const s = saturation[(value << 8) | chroma]!; // 0 where chroma is
    const way = ways[h]!;
    const twice = 2 * value;
    out[i + (way & 3)] = value;
    out[i + ((way >> 2) & 3)] = ((twice * (21675 - s * (way >> 6)) + 21675) * (1 / 43350)) | 0;
    out[i + ((way >> 4) & 3)] = ((twice * (255 - s) + 255) * (1 / 510)) | 0;
  }
  return withData<Image>(image, out);
}

function shiftFloatHue(image: FloatImage, turns: number): FloatImage {
  const { channels } = image;
  const data = copyOf(image.data);
  for (let i = 0; i < data.length; i += channels) {
    const [h, s, v] = hsvOf(data[i]!, data[i + 1]!, data[i + 2]!);
    for (const [c, offset] of [5, 3, 1].entries()) {
      const k = (offset + (h + turns + 1) * 6) % 6;
      data[i + c] = v - v * s * Math.max(0, Math.min(k, 4 - k, 1));
    }
  }
  return withData<FloatImage>(image, data);
}

/** Hue in turns, saturation and value, 0..1. */
function hsvOf(r: number, g: number, b: number): [number, number, number] {
  const value = Math.max(r, g, b);
  const chroma = value - Math.min(r, g, b);
  if (chroma <= 0) return [0, 0, value];
  const sextants = value === r ? (g - b) / chroma : value === g ? 2 + (b - r) / chroma : 4 + (r - g) / chroma;
  return [(sextants / 6 + 1) % 1, chroma / value, value];
}
