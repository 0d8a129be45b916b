import { Rng } from '@proj/core';
import * as tf from '@tensorflow/tfjs';
import { assertOption, type CaptchaModelOptions, captchaModel, captchaTask, scaledPixels } from './captcha-task.js';
import { relu, torchLayers } from './torch-layers.js';

/** Options of {@link captchaV4}. */
export interface CaptchaV4Options extends CaptchaModelOptions {
  /** Channels of the stem and the first stage (default 32); each further stage doubles them. */
  readonly width?: number | undefined;
  /** Residual blocks of the four stages (default one each). The first stage may have none. */
  readonly blocks?: readonly [number, number, number, number] | undefined;
  /** Stride of the stem (default 2). 1 keeps the full picture in the first stage and costs four times as much. */
  readonly stemStride?: 1 | 2 | undefined;
  /** Starts each block as the identity by a last gamma of 0 (default true; Goyal et al., 2017). */
  readonly zeroInitResidual?: boolean | undefined;
}

/**
 * The model the report left open: a plain residual net for whole captchas at their own proportions, made for accuracy
 * a second of CPU time. A 3x3 stem, four stages of basic blocks (He et al., 2016), and a classifier for each position
 * that sees the whole last map, so the place of a character along the width is never averaged away.
 *
 * Input: `[B, H, W, C]` float32, raw pixel values 0..255 (the first layer scales them to 0..1), 64x128x3 by default;
 * sides must divide by 16 (8 with `stemStride: 1`). Output: logits `[B, length, numClasses]`.
 *
 * Stages 2 to 4 halve the map at their entrance; their shortcut is a 2x2 average pool and a 1x1 convolution (ResNet-D, He
 * et al., 2019), which passes every pixel on where a strided 1x1 convolution would skip three of four. Convolutions have
 * no bias, Kaiming initialisation over the outputs and batch normalisation after them. Stride-2 convolutions pad as
 * TensorFlow's 'same' does: one row below and one column to the right.
 *
 * Parameters at the defaults, 3,261,144, of which 3,258,264 are trained: stem 9 * 3 * 32 = 864; a block from `i` to `o`
 * channels 9 i o + 9 o^2, with a shortcut i o more: 18,432 + 57,344 + 229,376 + 917,504; batch normalisation 4 for each of
 * the 32 + 64 + 3 * (64 + 128 + 256) = 1,440 channels that a convolution makes, half of it moving statistics; head
 * (4 * 8 * 256 + 1) * 4 * 62 = 2,031,864.
 *
 * Cost at the defaults: 130 million multiply-accumulate operations a picture; `blocks: [0, 1, 1, 1]` 92 million,
 * `width: 24` 74 million, `blocks: [2, 2, 2, 2]` 281 million (`countMacs` tells).
 *
 * @throws ProjError `invalid-option`, among others for sides that do not divide.
 */
export function captchaV4({
  width = 32,
  blocks = [1, 1, 1, 1],
  stemStride = 2,
  zeroInitResidual = true,
  ...options
}: CaptchaV4Options = {}): tf.LayersModel {
  const task = captchaTask('v4', options, [64, 128, 3]);
  assertOption('v4', Number.isInteger(width) && width > 0, 'width to be a positive integer', String(width));
  const hasBlocks = blocks.length === 4 && blocks.every((count, i) => Number.isInteger(count) && count >= (i ? 1 : 0));
  assertOption('v4', hasBlocks, 'blocks of four stages, none only in the first', `[${blocks}]`);
  assertOption('v4', stemStride === 1 || stemStride === 2, 'stemStride to be 1 or 2', String(stemStride));
  const step = 8 * stemStride;
  const divides = task.inputShape[0] % step === 0 && task.inputShape[1] % step === 0;
  assertOption('v4', divides, `height and width that divide by ${step}`, `[${task.inputShape}]`);

  const rng = new Rng(task.seed);
  const { dense } = torchLayers(task.seed);
  const { input, scaled } = scaledPixels(task);

  /** Convolution and batch normalisation; `[B, h, w, c] -> [B, h / strides, w / strides, filters]`. */
  function convNorm(
    name: string,
    x: tf.SymbolicTensor,
    { filters, kernelSize = 3, strides = 1, gamma = 1 }: ConvNormOptions,
  ): tf.SymbolicTensor {
    const kernelInitializer = tf.initializers.varianceScaling({
      scale: 2,
      mode: 'fanOut',
      distribution: 'normal',
      seed: rng.split(`${name}.conv`, 'kernel').uint32(),
    });
    const conv = tf.layers.conv2d({
      name: `${name}.conv`,
      filters,
      kernelSize,
      strides,
      padding: 'same',
      useBias: false,
      kernelInitializer,
    });
    const norm = tf.layers.batchNormalization({
      name: `${name}.bn`,
      epsilon: 1e-5,
      momentum: 0.9,
      gammaInitializer: gamma === 0 ? 'zeros' : 'ones',
    });
    return norm.apply(conv.apply(x)) as tf.SymbolicTensor;
  }

  /** Basic block; `[B, h, w, c] -> [B, h / strides, w / strides, filters]`. */
  function block(name: string, x: tf.SymbolicTensor, filters: number, strides: 1 | 2): tf.SymbolicTensor {
    let out = relu(`${name}.relu1`, convNorm(`${name}.1`, x, { filters, strides }));
    out = convNorm(`${name}.2`, out, { filters, gamma: zeroInitResidual ? 0 : 1 });
    let shortcut = x;
    if (strides === 2) {
      const pool = tf.layers.averagePooling2d({ name: `${name}.shortcut.pool`, poolSize: 2, strides: 2 });
      shortcut = convNorm(`${name}.shortcut`, pool.apply(x) as tf.SymbolicTensor, { filters, kernelSize: 1 });
    }
    const sum = tf.layers.add({ name: `${name}.add` }).apply([out, shortcut]) as tf.SymbolicTensor;
    return relu(`${name}.relu2`, sum);
  }

  let x = convNorm('stem', scaled, { filters: width, strides: stemStride }); // [B, H/s, W/s, width]
  x = relu('stem.relu', x);
  blocks.forEach((count, stage) => {
    for (let i = 0; i < count; i++) {
      const strides = stage > 0 && i === 0 ? 2 : 1;
      x = block(`stage${stage + 1}.block${i + 1}`, x, width * 2 ** stage, strides);
    } // [B, H/s / 2^stage, W/s / 2^stage, width * 2^stage]
  });
  x = tf.layers.flatten({ name: 'flatten' }).apply(x) as tf.SymbolicTensor; // [B, H/8s * W/8s * 8 * width]
  x = dense('head', x, task.length * task.numClasses); // [B, L * C]
  return captchaModel(task, input, x); // [B, L, C]
}

interface ConvNormOptions {
  readonly filters: number;
  readonly kernelSize?: number;
  readonly strides?: 1 | 2;
  readonly gamma?: 0 | 1;
}
