import { Rng } from '@proj/core';
import { type AnyImage, blankLike, colorChannels, fullScale, withData } from '../image.js';
import { checkColor } from '../kernels/color.js';
import { copyOf } from '../memory.js';
import { checkNumber, invalidOption, type NumberOrRange, rangeOf } from '../options.js';
import { defineTransform } from '../transform.js';
import type { ProbabilityOptions } from './flip.js';

/** Noise is drawn anew from `seed`, so that a record of it stays short. */
type Seeded = { readonly seed: number };

export interface GaussianNoiseOptions {
  /** Part of full light, in bytes and in real numbers. Default 0. */
  readonly mean?: number | undefined;
  /** Part of full light. Default 0.1. */
  readonly sigma?: NumberOrRange | undefined;
  /** Whether real numbers are kept in 0..1; bytes always stay in 0..255. Default true. */
  readonly clip?: boolean | undefined;
  /** Default 1. */
  readonly p?: number | undefined;
}

/** Adds normal noise to each colour value; torchvision's `GaussianNoise`. Alpha stays. */
export const gaussianNoise = defineTransform<GaussianNoiseOptions, Seeded & { readonly sigma: number }>(
  'gaussianNoise',
  { mean: 0, sigma: 0.1, clip: true, p: 1 },
  ({ mean, sigma, clip }) => {
    const range = rangeOf('gaussianNoise', 'sigma', sigma, { min: 0 });
    checkNumber('gaussianNoise', 'mean', mean);
    return {
      sample: (rng) => ({ sigma: rng.uniform(...range), seed: rng.uint32() }),
      apply: (image, params) => {
        const rng = new Rng(params.seed);
        const scale = fullScale(image);
        const colors = colorChannels(image.channels);
        const data = copyOf(image.data);
        for (let i = 0; i < data.length; i++) {
          if (i % image.channels >= colors) continue;
          const value = data[i]! + scale * rng.normal(mean, params.sigma);
          data[i] = clip ? Math.min(scale, Math.max(0, value)) : value;
        }
        return withData(image, data);
      },
    };
  },
);

export interface SaltAndPepperOptions {
  /** Part of the pixels that are hit. Default [0.01, 0.06]. */
  readonly amount?: NumberOrRange | undefined;
  /** Part of these that turn white; the others turn black. Default 0.5. */
  readonly saltVsPepper?: NumberOrRange | undefined;
  /** Default 1. */
  readonly p?: number | undefined;
}

export type SaltAndPepperParams = Seeded & { readonly amount: number; readonly salt: number };

/** White and black specks of a pixel (albumentations' `SaltAndPepper`); each pixel is hit on its own. Alpha stays. */
export const saltAndPepper = defineTransform<SaltAndPepperOptions, SaltAndPepperParams>(
  'saltAndPepper',
  { amount: [0.01, 0.06], saltVsPepper: 0.5, p: 1 },
  ({ amount, saltVsPepper }) => {
    const amounts = rangeOf('saltAndPepper', 'amount', amount, { min: 0, max: 1 });
    const shares = rangeOf('saltAndPepper', 'saltVsPepper', saltVsPepper, { min: 0, max: 1 });
    return {
      sample: (rng) => ({ amount: rng.uniform(...amounts), salt: rng.uniform(...shares), seed: rng.uint32() }),
      apply: (image, params) => {
        const rng = new Rng(params.seed);
        const data = copyOf(image.data);
        const colors = colorChannels(image.channels);
        for (let i = 0; i < data.length; i += image.channels) {
          const draw = rng.uniform();
          if (draw >= params.amount) continue;
          data.fill(draw < params.amount * params.salt ? fullScale(image) : 0, i, i + colors);
        }
        return withData(image, data);
      },
    };
  },
);

export interface IsoNoiseOptions {
  /** Deviation of the hue at intensity 1, a part of the colour circle. Default [0.01, 0.05]. */
  readonly colorShift?: NumberOrRange | undefined;
  /** Strength of both kinds of noise. Default [0.1, 0.5]. */
  readonly intensity?: NumberOrRange | undefined;
  /** Default 1. */
  readonly p?: number | undefined;
}

export type IsoNoiseParams = Seeded & { readonly colorShift: number; readonly intensity: number };

/**
 * Noise of a camera's sensor in poor light, as albumentations' `ISONoise`: the hue of each pixel turns by normal noise,
 * its lightness rises by Poisson noise, the less the lighter it is. The mean of the latter is `intensity` times the picture's
 * deviation of lightness in levels. Of a grey picture only the lightness changes.
 */
