import { captchaV4 } from '@proj/models-captcha';
import { efficientnetB0 } from '@proj/models-efficientnet';
import { resnet34, wideResNet } from '@proj/models-resnet';
import type * as tf from '@tensorflow/tfjs';

/** A model that the benchmarks train or ask; `contestants/torch_models.py` has the same ones by the same names. */
export interface Case {
  readonly build: () => tf.LayersModel;
  /** [height, width, channels] */
  readonly input: readonly [number, number, number];
  /** Labels of a picture, and the classes of each. */
  readonly positions: number;
  readonly classes: number;
  readonly batches: readonly number[];
  /** tfjs's own backends take minutes a step of the others. */
  readonly small: boolean;
}

export const CASES: Readonly<Record<string, Case>> = {
  v4: {
    build: () => captchaV4(),
    input: [64, 128, 3],
    positions: 4,
    classes: 62,
    batches: [128],
    small: true,
  },
  resnet34: {
    build: () => resnet34({ inputShape: [60, 200, 3], stem: 'wide', numClasses: 378 }),
    input: [60, 200, 3],
    positions: 6,
    classes: 63,
    batches: [16, 32],
    small: false,
  },
  wideresnet: {
    build: () => wideResNet({ depth: 28, widenFactor: 10, numClasses: 10 }),
    input: [32, 32, 3],
    positions: 1,
    classes: 10,
    batches: [32],
    small: false,
  },
  efficientnet: {
    build: () => efficientnetB0({ numClasses: 1000 }),
    input: [224, 224, 3],
    positions: 1,
    classes: 1000,
    batches: [16],
    small: false,
  },
};
