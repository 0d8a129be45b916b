import type { Rng } from '@proj/core';
import type { AnyImage, Shape } from '../image.js';
import { checkNumber } from '../options.js';
import { defineTransform } from '../transform.js';
import { checkWarping, type WarpingOptions } from '../transforms/affine.js';
import { applyOperation, bitsDown, linear, type Operation, type OperationOptions, type Space } from './operations.js';

export type OperationsParams = { readonly operations: readonly Operation[] };

export interface RandAugmentOptions extends WarpingOptions {
  /** Operations a picture. Default 2. */
  readonly numOps?: number | undefined;
  /** Of all operations, 0..numMagnitudeBins - 1. Default 9. */
  readonly magnitude?: number | undefined;
  /** Default 31. */
  readonly numMagnitudeBins?: number | undefined;
}

/** A few of 14 operations, all at one magnitude (Cubuk et al., 2019); torchvision's `RandAugment`. */
export const randAugment = defineTransform<RandAugmentOptions, OperationsParams>(
  'randAugment',
  { numOps: 2, magnitude: 9, numMagnitudeBins: 31, interpolation: 'nearest', fill: 0 },
  ({ numOps, magnitude, numMagnitudeBins, interpolation, fill }) => {
    const name = 'randAugment';
    checkNumber(name, 'numOps', numOps, { min: 0, integer: true });
    checkNumber(name, 'numMagnitudeBins', numMagnitudeBins, { min: 2, integer: true });
    checkNumber(name, 'magnitude', magnitude, { min: 0, max: numMagnitudeBins - 1, integer: true });
    checkWarping(name, interpolation, fill);
    return {
      sample(rng, shape) {
        const space = randAugmentSpace(numMagnitudeBins, shape);
        return { operations: Array.from({ length: numOps }, () => drawOperation(rng, space, () => magnitude)) };
      },
      apply: (image, { operations }) => applyAll(image, operations, { interpolation, fill }),
    };
  },
);

export interface TrivialAugmentWideOptions extends WarpingOptions {
  /** Default 31. */
  readonly numMagnitudeBins?: number | undefined;
}

/** One of 14 operations at any magnitude (Müller and Hutter, 2021); torchvision's `TrivialAugmentWide`. */
export const trivialAugmentWide = defineTransform<TrivialAugmentWideOptions, OperationsParams>(
  'trivialAugmentWide',
  { numMagnitudeBins: 31, interpolation: 'nearest', fill: 0 },
  ({ numMagnitudeBins: bins, interpolation, fill }) => {
    checkNumber('trivialAugmentWide', 'numMagnitudeBins', bins, { min: 2, integer: true });
    checkWarping('trivialAugmentWide', interpolation, fill);
    const space = trivialAugmentSpace(bins);
    return {
      sample: (rng) => ({ operations: [drawOperation(rng, space, () => rng.int(bins))] }),
      apply: (image, { operations }) => applyAll(image, operations, { interpolation, fill }),
    };
  },
);

/** One of the operations, all equally likely, at the magnitude of bin `bin()`. */
export function drawOperation(rng: Rng, space: Space, bin: () => number): Operation {
  const operation = rng.pick([...space.keys()]);
  const scale = space.get(operation);
  if (scale === undefined) return { operation, magnitude: 0 };
  const magnitude = scale.magnitudes[bin()]!;
  return { operation, magnitude: scale.signed && magnitude !== 0 && rng.int(2) === 1 ? -magnitude : magnitude };
}

export function applyAll(image: AnyImage, operations: readonly Operation[], options: OperationOptions): AnyImage {
  return operations.reduce((changed, operation) => applyOperation(changed, operation, options), image);
}

/** Magnitudes of RandAugment, and of AutoAugment with `Invert` instead of `Identity`. */
export function randAugmentSpace(bins: number, { width, height }: Shape): Space {
  return new Map([
    ['Identity', undefined],
    ['ShearX', linear(0, 0.3, bins)],
    ['ShearY', linear(0, 0.3, bins)],
    ['TranslateX', linear(0, (150 / 331) * width, bins)],
    ['TranslateY', linear(0, (150 / 331) * height, bins)],
    ['Rotate', linear(0, 30, bins)],
    ['Brightness', linear(0, 0.9, bins)],
    ['Color', linear(0, 0.9, bins)],
    ['Contrast', linear(0, 0.9, bins)],
    ['Sharpness', linear(0, 0.9, bins)],
    ['Posterize', bitsDown(8, 4, bins)],
    ['Solarize', linear(255, 0, bins, false)],
    ['AutoContrast', undefined],
    ['Equalize', undefined],
  ]);
}

function trivialAugmentSpace(bins: number): Space {
  return new Map([
    ['Identity', undefined],
    ['ShearX', linear(0, 0.99, bins)],
    ['ShearY', linear(0, 0.99, bins)],
    ['TranslateX', linear(0, 32, bins)],
    ['TranslateY', linear(0, 32, bins)],
    ['Rotate', linear(0, 135, bins)],
    ['Brightness', linear(0, 0.99, bins)],
    ['Color', linear(0, 0.99, bins)],
    ['Contrast', linear(0, 0.99, bins)],
    ['Sharpness', linear(0, 0.99, bins)],
    ['Posterize', bitsDown(8, 6, bins)],
    ['Solarize', linear(255, 0, bins, false)],
    ['AutoContrast', undefined],
    ['Equalize', undefined],
  ]);
}
