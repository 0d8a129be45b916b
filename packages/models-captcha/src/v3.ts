import {
  add,
  assertOption,
  dropout,
  globalAveragePool,
  maxPool,
  relu,
  type TorchLayers,
  torchLayers,
} from '@proj/models-core';
import type * as tf from '@tensorflow/tfjs';
import { type CaptchaModelOptions, captchaModel, captchaTask, scaledPixels } from './captcha-task.js';

/**
 * The report's third model: convolution 3x3 (32), batch normalisation, ReLU and 2x2 max pool; residual blocks of 64,
 * 128 and 256 channels, each with a 2x2 max pool; one of 512; global average pool; dense 1024 with ReLU and dropout
 * 0.5; a dense layer that holds a classifier for each position. All blocks have stride 1 and, because the channels
 * double, a 1x1 convolution with batch normalisation as shortcut.
 *
 * Input: `[B, H, W, C]` float32, raw pixel values 0..255 (the first layer scales them to 0..1), grey 128x128x1 by
 * default as in the report, any size from 16 on. Output: logits `[B, length, numClasses]`.
 *
 * Parameters at the defaults, 5,668,600, of which 5,662,776 are trained: first convolution 320; a block from `i` to `o`
 * channels 9 i o + 9 o^2 + i o + 3 o in its convolutions (57,536 + 229,760 + 918,272 + 3,671,552) and 12 o in three
 * batch normalisations; the first batch normalisation 128; half of all batch normalisation is moving statistics; fc1
 * (512 + 1) * 1024 = 525,312; fc2 (1024 + 1) * 4 * 62 = 254,200.
 *
 * Layers carry the names and the default initialisation of the PyTorch original.
 *
 * @throws ProjError `invalid-option`, among others for a side below 16.
 */
export function captchaV3(options: CaptchaModelOptions = {}): tf.LayersModel {
  const task = captchaTask('v3', options, [128, 128, 1]);
  const isLargeEnough = Math.min(task.inputShape[0], task.inputShape[1]) >= 16;
  assertOption('captcha v3', isLargeEnough, 'height and width of at least 16', `[${task.inputShape}]`);
  const layers = torchLayers(task.seed);
  const { input, scaled } = scaledPixels(task);

  let x = layers.batchNorm('bn1', layers.conv('conv1', scaled, 32)); // [B, H, W, 32]
  x = maxPool('pool1', relu('relu1', x)); // [B, H/2, W/2, 32]
  x = maxPool('pool2', residualBlock(layers, 'res_block1', x, 64)); // [B, H/4, W/4, 64]
  x = maxPool('pool3', residualBlock(layers, 'res_block2', x, 128)); // [B, H/8, W/8, 128]
  x = maxPool('pool4', residualBlock(layers, 'res_block3', x, 256)); // [B, H/16, W/16, 256]
  x = globalAveragePool('adaptive_pool', residualBlock(layers, 'res_block4', x, 512)); // [B, 512]
  x = layers.dense('fc1', x, 1024, { activation: 'relu' }); // [B, 1024]
  x = dropout('dropout', x, 0.5);
  x = layers.dense('fc2', x, task.length * task.numClasses); // [B, L * C]
  return captchaModel(task, input, x); // [B, L, C]
}

/** `[B, H, W, C] -> [B, H, W, filters]` */
function residualBlock(
  { conv, batchNorm }: TorchLayers,
  name: string,
  x: tf.SymbolicTensor,
  filters: number,
): tf.SymbolicTensor {
  let out = relu(`${name}.relu1`, batchNorm(`${name}.bn1`, conv(`${name}.conv1`, x, filters)));
  out = batchNorm(`${name}.bn2`, conv(`${name}.conv2`, out, filters));
  const shortcut = batchNorm(`${name}.shortcut.1`, conv(`${name}.shortcut.0`, x, filters, { kernelSize: 1 }));
  return relu(`${name}.relu2`, add(`${name}.add`, [out, shortcut]));
}
