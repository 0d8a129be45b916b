import type { ClassifierOptions } from '@proj/models-core';
import type * as tf from '@tensorflow/tfjs';
import { resnet18, resnet34 } from './resnet.js';
import { wideResNet } from './wide-resnet.js';

/** Every builder of this package by name. */
export const resnetModels = {
  resnet18,
  resnet34,
  wideResNet,
} as const satisfies Record<string, (options?: ClassifierOptions) => tf.LayersModel>;
