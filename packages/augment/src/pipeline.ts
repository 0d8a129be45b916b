import { type FloatImage, type Image, Rng, type RngKey } from '@proj/core';
import type { AnyImage } from './image.js';
import { fromJSON } from './registry.js';
import { type Drawing, run, type Transform, type TransformJson } from './transform.js';

/**
 * A pipeline as the loader of `@proj/datasets` takes it, in a worker too:
 * `transform: { module: '@proj/augment', export: 'pipeline', options: [{ name: 'randomRotation', degrees: 15 }] }`.
 *
 * @returns a function that draws from `rng` and gives bytes, or real numbers where the pipeline ends in them.
 * @throws ProjError as `fromJSON`.
 */
export function pipeline(
  json: TransformJson | readonly TransformJson[],
): (image: Image, rng: Rng) => Image | FloatImage {
  const transform = fromJSON(json);
  return (image, rng) => run<AnyImage, unknown>(transform, image, rng).image;
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
