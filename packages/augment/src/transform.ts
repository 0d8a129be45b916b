import { type FloatImage, ProjError, type Rng } from '@proj/core';
import { type AnyImage, checkImage, type Shape } from './image.js';
import { checkNumber, type Defaults, type Resolved, resolveOptions } from './options.js';

/** A transform as plain JSON: its name and all its options; compositions have `transforms` besides. */
export interface TransformJson {
  readonly name: string;
  readonly transforms?: readonly TransformJson[];
  readonly [option: string]: unknown;
}

/**
 * A change of pictures in two steps: chance decides parameters, and they are applied. Recorded parameters make the
 * same picture again.
 *
 * @typeParam P parameters, plain JSON; `null` where a transform with a probability `p` was not to be applied.
 */
export interface Transform<P = unknown> {
  readonly name: string;
  /** Draws parameters for a picture of this shape (any picture will do). */
  sample(rng: Rng, shape: Shape): P;
  /** The shape that `apply` gives a picture of `shape`. */
  outputShape(shape: Shape, params: P): Shape;
  /**
   * A pure function: `image` is never written to, and is returned itself where nothing is to be changed. The result is of
   * the same kind, bytes or real numbers, but behind `normalize` and `standardize`, which give real numbers.
   *
   * @throws ProjError `invalid-image`, `unsupported-channels`, `invalid-fill`, `invalid-params`.
   */
  apply<I extends AnyImage>(image: I, params: P): I | FloatImage;
  /** All settings, for `fromJSON`. */
  toJSON(): TransformJson;
}

/** What a kind of transform does, once its options are known. */
export interface Parts<P> {
  sample(rng: Rng, shape: Shape): P;
  /** Left out where the shape stays. */
  outputShape?(shape: Shape, params: P): Shape;
  apply(image: AnyImage, params: P): AnyImage;
}

type Drawn<O, P> = 'p' extends keyof O ? P | null : P;

/** Makes transforms of one kind; the options may be left out where all have defaults. */
export type Factory<O, P> =
  Record<never, never> extends O ? (options?: O) => Transform<Drawn<O, P>> : (options: O) => Transform<Drawn<O, P>>;

/**
 * Defines a kind of transform. An option `p` is the probability with which it is applied at all, and is seen to here.
 */
export function defineTransform<O extends object, P>(
  name: string,
  defaults: Defaults<O>,
  build: (options: Resolved<O>) => Parts<P>,
): Factory<O, P> {
  const factory = (given: O = {} as O): Transform<P | null> => {
    const options = resolveOptions(name, defaults, given);
    return makeTransform(name, options, build(options));
  };
  return factory as Factory<O, P>;
}

/** As {@link defineTransform}, for one made of others. */
export function defineComposition<O extends object, P>(
  name: string,
  defaults: Defaults<O>,
  build: (transforms: readonly Transform[], options: Resolved<O>) => Parts<P>,
): (transforms: readonly Transform[], options?: O) => Transform<Drawn<O, P>> {
  const factory = (transforms: readonly Transform[], given: O = {} as O): Transform<P | null> => {
    const valid = Array.isArray(transforms) && transforms.every((each) => typeof each?.apply === 'function');
    if (!valid) {
      throw new ProjError(`${name} cannot be made of these`, {
        code: 'invalid-pipeline',
        expected: 'a list of transforms',
        received: String(transforms),
        fix: 'Pass what the functions of this package return; make JSON into a transform with `fromJSON`',
      });
    }
    const options = resolveOptions(name, defaults, given);
    return makeTransform(name, options, build(transforms, options), transforms);
  };
  return factory as (transforms: readonly Transform[], options?: O) => Transform<Drawn<O, P>>;
}

function makeTransform<P>(
  name: string,
  options: { readonly p?: number },
  { sample, outputShape, apply }: Parts<P>,
  transforms?: readonly Transform[],
): Transform<P | null> {
  const { p } = options;
  if (p !== undefined) checkNumber(name, 'p', p, { min: 0, max: 1 });
  const transform: Transform<P | null> = {
    name,
    sample: (rng, shape) => (p === undefined || rng.uniform() < p ? sample(rng, shape) : null),
    outputShape: (shape, params) =>
      params === null || outputShape === undefined ? bare(shape) : outputShape(shape, params),
    apply: <I extends AnyImage>(image: I, params: P | null) => {
      checkImage(image);
      if (params === null) return image;
      if (typeof params !== 'object') throw notRecorded(name, params);
      return apply(image, params) as I | FloatImage;
    },
    toJSON: () => ({
      name,
      ...options,
      ...(transforms !== undefined && { transforms: transforms.map((each) => each.toJSON()) }),
    }),
  };
  if (transforms === undefined || transforms.every(isOwn)) own.add(transform);
  return transform;
}

const own = new WeakSet<object>();

/** Whether a transform was made here, with all that it is made of, and so keeps no picture; one of a user may. */
export function isOwn(transform: Transform): boolean {
  return own.has(transform);
}

/** Of a picture nothing but its shape. */
function bare({ width, height, channels }: Shape): Shape {
  return { width, height, channels };
}

function notRecorded(name: string, params: unknown): ProjError {
  return new ProjError(`Cannot apply ${name}`, {
    code: 'invalid-params',
    expected: 'parameters that its `sample` gave',
    received: JSON.stringify(params) ?? String(params),
  });
}

/** A transformed picture, and what chance decided for it. */
export interface Drawing<I extends AnyImage, P> {
  readonly image: I | FloatImage;
  readonly params: P;
}

/** Draws parameters from `rng` and applies them. */
export function run<I extends AnyImage, P>(transform: Transform<P>, image: I, rng: Rng): Drawing<I, P> {
  const params = transform.sample(rng, image);
  return { image: transform.apply(image, params), params };
}
