import type { FloatImage, Image } from '@proj/core';
import { fillOf, fullScale, isBytes, withData } from '../image.js';
import { Workspace } from '../kernels/workspace.js';
import { copyOf, takeFloats } from '../memory.js';
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
    let known: Tables | undefined; // of the pictures before, which usually have as many channels
    return {
      sample: () => ({}),
      apply: (image) => {
        const means = fillOf(mean, image.channels);
        const stds = fillOf(std, image.channels);
        const full = fullScale(image);
        const { fround } = Math; // step by step in single precision, as torch computes
        const change: Change = (value, c) =>
          fround(fround(fround(value / full) - fround(means[c]!)) / fround(stds[c]!));
        if (!isBytes(image)) return computed(image, change);
        if (known?.length !== 256 * image.channels) known = tablesOf(change, image.channels);
        return lookedUp(image, known);
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
        return { mean, deviation };
      });
      const change: Change = (value, c) => {
        const { mean, deviation } = statistics[c % groups]!;
        return (value - mean) / deviation;
      };
      return isBytes(image) ? lookedUp(image, tablesOf(change, channels)) : computed(image, change);
    },
  }),
);

type Change = (value: number, channel: number) => number;

/** `[channels, 256]`: what becomes of each level. */
type Tables = Float32Array;

function tablesOf(change: Change, channels: number): Tables {
  return Float32Array.from({ length: 256 * channels }, (_, i) => change(i % 256, Math.floor(i / 256)));
}

function computed(image: FloatImage, change: Change): FloatImage {
  const { data, channels } = image;
  const out = takeFloats(data.length);
  for (let i = 0; i < out.length; i++) out[i] = change(data[i]!, i % channels);
  return withData<FloatImage>(image, out);
}

function lookedUp(image: Image, tables: Tables): FloatImage {
  const { data, channels } = image;
  const workspace = new Workspace();
  const source = workspace.put(data);
  const target = workspace.room(4 * data.length);
  workspace.kernels.lookUpFloats(source, data.length / channels, channels, workspace.put(tables), target);
  return withData<FloatImage>(image, copyOf(workspace.floats(target, data.length)));
}
