import type { FloatImage, Image } from '@proj/core';
import { type AnyImage, colorChannels, isBytes, withData } from '../image.js';
import { copyOf } from '../memory.js';
import { checkColor, luma, meanGrey } from './color.js';
import { blendTable, lookUp, mapValues } from './levels.js';
import { Workspace } from './workspace.js';

export type Property = 'brightness' | 'contrast' | 'saturation' | 'hue';

/** By which factor; of hue, by which part of the colour circle, -0.5..0.5. */
export type Adjustment = readonly [property: Property, factor: number];

/**
 * Adjusts one property after the other: brightness as Pillow's `ImageEnhance.Brightness`, 0 being black; contrast away from the
 * mean brightness, saturation away from each pixel's grey (`ImageEnhance.Contrast` and `Color`), 0 being grey; hue as
 * torchvision's `adjust_hue` on Pillow.
 *
 * @throws ProjError `unsupported-channels` for saturation and hue of more than RGBA.
 */
export function adjust(image: AnyImage, adjustments: readonly Adjustment[]): AnyImage {
  const effective = adjustments.filter(([property, factor]) => {
    if (property === 'brightness' || property === 'contrast') return factor !== 1;
    checkColor(property, image);
    return image.channels >= 3 && (property === 'hue' || factor !== 1);
  });
  if (effective.length === 0) return image;
  return isBytes(image) ? adjustBytes(image, effective) : effective.reduce(adjustFloats, image);
}

function adjustBytes(image: Image, adjustments: readonly Adjustment[]): Image {
  const { data, width, height, channels } = image;
  const workspace = new Workspace();
  const { kernels } = workspace;
  const area = workspace.put(data);
  const pixels = width * height;
  for (const [property, factor] of adjustments) {
    if (property === 'saturation') kernels.saturate(area, pixels, channels, factor);
    else if (property === 'hue') kernels.turnHue(area, pixels, channels, Math.trunc(factor * 255) & 255);
    else {
      const from = property === 'brightness' ? 0 : meanGrey(workspace, area, pixels, channels);
      const table = blendTable(from, factor);
      lookUp(workspace, area, image, Array(colorChannels(channels)).fill(table));
    }
  }
  return withData<Image>(image, copyOf(workspace.bytes(area, data.length)));
}

function adjustFloats(image: FloatImage, [property, factor]: Adjustment): FloatImage {
  if (property === 'saturation') return saturate(image, factor);
  if (property === 'hue') return turnHue(image, factor);
  const from = property === 'brightness' ? 0 : meanOf(luma(image));
  return mapValues(image, (value) => from + factor * (value - from));
}

function meanOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}

function saturate(image: FloatImage, factor: number): FloatImage {
  const { channels } = image;
  const data = copyOf(image.data);
  const greys = luma(image);
  for (let i = 0; i < data.length; i += channels) {
    const grey = greys[i / channels]!;
    for (let c = 0; c < 3; c++) data[i + c] = Math.min(1, Math.max(0, grey + factor * (data[i + c]! - grey)));
  }
  return withData<FloatImage>(image, data);
}

function turnHue(image: FloatImage, turns: number): FloatImage {
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
