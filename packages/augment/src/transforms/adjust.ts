import type { AnyImage } from '../image.js';
import { adjust, type Property } from '../kernels/adjust.js';
import { smooth } from '../kernels/blur.js';
import { blendImages, levelTable, mapColors } from '../kernels/levels.js';
import { type NumberOrRange, rangeOf, required } from '../options.js';
import { defineTransform } from '../transform.js';

/** Away from its smoothed self by `factor`: 0 is smooth, 2 is sharp. Pillow's `ImageEnhance.Sharpness`. */
export function adjustSharpness(image: AnyImage, factor: number): AnyImage {
  return factor === 1 ? image : blendImages(smooth(image), image, factor);
}

/** `(256 - 0.001) gain (level / 255) ^ gamma` of bytes, `gain value ^ gamma` of real numbers; torchvision's `adjust_gamma`. */
function adjustGamma(image: AnyImage, gamma: number, gain: number): AnyImage {
  return mapColors(
    image,
    (value) => gain * Math.max(0, value) ** gamma,
    () => levelTable((level) => 255.999 * gain * (level / 255) ** gamma),
  );
}

export interface FactorOptions {
  /** One number, or a range from which it is drawn evenly; 1 changes nothing. */
  readonly factor: NumberOrRange;
  /** Default 1. */
  readonly p?: number | undefined;
}

export type FactorParams = { readonly factor: number };

const byFactor = (name: Property, limits: { readonly min: number; readonly max?: number } = { min: 0 }) =>
  defineTransform<FactorOptions, FactorParams>(name, { factor: required, p: 1 }, ({ factor }) => {
    const range = rangeOf(name, 'factor', factor, limits);
    return {
      sample: (rng) => ({ factor: rng.uniform(...range) }),
      apply: (image, params) => adjust(image, [[name, params.factor]]),
    };
  });

/** Lighter or darker by `factor`, 0 or more; torchvision's `adjust_brightness`. */
export const brightness = byFactor('brightness');

/** More or less contrast by `factor`, 0 or more; torchvision's `adjust_contrast`. */
export const contrast = byFactor('contrast');

/** More or less colour by `factor`, 0 or more; torchvision's `adjust_saturation`. */
export const saturation = byFactor('saturation');

/** Colours turned by `factor` of the circle, -0.5..0.5, 0 changes nothing; torchvision's `adjust_hue`. */
export const hue = byFactor('hue', { min: -0.5, max: 0.5 });

export interface GammaOptions {
  /** Above 1 makes shadows darker, below 1 lighter. */
  readonly gamma: NumberOrRange;
  /** Default 1. */
  readonly gain?: number | undefined;
  /** Default 1. */
  readonly p?: number | undefined;
}

/** Brightness to the power of `gamma`; torchvision's `adjust_gamma`. */
export const gamma = defineTransform<GammaOptions, { readonly gamma: number }>(
  'gamma',
  { gamma: required, gain: 1, p: 1 },
  ({ gamma: exponent, gain }) => {
    const range = rangeOf('gamma', 'gamma', exponent, { min: 0 });
    rangeOf('gamma', 'gain', gain, { min: 0 });
    return {
      sample: (rng) => ({ gamma: rng.uniform(...range) }),
      apply: (image, params) => adjustGamma(image, params.gamma, gain),
    };
  },
);
