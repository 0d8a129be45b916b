import { type AnyImage, throughBytes } from '../image.js';
import { checkColor, grayscale as toGrey } from '../kernels/color.js';
import { autocontrast, equalize, levelTable, mapColors, mapLevels } from '../kernels/levels.js';
import { checkOneOf, type NumberOrRange, rangeOf, required } from '../options.js';
import { defineTransform } from '../transform.js';
import { adjustSharpness } from './adjust.js';
import type { ProbabilityOptions } from './flip.js';
import type { NoParams } from './pad.js';

export interface GrayscaleOptions {
  /** 1 or 3, and 2 or 4 with alpha. Default 1. */
  readonly numOutputChannels?: 1 | 2 | 3 | 4 | undefined;
}

/** Brightness alone, as Pillow's `L` rounds it; torchvision's `Grayscale`. */
export const grayscale = defineTransform<GrayscaleOptions, NoParams>(
  'grayscale',
  { numOutputChannels: 1 },
  ({ numOutputChannels }) => {
    checkOneOf('grayscale', 'numOutputChannels', numOutputChannels, [1, 2, 3, 4]);
    return {
      sample: () => ({}),
      outputShape: ({ width, height }) => ({ width, height, channels: numOutputChannels }),
      apply: (image) => {
        checkColor('grayscale', image);
        return toGrey(image, numOutputChannels);
      },
    };
  },
);

/** Brightness alone in as many channels as before, with probability `p` (default 0.1); torchvision's `RandomGrayscale`. */
export const randomGrayscale = defineTransform<ProbabilityOptions, NoParams>('randomGrayscale', { p: 0.1 }, () => ({
  sample: () => ({}),
  apply: (image) => {
    checkColor('randomGrayscale', image);
    return image.channels < 3 ? image : toGrey(image, image.channels);
  },
}));

/** A negative; `p` is 0.5 by default. torchvision's `RandomInvert`. */
export const randomInvert = defineTransform<ProbabilityOptions, NoParams>('randomInvert', { p: 0.5 }, () => ({
  sample: () => ({}),
  apply: invert,
}));

export function invert(image: AnyImage): AnyImage {
  return mapColors(
    image,
    (value) => 1 - value,
    () => levelTable((level) => 255 - level),
  );
}

export interface RandomPosterizeOptions extends ProbabilityOptions {
  /** How many of the 8 bits of each channel are kept, 0..8; a range draws one. */
  readonly bits: NumberOrRange;
}

/** Keeps the upper bits of each channel; `p` is 0.5 by default. torchvision's `RandomPosterize`. */
export const randomPosterize = defineTransform<RandomPosterizeOptions, { readonly bits: number }>(
  'randomPosterize',
  { bits: required, p: 0.5 },
  ({ bits }) => {
    const [low, high] = rangeOf('randomPosterize', 'bits', bits, { min: 0, max: 8, integer: true });
    return {
      sample: (rng) => ({ bits: low + rng.int(high - low + 1) }),
      apply: (image, params) => posterize(image, params.bits),
    };
  },
);

export function posterize(image: AnyImage, bits: number): AnyImage {
  const mask = 256 - 2 ** (8 - bits);
  return throughBytes(image, (bytes) =>
    mapLevels(
      bytes,
      levelTable((level) => level & mask),
    ),
  );
}

export interface RandomSolarizeOptions extends ProbabilityOptions {
  /** From here on values are inverted; 0..255 for bytes, 0..1 for real numbers; a range draws one. */
  readonly threshold: NumberOrRange;
}

/** Inverts what is light; `p` is 0.5 by default. torchvision's `RandomSolarize`. */
export const randomSolarize = defineTransform<RandomSolarizeOptions, { readonly threshold: number }>(
  'randomSolarize',
  { threshold: required, p: 0.5 },
  ({ threshold }) => {
    const range = rangeOf('randomSolarize', 'threshold', threshold, { min: 0, max: 256 });
    return {
      sample: (rng) => ({ threshold: rng.uniform(...range) }),
      apply: (image, params) => solarize(image, params.threshold),
    };
  },
);

/** @param threshold in the picture's units. */
export function solarize(image: AnyImage, threshold: number): AnyImage {
  return mapColors(
    image,
    (value) => (value < threshold ? value : 1 - value),
    () => levelTable((level) => (level < threshold ? level : 255 - level)),
  );
}

/** All levels about as frequent, channel by channel; `p` is 0.5 by default. torchvision's `RandomEqualize`. */
export const randomEqualize = defineTransform<ProbabilityOptions, NoParams>('randomEqualize', { p: 0.5 }, () => ({
  sample: () => ({}),
  apply: (image) => throughBytes(image, equalize),
}));

/** The whole scale from black to white, channel by channel; `p` is 0.5 by default. torchvision's `RandomAutocontrast`. */
export const randomAutocontrast = defineTransform<ProbabilityOptions, NoParams>(
  'randomAutocontrast',
  { p: 0.5 },
  () => ({ sample: () => ({}), apply: (image) => throughBytes(image, autocontrast) }),
);

export interface RandomAdjustSharpnessOptions extends ProbabilityOptions {
  /** 0 smooth, 1 as it is, 2 sharp; a range draws one. */
  readonly sharpnessFactor: NumberOrRange;
}

/** Sharper or smoother; `p` is 0.5 by default. torchvision's `RandomAdjustSharpness`. */
export const randomAdjustSharpness = defineTransform<
  RandomAdjustSharpnessOptions,
  { readonly sharpnessFactor: number }
>('randomAdjustSharpness', { sharpnessFactor: required, p: 0.5 }, ({ sharpnessFactor }) => {
  const range = rangeOf('randomAdjustSharpness', 'sharpnessFactor', sharpnessFactor, { min: 0 });
  return {
    sample: (rng) => ({ sharpnessFactor: rng.uniform(...range) }),
    apply: (image, params) => adjustSharpness(image, params.sharpnessFactor),
  };
});
