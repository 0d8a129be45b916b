import { assertOption, maxPool, torchLayers } from '@proj/models-core';
import * as tf from '@tensorflow/tfjs';
import { type CaptchaModelOptions, captchaModel, captchaTask, scaledPixels } from './captcha-task.js';

/**
 * The report's first model, LeNet-like: four times convolution 3x3 (32, 64, 128, 256), ReLU and 2x2 max pool; dense
 * 1024 with ReLU; a dense layer that holds a classifier for each position.
 *
 * Input: `[B, H, W, C]` float32, raw pixel values 0..255 (the first layer scales them to 0..1), 128x128x3 by default;
 * the report's grey variant is `inputShape: [128, 128, 1]`. Output: logits `[B, length, numClasses]`.
 *
 * Parameters at the defaults, 17,420,856: convolutions 896 + 18,496 + 73,856 + 295,168; fc1, which sees every pixel
 * of the last 8x8 map, (256 * 8 * 8 + 1) * 1024 = 16,778,240; fc2 (1024 + 1) * 4 * 62 = 254,200. Grey takes off 576.
 *
 * Layers carry the names and the default initialisation of the PyTorch original.
 *
 * @throws ProjError `invalid-option`, among others for a side below 16.
 */
export function captchaV1(options: CaptchaModelOptions = {}): tf.LayersModel {
  const task = captchaTask('v1', options, [128, 128, 3]);
  const isLargeEnough = Math.min(task.inputShape[0], task.inputShape[1]) >= 16;
  assertOption('captcha v1', isLargeEnough, 'height and width of at least 16', `[${task.inputShape}]`);
  const { conv, dense } = torchLayers(task.seed);
  const { input, scaled } = scaledPixels(task);

  let x = conv('conv1', scaled, 32, { activation: 'relu' }); // [B, H, W, 32]
  x = maxPool('pool1', x); // [B, H/2, W/2, 32]
  x = conv('conv2', x, 64, { activation: 'relu' }); // [B, H/2, W/2, 64]
  x = maxPool('pool2', x); // [B, H/4, W/4, 64]
  x = conv('conv3', x, 128, { activation: 'relu' }); // [B, H/4, W/4, 128]
  x = maxPool('pool3', x); // [B, H/8, W/8, 128]
  x = conv('conv4', x, 256, { activation: 'relu' }); // [B, H/8, W/8, 256]
  x = maxPool('pool4', x); // [B, H/16, W/16, 256]
  x = tf.layers.flatten({ name: 'flatten' }).apply(x) as tf.SymbolicTensor; // [B, H/16 * W/16 * 256]
  x = dense('fc1', x, 1024, { activation: 'relu' }); // [B, 1024]
  x = dense('fc2', x, task.length * task.numClasses); // [B, L * C]
  return captchaModel(task, input, x); // [B, L, C]
}
