import { Rng, type RngKey } from '@proj/core';
import * as tf from '@tensorflow/tfjs';

type Tensor = tf.SymbolicTensor;

/** What initial weights are drawn from: `U(-uniform, uniform)`, the normal distribution of deviation `normal`, or all 0. */
export type Draw = { readonly uniform: number } | { readonly normal: number } | 'zeros';

/** Activations by their names in TensorFlow.js; `swish` is what PyTorch calls SiLU. */
export type Activation = 'relu' | 'swish' | 'sigmoid';

export interface DenseOptions {
  /** Default `{ uniform: 1 / sqrt(fanIn) }`: what PyTorch's `kaiming_uniform_` with `a = sqrt(5)` comes to. */
  readonly weight?: Draw | undefined;
  /** `false` for none; default as `weight`'s. */
  readonly bias?: Draw | false | undefined;
  readonly activation?: Activation | undefined;
}

export interface ConvOptions extends DenseOptions {
  /** Side of the square kernel, odd (default 3). */
  readonly kernelSize?: number | undefined;
  /** Default 1. */
  readonly stride?: 1 | 2 | undefined;
}

/**
 * Stock layers with PyTorch's arithmetic and defaults. A layer's weights are drawn from a stream of their own, which the
 * seed and the layer's name determine.
 *
 * Convolutions pad by half of their kernel on all four sides, as PyTorch's `padding=kernel_size // 2` does. TensorFlow's
 * 'same' pads less above and to the left where the stride is 2 and a side even, so a layer called `<name>.pad` does it
 * there. Maps `[B, H, W, C]` become `[B, ceil(H / stride), ceil(W / stride), ...]`.
 */
export interface TorchLayers {
  /** `Conv2d`; `[B, H, W, C] -> [B, H / stride, W / stride, filters]` */
  conv(name: string, x: Tensor, filters: number, options?: ConvOptions): Tensor;
  /** `Conv2d` with as many groups as channels; `[B, H, W, C] -> [B, H / stride, W / stride, C]` */
  depthwiseConv(name: string, x: Tensor, options?: ConvOptions): Tensor;
  /** `Linear` over the last axis; `[..., N] -> [..., units]` */
  dense(name: string, x: Tensor, units: number, options?: DenseOptions): Tensor;
  /** `BatchNorm2d`: epsilon 1e-5; momentum 0.1 in PyTorch's terms is 0.9 here. `gamma` is what the scale begins with. */
  batchNorm(name: string, x: Tensor, options?: { readonly gamma?: 0 | 1 | undefined }): Tensor;
}

export function torchLayers(seed: RngKey): TorchLayers {
  const rng = new Rng(seed);

  function initializer(name: string, part: string, draw: Draw) {
    if (draw === 'zeros') return tf.initializers.zeros();
    const stream = rng.split(name, part);
    const seed = stream.uint32();
    return 'uniform' in draw
      ? drawnBy(() => stream.uniform(-draw.uniform, draw.uniform), {
          as: tf.initializers.randomUniform({ minval: -draw.uniform, maxval: draw.uniform, seed }),
        })
      : drawnBy(() => stream.normal(0, draw.normal), {
          as: tf.initializers.randomNormal({ mean: 0, stddev: draw.normal, seed }),
        });
  }

  /** What convolutions and dense layers have in common. */
  function settings(name: string, fanIn: number, { weight, bias, activation }: DenseOptions) {
    const usual = { uniform: 1 / Math.sqrt(fanIn) };
    return {
      kernel: initializer(name, 'kernel', weight ?? usual),
      layer: {
        name,
        useBias: bias !== false,
        ...(bias === false ? {} : { biasInitializer: initializer(name, 'bias', bias ?? usual) }),
        ...(activation === undefined ? {} : { activation }),
      },
    };
  }

  function padded(
    name: string,
    x: Tensor,
    kernelSize: number,
    stride: number,
  ): { x: Tensor; padding: 'same' | 'valid' } {
    if (stride === 1 || kernelSize === 1) return { x, padding: 'same' };
    const pad = tf.layers.zeroPadding2d({ name: `${name}.pad`, padding: (kernelSize - 1) / 2 });
    return { x: pad.apply(x) as Tensor, padding: 'valid' };
  }

  return {
    conv(name, x, filters, { kernelSize = 3, stride = 1, ...options } = {}) {
      const { kernel, layer } = settings(name, kernelSize ** 2 * x.shape[3]!, options);
      const { x: input, padding } = padded(name, x, kernelSize, stride);
      const conv = { ...layer, filters, kernelSize, strides: stride, padding, kernelInitializer: kernel };
      return tf.layers.conv2d(conv).apply(input) as Tensor;
    },
    depthwiseConv(name, x, { kernelSize = 3, stride = 1, ...options } = {}) {
      const { kernel, layer } = settings(name, kernelSize ** 2, options);
      const { x: input, padding } = padded(name, x, kernelSize, stride);
      const conv = { ...layer, kernelSize, strides: stride, padding, depthwiseInitializer: kernel };
      return tf.layers.depthwiseConv2d(conv).apply(input) as Tensor;
    },
    dense(name, x, units, options = {}) {
      const { kernel, layer } = settings(name, x.shape.at(-1)!, options);
      return tf.layers.dense({ ...layer, units, kernelInitializer: kernel }).apply(x) as Tensor;
    },
    batchNorm(name, x, { gamma = 1 } = {}) {
      const gammaInitializer = gamma === 0 ? 'zeros' : 'ones';
      return tf.layers.batchNormalization({ name, epsilon: 1e-5, momentum: 0.9, gammaInitializer }).apply(x) as Tensor;
    },
  };
}