export const isoNoise = defineTransform<IsoNoiseOptions, IsoNoiseParams>(
  'isoNoise',
  { colorShift: [0.01, 0.05], intensity: [0.1, 0.5], p: 1 },
  ({ colorShift, intensity }) => {
    const shifts = rangeOf('isoNoise', 'colorShift', colorShift, { min: 0, max: 1 });
    const intensities = rangeOf('isoNoise', 'intensity', intensity, { min: 0 });
    return {
      sample: (rng) => ({
        colorShift: rng.uniform(...shifts),
        intensity: rng.uniform(...intensities),
        seed: rng.uint32(),
      }),
      apply: (image, params) => {
        checkColor('isoNoise', image);
        return addSensorNoise(image, params);
      },
    };
  },
);

function addSensorNoise(image: AnyImage, { colorShift, intensity, seed }: IsoNoiseParams): AnyImage {
  const { data, channels } = image;
  const scale = fullScale(image);
  const isColor = channels >= 3;
  const lightness = Float32Array.from({ length: data.length / channels }, (_, i) => {
    const at = i * channels;
    if (!isColor) return data[at]! / scale;
    const [r, g, b] = [data[at]!, data[at + 1]!, data[at + 2]!];
    return (Math.max(r, g, b) + Math.min(r, g, b)) / (2 * scale);
  });
  const mean = 255 * intensity * deviationOf(lightness);
  const rng = new Rng(seed);
  const out = copyOf(data);
  for (const [i, light] of lightness.entries()) {
    const at = i * channels;
    const lighter = light + (poisson(rng, mean) / 255) * (1 - light);
    const turn = rng.normal(0, colorShift * intensity);
    if (!isColor) out[at] = lighter * scale;
    else {
      const [r, g, b] = [data[at]! / scale, data[at + 1]! / scale, data[at + 2]! / scale];
      for (const [c, value] of relit(r, g, b, turn, lighter).entries()) out[at + c] = value * scale;
    }
  }
  return withData(image, out);
}

/** The colour with its hue turned and another lightness; its saturation in HSL stays. */
function relit(r: number, g: number, b: number, turn: number, lightness: number): [number, number, number] {
  const most = Math.max(r, g, b);
  const chroma = most - Math.min(r, g, b);
  const light = most - chroma / 2;
  if (chroma === 0) return [lightness, lightness, lightness];
  const sextants = most === r ? (g - b) / chroma : most === g ? 2 + (b - r) / chroma : 4 + (r - g) / chroma;
  const saturation = chroma / (1 - Math.abs(2 * light - 1));
  const reach = saturation * Math.min(lightness, 1 - lightness);
  const channel = (offset: number) => {
    const k = (((offset + 2 * sextants + 12 * turn) % 12) + 12) % 12;
    return lightness - reach * Math.max(-1, Math.min(k - 3, 9 - k, 1));
  };
  return [channel(0), channel(8), channel(4)];
}

function deviationOf(values: Float32Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

/** A number from the Poisson distribution by Knuth's product of uniform numbers, halved until its exponent is small. */
export function poisson(rng: Rng, mean: number): number {
  if (mean > 30) return poisson(rng, mean / 2) + poisson(rng, mean / 2);
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = rng.uniform(); product > limit; product *= rng.uniform()) count++;
  return count;
}

/** Channels in an order drawn by chance, with probability `p` (default 1); torchvision's `RandomChannelPermutation`. Alpha stays last. */
export const randomChannelPermutation = defineTransform<ProbabilityOptions, { readonly order: readonly number[] }>(
  'randomChannelPermutation',
  { p: 1 },
  () => ({
    sample: (rng, { channels }) => ({
      order: rng.shuffle(Array.from({ length: colorChannels(channels) }, (_, c) => c)),
    }),
    apply: (image, { order }) => {
      const { data, channels } = image;
      const colors = colorChannels(channels);
      const valid = order.length === colors && new Set(order).size === colors && order.every((c) => c in order);
      if (!valid) throw invalidOption('randomChannelPermutation', 'order', `0..${colors - 1} in some order`, order);
      const out = blankLike(image, image);
      for (let i = 0; i < data.length; i += channels) {
        for (let c = 0; c < channels; c++) out.data[i + c] = data[i + (order[c] ?? c)]!;
      }
      return out;
    },
  }),
);
