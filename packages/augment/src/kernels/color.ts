import { type FloatImage, type Image, ProjError } from '@proj/core';
import { type AnyImage, blankLike, colorChannels, isBytes, withData } from '../image.js';

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

/** Mean brightness: as Pillow's `ImageStat` of `L`, rounded to a level for bytes. */
export function meanLuma(image: AnyImage): number {
  const values = luma(image);
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  const mean = sum / values.length;
  return isBytes(image) ? Math.trunc(mean + 0.5) : mean;
}

/** Brightness in `channels` equal channels (the last one the picture's alpha where it has one and 2 or 4 are wanted). */
export function grayscale(image: AnyImage, channels: number): AnyImage {
  const values = luma(image);
  const out = blankLike(image, { ...image, channels });
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

/** Away from or towards its brightness (Pillow's `ImageEnhance.Color`); a grey picture stays. */
export function saturate(image: AnyImage, factor: number): AnyImage {
  const { data, channels } = image;
  if (channels < 3) return image;
  const out = data.slice();
  const f = Math.fround(factor);
  if (isBytes(image)) {
    const source = image.data;
    for (let i = 0; i < source.length; i += channels) {
      const r = source[i]!;
      const g = source[i + 1]!;
      const b = source[i + 2]!;
      const grey = greyOf(r, g, b);
      out[i] = Math.fround(grey + Math.fround(f * (r - grey))) | 0;
      out[i + 1] = Math.fround(grey + Math.fround(f * (g - grey))) | 0;
      out[i + 2] = Math.fround(grey + Math.fround(f * (b - grey))) | 0;
    }
  } else {
    const greys = luma(image);
    for (let i = 0; i < data.length; i += channels) {
      const grey = greys[i / channels]!;
      for (let c = 0; c < 3; c++) out[i + c] = Math.min(1, Math.max(0, grey + f * (data[i + c]! - grey)));
    }
  }
  return withData(image, out);
}

/** Turns the hue by `turns` of the circle, -0.5..0.5; a grey picture stays. */
export function shiftHue(image: AnyImage, turns: number): AnyImage {
  if (image.channels < 3) return image;
  return isBytes(image) ? shiftByteHue(image, Math.trunc(turns * 255)) : shiftFloatHue(image, turns);
}

/** Pillow's HSV of bytes has its own rounding, which these tables hold. */
interface HueTables {
  /** Hue by sextant, by chroma and by how far the middle channel lies below the greatest: `[6][256][256]`. */
  readonly hue: Uint8Array;
  /** Saturation by greatest channel and chroma: `[256][256]`. */
  readonly saturation: Uint8Array;
  /** Weakest channel by value and saturation: `[256][256]`. */
  readonly weakest: Uint8Array;
  readonly fractions: Float32Array;
}

let hueTables: HueTables | undefined;

/** 0.5 MB, made when first needed. */
function tablesOfHue(): HueTables {
  if (hueTables !== undefined) return hueTables;
  const { fround } = Math;
  const hue = new Uint8Array(6 * 65536);
  const saturation = new Uint8Array(65536);
  const weakest = new Uint8Array(65536);
  for (let chroma = 1; chroma < 256; chroma++) {
    for (let below = 0; below <= chroma; below++) {
      const part = fround(below / chroma);
      // By greatest and least channel: red and blue, red and green, green and blue, green and red, blue and red, blue and green.
      const turns = [
        fround(1 - part),
        fround(part - 1),
        2 + part - 1, // in double precision, as there
        2 + 1 - part,
        4 + part - 1,
        4 + 1 - part,
      ];
      for (const [sextant, h] of turns.entries()) {
        const place = fround((fround(h) / 6 + 1) % 1);
        hue[(sextant << 16) | (chroma << 8) | below] = Math.trunc(place * 255);
      }
    }
    for (let value = chroma; value < 256; value++) {
      saturation[(value << 8) | chroma] = Math.trunc(fround(chroma / value) * 255);
    }
  }
  for (let value = 0; value < 256; value++) {
    for (let s = 0; s < 256; s++) weakest[(value << 8) | s] = Math.floor(value * (1 - fround(s / 255)) + 0.5);
  }
  const fractions = Float32Array.from({ length: 256 }, (_, h) => (h * 6) / 255 - Math.floor((h * 6) / 255));
  return (hueTables = { hue, saturation, weakest, fractions });
}

function shiftByteHue(image: Image, shift: number): Image {
  const { hue, saturation, weakest, fractions } = tablesOfHue();
  const { data, channels } = image;
  const out = data.slice();
  for (let i = 0; i < data.length; i += channels) {
    const r = data[i]!;
    const g = data[i + 1]!;
    const b = data[i + 2]!;
    const value = r > g ? (r > b ? r : b) : g > b ? g : b;
    const least = r < g ? (r < b ? r : b) : g < b ? g : b;
    const chroma = value - least;
    if (chroma === 0) continue;
    const middle = r + g + b - value - least;
    const sextant = r === value ? (b === least ? 0 : 1) : g === value ? (b === least ? 2 : 3) : r === least ? 4 : 5;
    const h = (hue[(sextant << 16) | (chroma << 8) | (value - middle)]! + shift) & 255;
    const s = saturation[(value << 8) | chroma]!;
    if (s === 0) {
      out[i] = out[i + 1] = out[i + 2] = value;
      continue;
    }
    const sector = ((h * 6) / 255) | 0;
    const fraction = fractions[h]!;
    const strength = Math.fround(s / 255);
    // Falling in odd sectors, rising in even ones; Pillow rounds the product of the first to single precision.
    const lost = sector & 1 ? Math.fround(strength * fraction) : strength * (1 - fraction);
    const between = (value * (1 - lost) + 0.5) | 0;
    const p = weakest[(value << 8) | s]!;
    switch (sector) {
      case 0:
      case 6:
        out[i] = value;
        out[i + 1] = between;
        out[i + 2] = p;
        break;
      case 1:
        out[i] = between;
        out[i + 1] = value;
        out[i + 2] = p;
        break;
      case 2:
        out[i] = p;
        out[i + 1] = value;
        out[i + 2] = between;
        break;
      case 3:
        out[i] = p;
        out[i + 1] = between;
        out[i + 2] = value;
        break;
      case 4:
        out[i] = between;
        out[i + 1] = p;
        out[i + 2] = value;
        break;
      default:
        out[i] = value;
        out[i + 1] = p;
        out[i + 2] = between;
    }
  }
  return withData<Image>(image, out);
}

function shiftFloatHue(image: FloatImage, turns: number): FloatImage {
  const { channels } = image;
  const data = image.data.slice();
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
