import { type Image, ProjError, Rng, type RngKey } from '@proj/core';
import { type AnyImage, isBytes } from './image.js';
import { fromJSON } from './registry.js';
import { type Drawing, run, type Transform, type TransformJson } from './transform.js';

/**
 * A pipeline as the loader of `@proj/datasets` takes it, in a worker too:
 * `transform: { module: '@proj/augment', export: 'pipeline', options: [{ name: 'randomRotation', degrees: 15 }] }`.
 *
 * @returns a function that draws from `rng` and gives bytes.
 * @throws ProjError as `fromJSON`; the function throws `not-bytes` when the pipeline ends in real numbers.
 */
export function pipeline(json: TransformJson | readonly TransformJson[]): (image: Image, rng: Rng) => Image {
  const transform = fromJSON(json);
  return (image, rng) => {
    const result = run(transform, image, rng).image;
    if (isBytes(result)) return result;
    throw new ProjError('A batch of bytes cannot hold real numbers', {
      code: 'not-bytes',
      expected: 'a pipeline without `normalize` and `standardize`',
      received: 'a picture of real numbers',
      fix: "Leave scaling to the model's first layer, or normalise the batch",
    });
  };
}

/**
 * A transform with a seed of its own: number `index` always draws the same, whatever was drawn before.
 *
 * @throws ProjError `invalid-seed`.
 */
export function seeded<P>(
  transform: Transform<P>,
  seed: RngKey,
): <I extends AnyImage>(image: I, index: number) => Drawing<I, P> {
  const stream = new Rng(seed).split('augment');
  return (image, index) => run(transform, image, stream.split(index));
}
