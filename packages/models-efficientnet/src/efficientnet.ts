import {
  activation,
  add,
  assertOption,
  type ClassifierOptions,
  classifierModel,
  classifierTask,
  dropout,
  globalAveragePool,
  imageNet,
  kaimingFanOut,
  normalizedPixels,
  type TorchLayers,
  torchLayers,
} from '@proj/models-core';
import * as tf from '@tensorflow/tfjs';

/** Options of {@link efficientnetB0}. */
export interface EfficientNetOptions extends ClassifierOptions {
  /** Multiplies the channels of every layer, rounded to multiples of 8 (default 1). */
  readonly widthMultiplier?: number | undefined;
  /** Multiplies the blocks of every stage, rounded up (default 1). */
  readonly depthMultiplier?: number | undefined;
  /** Dropout before the classifier (default 0.2, as in the paper). */
  readonly dropRate?: number | undefined;
  /**
   * Stochastic depth: the last block's probability of being skipped in training, by example; it grows from 0 at the first
   * (default 0.2, as in the paper).
   */
  readonly dropPathRate?: number | undefined;
}

/** A stage of the network: `repeats` blocks, the first with `stride`. */
interface Stage {
  readonly kernelSize: 3 | 5;
  readonly stride: 1 | 2;
  /** How many times wider a block is inside than at its entrance. */
  readonly expansion: 1 | 6;
  readonly filters: number;
  readonly repeats: number;
}

/** Table 1 of the paper. */
const STAGES: readonly Stage[] = [
  { kernelSize: 3, stride: 1, expansion: 1, filters: 16, repeats: 1 },
  { kernelSize: 3, stride: 2, expansion: 6, filters: 24, repeats: 2 },
  { kernelSize: 5, stride: 2, expansion: 6, filters: 40, repeats: 2 },
  { kernelSize: 3, stride: 2, expansion: 6, filters: 80, repeats: 3 },
  { kernelSize: 5, stride: 1, expansion: 6, filters: 112, repeats: 3 },
  { kernelSize: 5, stride: 2, expansion: 6, filters: 192, repeats: 4 },
  { kernelSize: 3, stride: 1, expansion: 6, filters: 320, repeats: 1 },
];

/**
 * EfficientNet-B0 (Tan and Le, 2019, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks") as timm's
 * `efficientnet_b0` has it: a stem, 16 inverted residual blocks with squeeze-and-excitation (Hu et al., 2018) and SiLU, a 1x1
 * convolution, global average pool, dropout, a dense layer.
 *
 * Input: `[B, H, W, C]` float32, raw pixel values 0..255 (the first layer normalises them), 224x224x3 by default, of any
 * size. Output: logits `[B, numClasses]`, 1,000 by default.
 *
 * Parameters at the defaults, 5,288,548 trained, of which 1,281,000 in the classifier; with 26 classes 4,040,854. The 42,016
 * moving statistics come on top in `model.countParams()`.
 *
 * Layers carry timm's names and initialisation, pad as PyTorch does and normalise with its epsilon 1e-5 and momentum 0.1
 * (timm's `tf_` variants, whose weights came from TensorFlow, differ in all three). timm's function leaves both kinds of
 * dropout out unless told otherwise. The last map, `[B, H/32, W/32, 1280]`, is the output of layer `act2`.
 *
 * @throws ProjError `invalid-option`
 */
export function efficientnetB0(options: EfficientNetOptions = {}): tf.LayersModel {
  return efficientnet('efficientnet-b0', options);
}

function efficientnet(
  architecture: string,
  { widthMultiplier = 1, depthMultiplier = 1, dropRate = 0.2, dropPathRate = 0.2, ...options }: EfficientNetOptions,
): tf.LayersModel {
  const task = classifierTask(architecture, options, {
    inputShape: [224, 224, 3],
    numClasses: 1000,
    normalization: imageNet,
  });
  for (const [name, value] of Object.entries({ widthMultiplier, depthMultiplier })) {
    assertOption(architecture, value > 0 && value < Infinity, `${name} to be a positive number`, String(value));
  }
  for (const [name, value] of Object.entries({ dropRate, dropPathRate })) {
    assertOption(architecture, value >= 0 && value < 1, `${name} in 0..1, 1 excluded`, String(value));
  }
  const layers = torchLayers(task.seed);
  const { input, normalized } = normalizedPixels(task);

  const channels = (unscaled: number) => roundedChannels(unscaled * widthMultiplier);
  const repeatsOf = ({ repeats }: Stage) => Math.ceil(repeats * depthMultiplier);
  const blockCount = STAGES.reduce((sum, stage) => sum + repeatsOf(stage), 0);

  let x = convNorm(layers, 'conv_stem', 'bn1', normalized, channels(32), { kernelSize: 3, stride: 2 });
  x = activation('act1', x, 'swish'); // [B, H/2, W/2, 32]
  let blocksBefore = 0;
  STAGES.forEach((stage, i) => {
    for (let j = 0; j < repeatsOf(stage); j++) {
      x = block(layers, `blocks.${i}.${j}`, x, {
        ...stage,
        stride: j === 0 ? stage.stride : 1,
        filters: channels(stage.filters),
        dropPathRate: (dropPathRate * blocksBefore) / blockCount,
      });
      blocksBefore++;
    }
  }); // [B, H/32, W/32, 320]
  x = convNorm(layers, 'conv_head', 'bn2', x, channels(1280), { kernelSize: 1 });
  x = globalAveragePool('global_pool', activation('act2', x, 'swish')); // [B, 1280]
  x = dropout('drop', x, dropRate);
  const weight = { uniform: 1 / Math.sqrt(task.numClasses) };
  return classifierModel(task, input, layers.dense('classifier', x, task.numClasses, { weight, bias: 'zeros' }));
}

