import { assertOption, dropout, globalAveragePool, maxPool, relu, torchLayers } from '@proj/models-core';
import type * as tf from '@tensorflow/tfjs';
import { type CaptchaModelOptions, captchaModel, captchaTask, scaledPixels } from './captcha-task.js';

/**
 * The report's second model: five times convolution 3x3 (32, 64, 128, 256, 512), batch normalisation and ReLU, a 2x2
 * max pool after each of the first four; global average pool; dense 1024 with ReLU and dropout 0.5; a dense layer that
 * holds a classifier for each position.
 *
 * Input: `[B, H, W, C]` float32, raw pixel values 0..255 (the first layer scales them to 0..1), 128x128x3 by default,
 * any size from 16 on. Output: logits `[B, length, numClasses]`.
 *
 * Parameters at the defaults, 2,352,056, of which 2,350,072 are trained: convolutions 896 + 18,496 + 73,856 +
 * 295,168 + 1,180,160; batch normalisation 4 * (32 + 64 + 128 + 256 + 512), half of it moving statistics; fc1
 * (512 + 1) * 1024 = 525,312; fc2 (1024 + 1) * 4 * 62 = 254,200.
 *
 * Layers carry the names and the default initialisation of the PyTorch original.
 *
 * @throws ProjError `invalid-option`, among others for a side below 16.
 */
export function captchaV2(options: CaptchaModelOptions = {}): tf.LayersModel {
  const task = captchaTask('v2', options, [128, 128, 3]);
  const isLargeEnough = Math.min(task.inputShape[0], task.inputShape[1]) >= 16;
  assertOption('captcha v2', isLargeEnough, 'height and width of at least 16', `[${task.inputShape}]`);
  const { conv, dense, batchNorm } = torchLayers(task.seed);
  const { input, scaled } = scaledPixels(task);

  const unit = (i: number, x: tf.SymbolicTensor, filters: number) =>
    relu(`relu${i}`, batchNorm(`bn${i}`, conv(`conv${i}`, x, filters)));

  let x = maxPool('pool1', unit(1, scaled, 32)); // [B, H/2, W/2, 32]
  x = maxPool('pool2', unit(2, x, 64)); // [B, H/4, W/4, 64]
  x = maxPool('pool3', unit(3, x, 128)); // [B, H/8, W/8, 128]
  x = maxPool('pool4', unit(4, x, 256)); // [B, H/16, W/16, 256]
  x = globalAveragePool('adaptive_pool', unit(5, x, 512)); // [B, 512]
  x = dense('fc1', x, 1024, { activation: 'relu' }); // [B, 1024]
  x = dropout('dropout', x, 0.5);
  x = dense('fc2', x, task.length * task.numClasses); // [B, L * C]
  return captchaModel(task, input, x); // [B, L, C]
}
