import { createImage, type Image } from '@proj/core';
import type { Picture } from './picture.js';

/**
 * A transform that makes captchas of all colours alike: whatever the colours were, the background becomes white and what
 * differs most from it in some channel becomes 0 there. The background is the median of each channel.
 *
 * A channel's value `v` becomes `255 - round(255 |v - background| / most)`, `most` being the largest such difference in the
 * picture, but at least 32 levels, so that an empty picture's noise is not taken for text. Alpha channels stay as they are.
 *
 * Made for `@proj/datasets`' loader (`transform: { module: '@proj/captcha-gen', export: 'normalizeColors' }`), and for pictures
 * about to be recognised: `normalizeColors()(image)`.
 */
export function normalizeColors(): (image: Image) => Image {
  return ({ data, width, height, channels }) => {
    const image = createImage(width, height, channels, data.slice());
    normalize(image.data, 0, width * height, channels);
    return image;
  };
}

/** The same for a picture in place. */
export function normalizePicture({ data, offset, width, height }: Picture): void {
  normalize(data, offset, width * height, 3);
}

/** Smallest range that is stretched, in levels. */
const LEAST_RANGE = 32;

function normalize(data: Uint8Array | Uint8ClampedArray, offset: number, count: number, channels: number): void {
  const colors = channels === 2 || channels === 4 ? channels - 1 : channels;
  const ends = Array.from({ length: colors }, (_, k) => endsOf(data, offset + k, count, channels));
  const most = Math.max(LEAST_RANGE, ...ends.map(({ low, median, high }) => Math.max(median - low, high - median)));
  for (const [k, { median }] of ends.entries()) {
    const levels = Uint8Array.from({ length: 256 }, (_, level) =>
      Math.max(0, 255 - Math.floor((255 * Math.abs(level - median)) / most + 0.5)),
    );
    for (let i = 0, at = offset + k; i < count; i++, at += channels) data[at] = levels[data[at]!]!;
  }
}

/** Lowest, middle and highest level of one channel. */
function endsOf(data: Uint8Array | Uint8ClampedArray, offset: number, count: number, stride: number) {
  const histogram = new Uint32Array(256);
  for (let i = 0, at = offset; i < count; i++, at += stride) histogram[data[at]!]!++;
  let median = 0;
  for (let seen = histogram[0]!; seen * 2 < count; seen += histogram[median]!) median++;
  return { low: histogram.findIndex((n) => n > 0), median, high: histogram.findLastIndex((n) => n > 0) };
}