/**
 * Inverted residual block: 1x1 convolution that widens (not where `expansion` is 1), depthwise convolution,
 * squeeze-and-excitation, 1x1 convolution that narrows; a shortcut where the shape stays.
 * `[B, h, w, c] -> [B, h / stride, w / stride, filters]`
 */
function block(
  layers: TorchLayers,
  name: string,
  x: tf.SymbolicTensor,
  { kernelSize, stride, expansion, filters, dropPathRate }: Omit<Stage, 'repeats'> & { readonly dropPathRate: number },
): tf.SymbolicTensor {
  const narrow = x.shape[3]!;
  const wide = narrow * expansion;
  const part = (suffix: string) => `${name}.${suffix}`;
  const expands = expansion > 1;
  const [norm, act, project, projectNorm] = expands
    ? ['bn2', 'act2', 'conv_pwl', 'bn3']
    : ['bn1', 'act1', 'conv_pw', 'bn2'];

  let out = x;
  if (expands) {
    out = convNorm(layers, part('conv_pw'), part('bn1'), out, wide, { kernelSize: 1 });
    out = activation(part('act1'), out, 'swish'); // [B, h, w, wide]
  }
  const weight = kaimingFanOut(kernelSize, 1);
  out = layers.depthwiseConv(part('conv_dw'), out, { kernelSize, stride, weight, bias: false });
  out = activation(part(act!), layers.batchNorm(part(norm!), out), 'swish'); // [B, h / stride, w / stride, wide]
  out = squeezeExcite(layers, part('se'), out, Math.round(narrow / 4));
  out = convNorm(layers, part(project!), part(projectNorm!), out, filters, { kernelSize: 1 });
  if (stride > 1 || narrow !== filters) return out;
  return add(part('add'), [dropout(part('drop_path'), out, dropPathRate, { wholeExamples: true }), x]);
}

/** Scales each channel by a number in 0..1 that the means of all channels decide; `[B, h, w, c] -> [B, h, w, c]`. */
function squeezeExcite(layers: TorchLayers, name: string, x: tf.SymbolicTensor, reduced: number): tf.SymbolicTensor {
  const channels = x.shape[3]!;
  const conv = (part: string, input: tf.SymbolicTensor, filters: number) => {
    const weight = kaimingFanOut(1, filters);
    return layers.conv(`${name}.${part}`, input, filters, { kernelSize: 1, weight, bias: 'zeros' });
  };
  let gate = globalAveragePool(`${name}.pool`, x); // [B, c]
  const reshape = tf.layers.reshape({ name: `${name}.reshape`, targetShape: [1, 1, channels] });
  gate = reshape.apply(gate) as tf.SymbolicTensor; // [B, 1, 1, c]
  gate = activation(`${name}.act1`, conv('conv_reduce', gate, reduced), 'swish'); // [B, 1, 1, reduced]
  gate = activation(`${name}.gate`, conv('conv_expand', gate, channels), 'sigmoid'); // [B, 1, 1, c]
  return tf.layers.multiply({ name: `${name}.scale` }).apply([x, gate]) as tf.SymbolicTensor;
}

/** Convolution without bias, and batch normalisation; `[B, h, w, c] -> [B, h / stride, w / stride, filters]`. */
function convNorm(
  { conv, batchNorm }: TorchLayers,
  convName: string,
  normName: string,
  x: tf.SymbolicTensor,
  filters: number,
  { kernelSize, stride = 1 }: { readonly kernelSize: number; readonly stride?: 1 | 2 },
): tf.SymbolicTensor {
  const weight = kaimingFanOut(kernelSize, filters);
  return batchNorm(normName, conv(convName, x, filters, { kernelSize, stride, weight, bias: false }));
}

/** The nearest multiple of 8, but no less than nine tenths. */
function roundedChannels(channels: number): number {
  const rounded = Math.max(8, Math.floor((channels + 4) / 8) * 8);
  return rounded < 0.9 * channels ? rounded + 8 : rounded;
}
