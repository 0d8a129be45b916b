import { ProjError } from '@proj/core';

/**
 * `samples[index]`.
 * @param place what holds them, for the message.
 * @throws ProjError `invalid-index`.
 */
export function sampleAt<T>(samples: readonly T[], index: number, place: string): T {
  const sample = samples[index];
  if (sample !== undefined) return sample;
  throw new ProjError(`There is no picture ${index} in ${place}`, {
    code: 'invalid-index',
    expected: `an index in 0..${samples.length - 1}`,
    received: String(index),
  });
}
