import { createImage, type Image, Rng } from '@proj/core';

/** A small picture with shades, an edge and noise. */
export function drawing(width: number, height: number, channels = 3, seed = 1): Image {
  const rng = new Rng(seed);
  const image = createImage(width, height, channels);
  for (let i = 0; i < image.data.length; i++) {
    const [x, y] = [Math.floor(i / channels) % width, Math.floor(i / channels / width)];
    image.data[i] = (200 * x) / width + (x > y ? 40 : 0) + 30 * (i % channels) + rng.int(12);
  }
  return image;
}
