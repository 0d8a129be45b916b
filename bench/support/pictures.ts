import { Rng } from '@proj/core';

/** Pixels of 0..255, `[batch, height, width, channels]`; the same in every process. */
export function pictures(batch: number, [height, width, channels]: readonly [number, number, number]): Float32Array {
  const random = new Rng(1);
  return Float32Array.from({ length: batch * height * width * channels }, () => random.int(256));
}
