import {
  add,
  assertOption,
  type ClassifierOptions,
  classifierModel,
  classifierTask,
  globalAveragePool,
  imageNet,
  kaimingFanOut,
  maxPool,
  normalizedPixels,
  relu,
  type TorchLayers,
  torchLayers,
} from '@proj/models-core';
import type * as tf from '@tensorflow/tfjs';

/** Options of {@link resnet18} and {@link resnet34}. */
export interface ResnetOptions extends ClassifierOptions {
  /**
   * `wide` (default): convolution 7x7 of stride 2 and 3x3 max pool of stride 2, which leave a quarter of each side.
   * `narrow`: convolution 3x3 of stride 1, for pictures of some 32 pixels, as He et al. had it for CIFAR-10.
   */
  readonly stem?: 'wide' | 'narrow' | undefined;
  /** Channels of the stem and the first stage (default 64); each further stage doubles them. */
  readonly width?: number | undefined;
  /** Starts each block as the identity by a last gamma of 0 (Goyal et al., 2017; default false, as torchvision's). */
  readonly zeroInitResidual?: boolean | undefined;
}

/**
 * ResNet-18 (He et al., 2016, "Deep Residual Learning for Image Recognition") as torchvision has it; all of
 * {@link resnet34}'s documentation holds but for the number of blocks.
 *
 * Parameters at the defaults: 11,689,512 trained, and 9,600 moving statistics.
 *
 * @throws ProjError `invalid-option`
 */
export function resnet18(options: ResnetOptions = {}): tf.LayersModel {
  return resnet('resnet18', [2, 2, 2, 2], options);
}

/**
 * ResNet-34 (He et al., 2016, "Deep Residual Learning for Image Recognition") as torchvision has it: a stem, four stages
 * of 3, 4, 6 and 3 basic blocks with 64, 128, 256 and 512 channels, global average pool, a dense layer.
 *
 * Input: `[B, H, W, C]` float32, raw pixel values 0..255 (the first layer normalises them), 224x224x3 by default, of any
 * size. Output: logits `[B, numClasses]`, 1,000 by default.
 *
 * Parameters at the defaults, 21,797,672 trained: stem 49 * 3 * 64 = 9,408; a block from `i` to `o` channels
 * 9 i o + 9 o^2, where the channels change i o more, in the four stages 221,184 + 1,114,112 + 6,815,744 + 13,107,200;
 * batch normalisation 2 for each of the 8,512 channels that a convolution makes, 17,024; `fc` (512 + 1) * 1000 = 513,000.
 * The 17,024 moving statistics come on top in `model.countParams()`.
 *
 * Layers carry torchvision's names and initialisation, and pad as PyTorch does. The last map, `[B, H/32, W/32, 512]`, is
 * the output of layer `layer4.2.relu2`: `model.getLayer('layer4.2.relu2').output` is where another head goes.
 *
 * @throws ProjError `invalid-option`
 */
export function resnet34(options: ResnetOptions = {}): tf.LayersModel {
  return resnet('resnet34', [3, 4, 6, 3], options);
}

function resnet(
  architecture: string,
  blocks: readonly number[],
  { stem = 'wide', width = 64, zeroInitResidual = false, ...options }: ResnetOptions,
): tf.LayersModel {
  const task = classifierTask(architecture, options, {
    inputShape: [224, 224, 3],
    numClasses: 1000,
    normalization: imageNet,
  });
  assertOption(architecture, stem === 'wide' || stem === 'narrow', "stem to be 'wide' or 'narrow'", String(stem));
  assertOption(architecture, Number.isInteger(width) && width > 0, 'width to be a positive integer', String(width));
  const layers = torchLayers(task.seed);
  const { input, normalized } = normalizedPixels(task);

  const isWide = stem === 'wide';
  let x = convNorm(layers, 'conv1', 'bn1', normalized, width, isWide ? { kernelSize: 7, stride: 2 } : {});
  x = relu('relu', x); // [B, H/2, W/2, width], narrow: [B, H, W, width]
  if (isWide) x = maxPool('maxpool', x, { kernelSize: 3, padding: 1 }); // [B, H/4, W/4, width]
  blocks.forEach((count, stage) => {
    for (let i = 0; i < count; i++) {
      const stride = stage > 0 && i === 0 ? 2 : 1;
      x = basicBlock(layers, `layer${stage + 1}.${i}`, x, width * 2 ** stage, stride, zeroInitResidual ? 0 : 1);
    } // [B, H/4 / 2^stage, W/4 / 2^stage, width * 2^stage]
  });
  x = globalAveragePool('avgpool', x); // [B, 8 * width]
  return classifierModel(task, input, layers.dense('fc', x, task.numClasses)); // [B, numClasses]
}

/** Two convolutions 3x3 and a shortcut, 1x1 where the shape changes; `[B, h, w, c] -> [B, h / stride, w / stride, filters]` */
function basicBlock(
  layers: TorchLayers,
  name: string,
  x: tf.SymbolicTensor,
  filters: number,
  stride: 1 | 2,
  gamma: 0 | 1,
): tf.SymbolicTensor {
  let out = relu(`${name}.relu1`, convNorm(layers, `${name}.conv1`, `${name}.bn1`, x, filters, { stride }));
  out = convNorm(layers, `${name}.conv2`, `${name}.bn2`, out, filters, { gamma });
  const isSameShape = stride === 1 && x.shape[3] === filters;
  const downsample = `${name}.downsample`;
  const shortcut = isSameShape
    ? x
    : convNorm(layers, `${downsample}.0`, `${downsample}.1`, x, filters, { kernelSize: 1, stride });
  return relu(`${name}.relu2`, add(`${name}.add`, [out, shortcut]));
}

/** Convolution without bias, and batch normalisation. */
function convNorm(
  { conv, batchNorm }: TorchLayers,
  convName: string,
  normName: string,
  x: tf.SymbolicTensor,
  filters: number,
  { kernelSize = 3, stride = 1, gamma = 1 }: { kernelSize?: number; stride?: 1 | 2; gamma?: 0 | 1 } = {},
): tf.SymbolicTensor {
  const weight = kaimingFanOut(kernelSize, filters);
  return batchNorm(normName, conv(convName, x, filters, { kernelSize, stride, weight, bias: false }), { gamma });
}
