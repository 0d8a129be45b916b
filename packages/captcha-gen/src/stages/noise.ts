import { Rng } from '@proj/core';
import type { Picture } from '../picture.js';

/** Changes every pixel by up to `amplitude` levels, evenly spread. */
export interface Noise {
  /** 0..127. */
  readonly amplitude: number;
  /** Names the random numbers. */
  readonly seed: number;
}

/** Adds noise, each channel by itself, clipped to 0..255. */
export function addNoise({ data, offset, width, height }: Picture, { amplitude, seed }: Noise): void {
  if (amplitude === 0) return;
  const rng = new Rng(seed);
  const span = 2 * amplitude + 1;
  const end = offset + width * height * 3;
  for (let i = offset; i < end; i += 3) {
    const bits = rng.uint32(); // ten for each channel
    for (let k = 0; k < 3; k++) {
      const level = data[i + k]! + ((((bits >>> (10 * k)) & 1023) * span) >> 10) - amplitude;
      data[i + k] = level < 0 ? 0 : Math.min(level, 255);
    }
  }
}
