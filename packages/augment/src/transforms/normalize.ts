import type { FloatImage } from '@proj/core';
import { type AnyImage, fillOf, fullScale, withData } from '../image.js';
import { checkNumber, checkNumbers, invalidOption, required } from '../options.js';
import { defineTransform } from '../transform.js';
import type { NoParams } from './pad.js';

export interface NormalizeOptions {
  /** One value a channel, or one for all, where full light is 1. */
  readonly mean: number | readonly number[];
  readonly std: number | readonly number[];
}

/** What models trained on ImageNet expect. */
export const imagenetStatistics = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;

/** CIFAR-10's, as report and common recipes have them. */
export const cifar10Statistics = { mean: [0.4914, 0.4822, 0.4465], std: [0.2023, 0.1994, 0.201] } as const;

/**
 * `(value / full light - mean) / std`, in real numbers: torchvision's `ToTensor` and `Normalize` in one. Of a picture of
 * real numbers full light is 1.
 */
export const normalize = defineTransform<NormalizeOptions, NoParams>(
  'normalize',
  { mean: required, std: required },
  ({ mean, std }) => {
    checkNumbers('normalize', 'mean', mean as number | number[]);
    for (const each of [std].flat()) {
      if (checkNumber('normalize', 'std', each) === 0)
        throw invalidOption('normalize', 'std', 'numbers other than 0', std);
    }
    return {
      sample: () => ({}),
      apply: (image) => {
        const means = fillOf(mean, image.channels);
        const stds = fillOf(std, image.channels);
        const factors = stds.map((deviation) => 1 / (fullScale(image) * deviation));
        return scaled(
          image,
          factors,
          means.map((value, c) => -value / stds[c]!),
        );
      },
    };
  },
);

export interface StandardizeOptions {
  /** Whether each channel has a mean and a deviation of its own. Default true. */
  readonly perChannel?: boolean | undefined;
}

/**
 * Mean 0 and deviation 1 by the picture's own statistics, channel by channel, so that a captcha's colours no longer matter: the
 * colour normalisation of a picture. A deviation below a level of bytes counts as one level, so that a plain picture becomes 0.
 */
export const standardize = defineTransform<StandardizeOptions, NoParams>(
  'standardize',
  { perChannel: true },
  ({ perChannel }) => ({
    sample: () => ({}),
    apply: (image) => {
      const { data, channels } = image;
      const groups = perChannel ? channels : 1;
      const statistics = Array.from({ length: groups }, (_, first) => {
        let sum = 0;
        for (let i = first; i < data.length; i += groups) sum += data[i]!;
        const mean = (sum * groups) / data.length;
        let squares = 0;
        for (let i = first; i < data.length; i += groups) squares += (data[i]! - mean) ** 2;
        const deviation = Math.max(Math.sqrt((squares * groups) / data.length), fullScale(image) / 255);
        return { factor: 1 / deviation, offset: -mean / deviation };
      });
      const ofChannel = Array.from({ length: channels }, (_, c) => statistics[c % groups]!);
      return scaled(
        image,
        ofChannel.map(({ factor }) => factor),
        ofChannel.map(({ offset }) => offset),
      );
    },
  }),
);

function scaled({ data, width, height, channels }: AnyImage, factors: number[], offsets: number[]): FloatImage {
  const out = new Float32Array(data.length);
  if (channels === 3) {
    const [f0, f1, f2] = factors as [number, number, number];
    const [o0, o1, o2] = offsets as [number, number, number];
    for (let i = 0; i < out.length; i += 3) {
      out[i] = data[i]! * f0 + o0;
      out[i + 1] = data[i + 1]! * f1 + o1;
      out[i + 2] = data[i + 2]! * f2 + o2;
    }
  } else {
    for (let c = 0; c < channels; c++) {
      for (let i = c; i < out.length; i += channels) out[i] = data[i]! * factors[c]! + offsets[c]!;
    }
  }
  return withData<FloatImage>({ width, height, channels }, out);
}
