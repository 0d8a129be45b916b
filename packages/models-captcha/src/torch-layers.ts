import { Rng, type RngKey } from '@proj/core';
import * as tf from '@tensorflow/tfjs';

type Tensor = tf.SymbolicTensor;

/**
 * Layers with PyTorch's defaults. Weights and biases of a convolution or dense layer are drawn from
 * `U(-1/sqrt(fanIn), 1/sqrt(fanIn))` (what `kaiming_uniform_` with `a = sqrt(5)` comes to), each from a stream of its
 * own that `seed` and the layer's name determine.
 */
export interface TorchLayers {
  /** 3x3, or `kernelSize`; stride 1, 'same' padding, with bias. `[B, H, W, C] -> [B, H, W, filters]` */
  conv(name: string, x: Tensor, filters: number, options?: { kernelSize?: number; activation?: 'relu' }): Tensor;
  /** Over the last axis; `[..., N] -> [..., units]` */
  dense(name: string, x: Tensor, units: number, options?: { activation?: 'relu' }): Tensor;
  /** epsilon 1e-5; momentum 0.1 in PyTorch's terms is 0.9 here. */
  batchNorm(name: string, x: Tensor): Tensor;
}

export function torchLayers(seed: RngKey): TorchLayers {
  const rng = new Rng(seed);

  function drawn(name: string, fanIn: number) {
    const bound = 1 / Math.sqrt(fanIn);
    const uniform = (what: string) =>
      tf.initializers.randomUniform({ minval: -bound, maxval: bound, seed: rng.split(name, what).uint32() });
    return { name, kernelInitializer: uniform('kernel'), biasInitializer: uniform('bias') };
  }

  return {
    conv(name, x, filters, { kernelSize = 3, ...activation } = {}) {
      const fanIn = kernelSize ** 2 * x.shape[3]!;
      const layer = tf.layers.conv2d({ filters, kernelSize, padding: 'same', ...activation, ...drawn(name, fanIn) });
      return layer.apply(x) as Tensor;
    },
    dense(name, x, units, activation = {}) {
      return tf.layers.dense({ units, ...activation, ...drawn(name, x.shape.at(-1)!) }).apply(x) as Tensor;
    },
    batchNorm(name, x) {
      return tf.layers.batchNormalization({ name, epsilon: 1e-5, momentum: 0.9 }).apply(x) as Tensor;
    },
  };
}

export function relu(name: string, x: Tensor): Tensor {
  return tf.layers.activation({ name, activation: 'relu' }).apply(x) as Tensor;
}

/** `[B, H, W, C] -> [B, H/2, W/2, C]`, an odd last row or column is dropped. */
export function maxPool(name: string, x: Tensor): Tensor {
  return tf.layers.maxPooling2d({ name, poolSize: 2, strides: 2 }).apply(x) as Tensor;
}

/** Mean over the picture, `[B, H, W, C] -> [B, C]`; PyTorch's `AdaptiveAvgPool2d((1, 1))`. */
export function globalAveragePool(name: string, x: Tensor): Tensor {
  return tf.layers.globalAveragePooling2d({ name }).apply(x) as Tensor;
}

/** Zeroes half of the values while training. */
export function dropHalf(name: string, x: Tensor): Tensor {
  return tf.layers.dropout({ name, rate: 0.5 }).apply(x) as Tensor;
}
