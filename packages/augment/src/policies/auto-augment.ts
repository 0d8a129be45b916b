import { checkOneOf } from '../options.js';
import { defineTransform } from '../transform.js';
import { checkWarping, type WarpingOptions } from '../transforms/affine.js';
import type { OperationName } from './operations.js';
import { applyAll, type OperationsParams, randAugmentSpace } from './random.js';

export type AutoAugmentPolicy = 'imagenet' | 'cifar10';

export interface AutoAugmentOptions extends WarpingOptions {
  /** The data set on which the policy was found. Default `imagenet`. */
  readonly policy?: AutoAugmentPolicy | undefined;
}

/** Operation, probability, and bin of its magnitude out of 10. */
type Step = readonly [operation: OperationName, p: number, bin?: number];

/**
 * One of 25 pairs of operations found by search, each with its probability and magnitude (Cubuk et al., 2018); torchvision's
 * `AutoAugment`.
 */
export const autoAugment = defineTransform<AutoAugmentOptions, OperationsParams>(
  'autoAugment',
  { policy: 'imagenet', interpolation: 'nearest', fill: 0 },
  ({ policy, interpolation, fill }) => {
    checkOneOf('autoAugment', 'policy', policy, ['imagenet', 'cifar10']);
    checkWarping('autoAugment', interpolation, fill);
    return {
      sample(rng, shape) {
        const space = randAugmentSpace(10, shape);
        const steps = rng.pick(policies[policy]);
        return {
          operations: steps
            .filter(([, p]) => rng.uniform() < p)
            .map(([operation, , bin]) => {
              const scale = bin === undefined ? undefined : space.get(operation);
              const magnitude = scale?.magnitudes[bin!] ?? 0;
              return {
                operation,
                magnitude: scale?.signed && magnitude !== 0 && rng.int(2) === 0 ? -magnitude : magnitude,
              };
            }),
        };
      },
      apply: (image, { operations }) => applyAll(image, operations, { interpolation, fill }),
    };
  },
);

/** As torchvision lists them. */
// biome-ignore format: a pair a line
const policies: Readonly<Record<AutoAugmentPolicy, readonly (readonly [Step, Step])[]>> = {
  imagenet: [
    [['Posterize', 0.4, 8], ['Rotate', 0.6, 9]],
    [['Solarize', 0.6, 5], ['AutoContrast', 0.6]],
    [['Equalize', 0.8], ['Equalize', 0.6]],
    [['Posterize', 0.6, 7], ['Posterize', 0.6, 6]],
    [['Equalize', 0.4], ['Solarize', 0.2, 4]],
    [['Equalize', 0.4], ['Rotate', 0.8, 8]],
    [['Solarize', 0.6, 3], ['Equalize', 0.6]],
    [['Posterize', 0.8, 5], ['Equalize', 1]],
    [['Rotate', 0.2, 3], ['Solarize', 0.6, 8]],
    [['Equalize', 0.6], ['Posterize', 0.4, 6]],
    [['Rotate', 0.8, 8], ['Color', 0.4, 0]],
    [['Rotate', 0.4, 9], ['Equalize', 0.6]],
    [['Equalize', 0], ['Equalize', 0.8]],
    [['Invert', 0.6], ['Equalize', 1]],
    [['Color', 0.6, 4], ['Contrast', 1, 8]],
    [['Rotate', 0.8, 8], ['Color', 1, 2]],
    [['Color', 0.8, 8], ['Solarize', 0.8, 7]],
    [['Sharpness', 0.4, 7], ['Invert', 0.6]],
    [['ShearX', 0.6, 5], ['Equalize', 1]],
    [['Color', 0.4, 0], ['Equalize', 0.6]],
    [['Equalize', 0.4], ['Solarize', 0.2, 4]],
    [['Solarize', 0.6, 5], ['AutoContrast', 0.6]],
    [['Invert', 0.6], ['Equalize', 1]],
    [['Color', 0.6, 4], ['Contrast', 1, 8]],
    [['Equalize', 0.8], ['Equalize', 0.6]],
  ],
  cifar10: [
    [['Invert', 0.1], ['Contrast', 0.2, 6]],
    [['Rotate', 0.7, 2], ['TranslateX', 0.3, 9]],
    [['Sharpness', 0.8, 1], ['Sharpness', 0.9, 3]],
    [['ShearY', 0.5, 8], ['TranslateY', 0.7, 9]],
    [['AutoContrast', 0.5], ['Equalize', 0.9]],
    [['ShearY', 0.2, 7], ['Posterize', 0.3, 7]],
    [['Color', 0.4, 3], ['Brightness', 0.6, 7]],
    [['Sharpness', 0.3, 9], ['Brightness', 0.7, 9]],
    [['Equalize', 0.6], ['Equalize', 0.5]],
    [['Contrast', 0.6, 7], ['Sharpness', 0.6, 5]],
    [['Color', 0.7, 7], ['TranslateX', 0.5, 8]],
    [['Equalize', 0.3], ['AutoContrast', 0.4]],
    [['TranslateY', 0.4, 3], ['Sharpness', 0.2, 6]],
    [['Brightness', 0.9, 6], ['Color', 0.2, 8]],
    [['Solarize', 0.5, 2], ['Invert', 0]],
    [['Equalize', 0.2], ['AutoContrast', 0.6]],
    [['Equalize', 0.2], ['Equalize', 0.6]],
    [['Color', 0.9, 9], ['Equalize', 0.6]],
    [['AutoContrast', 0.8], ['Solarize', 0.2, 8]],
    [['Brightness', 0.1, 3], ['Color', 0.7, 0]],
    [['Solarize', 0.4, 5], ['AutoContrast', 0.9]],
    [['TranslateY', 0.9, 9], ['TranslateY', 0.7, 9]],
    [['AutoContrast', 0.9], ['Solarize', 0.8, 3]],
    [['Equalize', 0.8], ['Invert', 0.1]],
    [['TranslateY', 0.7, 9], ['AutoContrast', 0.9]],
  ],
};
