import type { AnyImage } from '../image.js';
import { smooth } from '../kernels/blur.js';
import { checkColor, meanLuma, saturate, shiftHue } from '../kernels/color.js';
import { blendImages, blendTable, levelTable, mapColors } from '../kernels/levels.js';
import { type NumberOrRange, rangeOf, required } from '../options.js';
import { defineTransform } from '../transform.js';

/** Times `factor`: 0 is black. Pillow's `ImageEnhance.Brightness`. */
export function adjustBrightness(image: AnyImage, factor: number): AnyImage {
  return blendFromLevel(image, 0, factor);
}

/** Away from its mean brightness by `factor`: 0 is plain grey. Pillow's `ImageEnhance.Contrast`. */
export function adjustContrast(image: AnyImage, factor: number): AnyImage {
  return blendFromLevel(image, meanLuma(image), factor);
}

/** Away from its own greys by `factor`: 0 is grey. Pillow's `ImageEnhance.Color`. */
export function adjustSaturation(image: AnyImage, factor: number): AnyImage {
  checkColor('saturation', image);
  return factor === 1 || image.channels < 3 ? image : saturate(image, factor);
}

/** Turned by a part of the colour circle, -0.5..0.5; torchvision's `adjust_hue` on Pillow. */
export function adjustHue(image: AnyImage, factor: number): AnyImage {
  checkColor('hue', image);
  return image.channels < 3 ? image : shiftHue(image, factor);
}

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

function blendFromLevel(image: AnyImage, from: number, factor: number): AnyImage {
  if (factor === 1) return image;
  return mapColors(
    image,
    (value) => from + factor * (value - from),
    () => blendTable(from, factor),
  );
}

export interface FactorOptions {
  /** One number, or a range from which it is drawn evenly; 1 changes nothing. */
  readonly factor: NumberOrRange;
  /** Default 1. */
  readonly p?: number | undefined;
}

export type FactorParams = { readonly factor: number };

const byFactor = (
  name: string,
  adjust: (image: AnyImage, factor: number) => AnyImage,
  limits: { readonly min: number; readonly max?: number } = { min: 0 },
) =>
  defineTransform<FactorOptions, FactorParams>(name, { factor: required, p: 1 }, ({ factor }) => {
    const range = rangeOf(name, 'factor', factor, limits);
    return {
      sample: (rng) => ({ factor: rng.uniform(...range) }),
      apply: (image, params) => adjust(image, params.factor),
    };
  });

/** Lighter or darker by `factor`, 0 or more; torchvision's `adjust_brightness`. */
export const brightness = byFactor('brightness', adjustBrightness);

/** More or less contrast by `factor`, 0 or more; torchvision's `adjust_contrast`. */
export const contrast = byFactor('contrast', adjustContrast);

/** More or less colour by `factor`, 0 or more; torchvision's `adjust_saturation`. */
export const saturation = byFactor('saturation', adjustSaturation);

/** Colours turned by `factor` of the circle, -0.5..0.5, 0 changes nothing; torchvision's `adjust_hue`. */
export const hue = byFactor('hue', adjustHue, { min: -0.5, max: 0.5 });

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
