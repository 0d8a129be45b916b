import {
  add,
  assertOption,
  type ClassifierOptions,
  cifar10,
  classifierModel,
  classifierTask,
  dropout,
  globalAveragePool,
  kaimingFanOut,
  normalizedPixels,
  relu,
  torchLayers,
} from '@proj/models-core';
import type * as tf from '@tensorflow/tfjs';

/** Options of {@link wideResNet}. */
export interface WideResNetOptions extends ClassifierOptions {
  /** Layers with weights, `6 n + 4` for three groups of n blocks (default 28). */
  readonly depth?: number | undefined;
  /** Multiplies the 16, 32 and 64 channels of the three groups (default 10). */
  readonly widenFactor?: number | undefined;
  /** Dropout between the two convolutions of a block (default 0; the paper's other setting is 0.3). */
  readonly dropRate?: number | undefined;
}

/**
 * WideResNet-28-10 (Zagoruyko and Komodakis, 2016, "Wide Residual Networks"), or another depth and width: a convolution,
 * three groups of pre-activation blocks B(3,3) with 160, 320 and 640 channels, batch normalisation, ReLU, global average
 * pool, a dense layer.
 *
 * Input: `[B, H, W, C]` float32, raw pixel values 0..255 (the first layer normalises them), 32x32x3 by default, of any
 * size. Output: logits `[B, numClasses]`, 10 by default.
 *
 * Parameters at the defaults, 36,479,194 trained: first convolution 27 * 16 = 432; a block from `i` to `o` channels
 * 9 i o + 9 o^2, where the channels change i o more, in the three groups 1,638,400 + 6,963,200 + 27,852,800; batch
 * normalisation 2 for each of the 8,976 channels it sees, 17,952; `fc` (640 + 1) * 10 = 6,410. The 17,952 moving statistics
 * come on top in `model.countParams()`.
 *
 * The paper's code initialises convolutions by He et al. over the outputs and the last bias with 0, as here. Layers carry
 * the names of its widespread PyTorch form, `block1.layer.0.conv1` and so on.
 *
 * @throws ProjError `invalid-option`
 */
export function wideResNet({
  depth = 28,
  widenFactor = 10,
  dropRate = 0,
  ...options
}: WideResNetOptions = {}): tf.LayersModel {
  const architecture = `wideresnet-${depth}-${widenFactor}`;
  const task = classifierTask(architecture, options, {
    inputShape: [32, 32, 3],
    numClasses: 10,
    normalization: cifar10,
  });
  const blocks = (depth - 4) / 6;
  assertOption(architecture, Number.isInteger(blocks) && blocks > 0, 'depth to be 6 n + 4, n > 0', String(depth));
  const isWidth = Number.isInteger(widenFactor) && widenFactor > 0;
  assertOption(architecture, isWidth, 'widenFactor to be a positive integer', String(widenFactor));
  assertOption(architecture, dropRate >= 0 && dropRate < 1, 'dropRate in 0..1, 1 excluded', String(dropRate));
  const { conv, batchNorm, dense } = torchLayers(task.seed);
  const { input, normalized } = normalizedPixels(task);

  function conv3x3(name: string, x: tf.SymbolicTensor, filters: number, stride: 1 | 2 = 1): tf.SymbolicTensor {
    return conv(name, x, filters, { stride, weight: kaimingFanOut(3, filters), bias: false });
  }

  /** B(3,3); `[B, h, w, c] -> [B, h / stride, w / stride, filters]`. */
  function block(name: string, x: tf.SymbolicTensor, filters: number, stride: 1 | 2): tf.SymbolicTensor {
    const activated = relu(`${name}.relu1`, batchNorm(`${name}.bn1`, x)); // [B, h, w, c]
    let out = conv3x3(`${name}.conv1`, activated, filters, stride); // [B, h / stride, w / stride, filters]
    out = dropout(`${name}.dropout`, relu(`${name}.relu2`, batchNorm(`${name}.bn2`, out)), dropRate);
    out = conv3x3(`${name}.conv2`, out, filters);
    // Where the channels change, the shortcut too begins behind the activation.
    const weight = kaimingFanOut(1, filters);
    const isSameShape = x.shape[3] === filters;
    const shortcut = isSameShape
      ? x
      : conv(`${name}.convShortcut`, activated, filters, { kernelSize: 1, stride, weight, bias: false });
    return add(`${name}.add`, [out, shortcut]);
  }

  let x = conv3x3('conv1', normalized, 16); // [B, H, W, 16]
  for (const group of [0, 1, 2]) {
    for (let i = 0; i < blocks; i++) {
      const stride = group > 0 && i === 0 ? 2 : 1;
      x = block(`block${group + 1}.layer.${i}`, x, 16 * widenFactor * 2 ** group, stride);
    } // [B, H / 2^group, W / 2^group, 16 * widenFactor * 2^group]
  }
  x = globalAveragePool('avgpool', relu('relu', batchNorm('bn1', x))); // [B, 64 * widenFactor]
  return classifierModel(task, input, dense('fc', x, task.numClasses, { bias: 'zeros' })); // [B, numClasses]
}
