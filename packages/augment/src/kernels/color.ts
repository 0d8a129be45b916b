import { type FloatImage, type Image, ProjError } from '@proj/core';
import { type AnyImage, colorChannels, freshLike, isBytes } from '../image.js';
import { copyOf } from '../memory.js';
import { Workspace } from './workspace.js';

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
export function luma(image: AnyImage): Uint8ClampedArray | Float32Array {
  const { data, channels } = image;
  if (!isColored(channels)) return channelMeans(data, channels);
  return isBytes(image) ? byteGreys(image) : floatGreys(image);
}

function isColored(channels: number): boolean {
  return channels === 3 || channels === 4;
}

function byteGreys({ data, channels }: Image): Uint8ClampedArray {
  const workspace = new Workspace();
  const pixels = data.length / channels;
  const area = workspace.put(data);
  const greys = workspace.room(pixels);
  workspace.kernels.greys(area, pixels, channels, greys);
  return copyOf(workspace.bytes(greys, pixels));
}

function floatGreys({ data, channels }: FloatImage): Float32Array {
  const out = new Float32Array(data.length / channels);
  for (let i = 0, k = 0; i < out.length; i++, k += channels) {
    out[i] = 0.2989 * data[k]! + 0.587 * data[k + 1]! + 0.114 * data[k + 2]!;
  }
  return out;
}

/** Of the channels that carry colour. */
function channelMeans<D extends Uint8ClampedArray | Float32Array>(data: D, channels: number): D {
  const colors = colorChannels(channels);
  const out = data.slice(0, data.length / channels) as D;
  for (let i = 0; i < out.length; i++) {
    let sum = 0;
    for (let c = 0; c < colors; c++) sum += data[i * channels + c]!;
    out[i] = sum / colors;
  }
  return out;
}

/** Pixels whose greys add up to less than 2 ** 31. */
const SUMMED_AT_ONCE = 2 ** 22;

/** Mean brightness of a picture of bytes in a workspace: as Pillow's `ImageStat` of `L`, rounded to a level. */
export function meanGrey(workspace: Workspace, area: number, pixels: number, channels: number): number {
  let sum = 0;
  if (isColored(channels)) {
    for (let i = 0; i < pixels; i += SUMMED_AT_ONCE) {
      sum += workspace.kernels.greySum(area + i * channels, Math.min(SUMMED_AT_ONCE, pixels - i), channels);
    }
  } else {
    for (const grey of channelMeans(workspace.bytes(area, pixels * channels), channels)) sum += grey;
  }
  return Math.trunc(sum / pixels + 0.5);
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
