import { Rng } from '@proj/core';
import { assertOption, relu, torchLayers } from '@proj/models-core';
import * as tf from '@tensorflow/tfjs';
import { type CaptchaModelOptions, captchaModel, captchaTask, scaledPixels } from './captcha-task.js';

/** Options of {@link captchaV4}. */
export interface CaptchaV4Options extends CaptchaModelOptions {
  /** Channels of the stem and the first stage (default 16); each further stage doubles them. */
  readonly width?: number | undefined;
  /** Residual blocks of the four stages (default `[0, 1, 1, 1]`). Only the first stage may have none. */
  readonly blocks?: readonly [number, number, number, number] | undefined;
  /** Stride of the stem (default 2). 1 keeps the full picture in the first stage, costs four times as much, and asks only
   * for sides that divide by 8. */
  readonly stemStride?: 1 | 2 | undefined;
  /** Columns of the last map that the classifier sees of each character (default 2). */
  readonly columns?: number | undefined;
  /** Starts each block as the identity by a last gamma of 0 (default true; Goyal et al., 2017). */
  readonly zeroInitResidual?: boolean | undefined;
}

/**
 * The model the report left open: a small residual net for whole captchas at their own proportions, made for accuracy a
 * second of CPU time. A 3x3 stem, four stages of basic blocks (He et al., 2016), and one classifier that all positions
 * share, so that each picture teaches it `length` times. What it sees of a position are `columns` columns of the last map,
 * taken along the width by a learned linear map, which begins as linear interpolation: the model finds out by itself
 * where in the picture each character stands.
 *
 * Input: `[B, H, W, C]` float32, raw pixel values 0..255 (the first layer scales them to 0..1), 64x128x3 by default;
 * sides must divide by 16 (8 with `stemStride: 1`), and the width must give each character a column of that many pixels.
 * Output: logits `[B, length, numClasses]`.
 *
 * Stages 2 to 4 halve the map at their entrance; their shortcut is a 2x2 average pool and a 1x1 convolution (ResNet-D, He
 * et al., 2019), which passes every pixel on where a strided 1x1 convolution would skip three of four. Convolutions have
 * no bias, Kaiming initialisation over the outputs and batch normalisation after them. Stride-2 convolutions pad as
 * TensorFlow's 'same' does: one row below and one column to the right.
 *
 * Parameters at the defaults, 367,854, of which 366,478 are trained: stem 9 * 3 * 16 = 432; a block from `i` to `o`
 * channels 9 i o + 9 o^2, with a shortcut i o more: 14,336 + 57,344 + 229,376; batch normalisation 4 for each of the
 * 16 + 3 * (32 + 64 + 128) = 688 channels that a convolution makes, half of it moving statistics; the map from 8 to
 * 4 * 2 columns 64; classifier (2 * 4 * 128 + 1) * 62 = 63,550.
 *
 * Cost at the defaults: 23 million multiply-accumulate operations a picture; `width: 24` 51 million,
 * `width: 32` 90 million, `blocks: [1, 1, 1, 1]` 33 million, `blocks: [2, 2, 2, 2]` 70 million (`countMacs` tells).
 *
 * @throws ProjError `invalid-option`, among others for sides that do not divide.
 */
export function captchaV4({
  width = 16,
  blocks = [0, 1, 1, 1],
  stemStride = 2,
  columns = 2,
  zeroInitResidual = true,
  ...options
}: CaptchaV4Options = {}): tf.LayersModel {
  const task = captchaTask('v4', options, [64, 128, 3]);
  assertOption('captcha v4', Number.isInteger(width) && width > 0, 'width to be a positive integer', String(width));
  assertOption(
    'captcha v4',
    Number.isInteger(columns) && columns > 0,
    'columns to be a positive integer',
    String(columns),
  );
  const hasBlocks = blocks.length === 4 && blocks.every((count, i) => Number.isInteger(count) && count >= (i ? 1 : 0));
  assertOption('captcha v4', hasBlocks, 'blocks of four stages, none only in the first', `[${blocks}]`);
  assertOption('captcha v4', stemStride === 1 || stemStride === 2, 'stemStride to be 1 or 2', String(stemStride));
  const step = 8 * stemStride;
  const divides = task.inputShape[0] % step === 0 && task.inputShape[1] % step === 0;
  assertOption('captcha v4', divides, `height and width that divide by ${step}`, `[${task.inputShape}]`);

  const fits = task.inputShape[1] / step >= task.length;
  const least = `${task.length} columns of ${step} pixels, a width of at least ${task.length * step}`;
  assertOption('captcha v4', fits, least, `[${task.inputShape}]`);

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
  return captchaModel(task, input, readColumns(x));

  /** Logits of each character; `[B, h, w, c] -> [B, L * C]`. */
  function readColumns(map: tf.SymbolicTensor): tf.SymbolicTensor {
    const [h, w, c] = map.shape.slice(1) as [number, number, number];
    let out = tf.layers.permute({ name: 'align.in', dims: [1, 3, 2] }).apply(map); // [B, h, c, w]
    const align = tf.layers.dense({ name: 'align', units: task.length * columns, useBias: false });
    out = align.apply(out); // [B, h, c, L * columns]
    const start = interpolation(w, task.length * columns);
    align.setWeights([start]);
    start.dispose();
    out = tf.layers.permute({ name: 'align.out', dims: [3, 1, 2] }).apply(out); // [B, L * columns, h, c]
    out = tf.layers.reshape({ name: 'characters', targetShape: [task.length, columns * h * c] }).apply(out);
    return dense('head', out as tf.SymbolicTensor, task.numClasses); // [B, L, C]
  }
}

/** `[from, to]`: the matrix that resizes a row of `from` numbers to `to` by linear interpolation between their centres. */
function interpolation(from: number, to: number): tf.Tensor2D {
  const matrix = tf.buffer([from, to] as [number, number]);
  for (let i = 0; i < to; i++) {
    const centre = Math.min(from - 1, Math.max(0, ((i + 0.5) * from) / to - 0.5));
    const left = Math.min(from - 1, Math.floor(centre));
    matrix.set(1 - (centre - left), left, i);
    if (left + 1 < from) matrix.set(centre - left, left + 1, i);
  }
  return matrix.toTensor() as tf.Tensor2D;
}

interface ConvNormOptions {
  readonly filters: number;
  readonly kernelSize?: number;
  readonly strides?: 1 | 2;
  readonly gamma?: 0 | 1;
}
