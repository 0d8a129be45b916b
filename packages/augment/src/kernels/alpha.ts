import type { Image } from '@proj/core';
import { type AnyImage, isBytes, withData } from '../image.js';
import { copyOf } from '../memory.js';

/**
 * Interpolates with alpha as Pillow does: colours are multiplied by alpha before and divided by it after, so that what
 * cannot be seen does not bleed into its neighbours. Pictures without alpha go straight through.
 */
export function withPremultipliedAlpha(image: AnyImage, change: (image: AnyImage) => AnyImage): AnyImage {
  if (image.channels !== 2 && image.channels !== 4) return change(image);
  if (!isBytes(image)) return straightenedFloats(change(premultipliedFloats(image)));
  return straightened(change(premultiplied(image)) as Image);
}

/** Rounded as Pillow's MULDIV255. */
function premultiplied(image: Image): Image {
  const { channels } = image;
  const data = copyOf(image.data);
  for (let i = 0; i < data.length; i += channels) {
    const alpha = data[i + channels - 1]!;
    for (let c = 0; c < channels - 1; c++) {
      const product = data[i + c]! * alpha + 128;
      data[i + c] = ((product >> 8) + product) >> 8;
    }
  }
  return withData(image, data);
}

function straightened(image: Image): Image {
  const { data, channels } = image;
  for (let i = 0; i < data.length; i += channels) {
    const alpha = data[i + channels - 1]!;
    if (alpha === 0 || alpha === 255) continue;
    for (let c = 0; c < channels - 1; c++) data[i + c] = Math.trunc((255 * data[i + c]!) / alpha);
  }
  return image;
}

function premultipliedFloats(image: AnyImage): AnyImage {
  const { channels } = image;
  const data = copyOf(image.data);
  for (let i = 0; i < data.length; i++) {
    if ((i + 1) % channels !== 0) data[i]! *= data[i - (i % channels) + channels - 1]!;
  }
  return withData(image, data);
}

function straightenedFloats(image: AnyImage): AnyImage {
  const { data, channels } = image;
  for (let i = 0; i < data.length; i++) {
    const alpha = data[i - (i % channels) + channels - 1]!;
    if ((i + 1) % channels !== 0 && alpha !== 0) data[i]! /= alpha;
  }
  return image;
}
