import { ProjError, type Rng } from '@proj/core';
import type { AnyImage, Shape } from './image.js';
import { giveBack } from './memory.js';
import { checkNumber, invalidOption } from './options.js';
import { defineComposition, isOwn, type Transform } from './transform.js';

/** What one of several transforms drew; `index` is its place in the list. */
export type StepParams = { readonly index: number; readonly params: unknown };

export type StepsParams = { readonly steps: readonly StepParams[] };

/** All of them, one after the other; torchvision's `Compose`. */
export const compose = defineComposition<Record<never, never>, StepsParams>('compose', {}, (transforms) =>
  inOrder(transforms, () => indicesOf(transforms)),
);

export interface RandomApplyOptions {
  /** How likely they are applied. Default 0.5. */
  readonly p?: number | undefined;
}

/** All of them or none; torchvision's `RandomApply`. */
export const randomApply = defineComposition<RandomApplyOptions, StepsParams>('randomApply', { p: 0.5 }, (transforms) =>
  inOrder(transforms, () => indicesOf(transforms)),
);

/** All of them in an order drawn by chance; torchvision's `RandomOrder`. */
export const randomOrder = defineComposition<Record<never, never>, StepsParams>('randomOrder', {}, (transforms) =>
  inOrder(transforms, (rng) => rng.shuffle(indicesOf(transforms))),
);

export interface OneOfOptions {
  /** How likely each is, in proportion. Default `null`: all the same. */
  readonly weights?: readonly number[] | null | undefined;
  /** How likely one is applied at all. Default 1. */
  readonly p?: number | undefined;
}

/** One of them; torchvision's `RandomChoice`, albumentations' `OneOf`. */
export const oneOf = defineComposition<OneOfOptions, StepsParams>(
  'oneOf',
  { weights: null, p: 1 },
  (transforms, { weights }) => {
    if (transforms.length === 0) throw invalidOption('oneOf', 'transforms', 'at least one', transforms);
    const shares = sharesOf(weights ?? transforms.map(() => 1), transforms.length);
    return inOrder(transforms, (rng) => [pickByShare(rng, shares)]);
  },
);

export interface SomeOfOptions {
  /** How many are applied; of a range one number is drawn. Default 1. */
  readonly n?: number | readonly [low: number, high: number] | undefined;
  /** Whether one may come twice. Default false. */
  readonly replace?: boolean | undefined;
  /** How likely any are applied at all. Default 1. */
  readonly p?: number | undefined;
}

/** Some of them, drawn by chance, in the order in which they are drawn; albumentations' `SomeOf`. */
export const someOf = defineComposition<SomeOfOptions, StepsParams>(
  'someOf',
  { n: 1, replace: false, p: 1 },
  (transforms, { n, replace }) => {
    const [low, high] = [n].flat() as [number, number?];
    const limits = { min: 0, integer: true, ...(!replace && { max: transforms.length }) };
    for (const each of [low, high ?? low]) checkNumber('someOf', 'n', each, limits);
    if (low > (high ?? low)) throw invalidOption('someOf', 'n', 'the lower number first', n);
    return inOrder(transforms, (rng) => {
      const count = low + rng.int((high ?? low) - low + 1);
      return replace
        ? Array.from({ length: count }, () => rng.int(transforms.length))
        : rng.shuffle(indicesOf(transforms)).slice(0, count);
    });
  },
);

/** Applies those that `choose` names, each to what the one before gives. */
function inOrder(transforms: readonly Transform[], choose: (rng: Rng) => readonly number[]) {
  return {
    sample(rng: Rng, shape: Shape): StepsParams {
      let current = shape;
      const steps = choose(rng).map((index) => {
        const transform = transforms[index]!;
        const params = transform.sample(rng, current);
        current = transform.outputShape(current, params);
        return { index, params };
      });
      return { steps };
    },
    outputShape: (shape: Shape, { steps }: StepsParams) =>
      steps.reduce((current, { index, params }) => stepAt(transforms, index).outputShape(current, params), shape),
    apply(image: AnyImage, { steps }: StepsParams) {
      let current = image;
      let isOurs = false; // whether nobody but this function has the memory of `current`
      for (const { index, params } of steps) {
        const transform = stepAt(transforms, index);
        const before = current;
        current = transform.apply(before, params);
        const isChanged = current.data.buffer !== before.data.buffer;
        if (isChanged && isOurs && isOwn(transform)) giveBack(before.data);
        isOurs = isOwn(transform) && (isChanged || isOurs);
      }
      return current;
    },
  };
}

function stepAt(transforms: readonly Transform[], index: number): Transform {
  const transform = transforms[index];
  if (transform !== undefined) return transform;
  throw new ProjError('These parameters are of another pipeline', {
    code: 'invalid-params',
    expected: `transforms 0..${transforms.length - 1}`,
    received: String(index),
    fix: 'Apply them with the pipeline that drew them',
  });
}

function indicesOf(transforms: readonly Transform[]): number[] {
  return transforms.map((_, index) => index);
}

/** Parts of 1. */
function sharesOf(weights: readonly number[], count: number): number[] {
  if (!Array.isArray(weights)) throw invalidOption('oneOf', 'weights', 'a list of numbers', weights);
  for (const weight of weights) checkNumber('oneOf', 'weights', weight, { min: 0 });
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (weights.length === count && total > 0) return weights.map((weight) => weight / total);
  throw invalidOption('oneOf', 'weights', `${count} numbers that do not add up to 0`, weights);
}

function pickByShare(rng: Rng, shares: readonly number[]): number {
  let draw = rng.uniform();
  for (const [index, share] of shares.entries()) {
    if (draw < share) return index;
    draw -= share;
  }
  return shares.findLastIndex((share) => share > 0); // what rounding left over
}