type Initializer = ReturnType<typeof tf.initializers.zeros>;

/**
 * The stock initializer `as`, which is what a saved model names, with values that `next` draws: TensorFlow.js's own
 * generator takes minutes for the tens of millions of weights of a large model.
 */
function drawnBy(next: () => number, { as }: { readonly as: Initializer }): Initializer {
  as.apply = (shape) => {
    const values = new Float32Array(tf.util.sizeFromShape(shape as number[]));
    for (let i = 0; i < values.length; i++) values[i] = next();
    return tf.tensor(values, shape as number[]);
  };
  return as;
}

/**
 * Normal distribution of deviation `sqrt(2 / fanOut)` (He et al., 2015), PyTorch's
 * `kaiming_normal_(mode='fan_out', nonlinearity='relu')`. `filters` is 1 for a depthwise convolution, where each channel has
 * a kernel of its own.
 */
export function kaimingFanOut(kernelSize: number, filters: number): Draw {
  return { normal: Math.sqrt(2 / (kernelSize ** 2 * filters)) };
}

export function activation(name: string, x: Tensor, kind: Activation): Tensor {
  return tf.layers.activation({ name, activation: kind }).apply(x) as Tensor;
}

export function relu(name: string, x: Tensor): Tensor {
  return activation(name, x, 'relu');
}

export function add(name: string, terms: Tensor[]): Tensor {
  return tf.layers.add({ name }).apply(terms) as Tensor;
}

/**
 * `MaxPool2d`, by default 2x2; `[B, H, W, C] -> [B, (H + 2 padding - kernelSize) / stride + 1, ..., C]`, an odd last row or
 * column is dropped. `padding` fills with zeros where PyTorch has -Infinity, which is the same after a ReLU and nowhere else.
 */
export function maxPool(name: string, x: Tensor, { kernelSize = 2, stride = 2, padding = 0 } = {}): Tensor {
  const input = padding === 0 ? x : tf.layers.zeroPadding2d({ name: `${name}.pad`, padding }).apply(x);
  return tf.layers.maxPooling2d({ name, poolSize: kernelSize, strides: stride }).apply(input) as Tensor;
}

/** Mean over the picture, `[B, H, W, C] -> [B, C]`; PyTorch's `AdaptiveAvgPool2d((1, 1))`. */
export function globalAveragePool(name: string, x: Tensor): Tensor {
  return tf.layers.globalAveragePooling2d({ name }).apply(x) as Tensor;
}

/**
 * While training, zeroes numbers with probability `rate` and divides the others by `1 - rate`; with `wholeExamples` either
 * all of an example or nothing (stochastic depth, Huang et al., 2016, as timm's `DropPath` has it). A rate of 0 makes no layer.
 */
export function dropout(name: string, x: Tensor, rate: number, { wholeExamples = false } = {}): Tensor {
  if (rate === 0) return x;
  const noiseShape = wholeExamples ? { noiseShape: [null, ...x.shape.slice(1).map(() => 1)] as number[] } : {};
  return tf.layers.dropout({ name, rate, ...noiseShape }).apply(x) as Tensor;
}
