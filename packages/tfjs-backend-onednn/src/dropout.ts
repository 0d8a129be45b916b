import { ProjError } from '@proj/core';
import type { GradConfig, layers, NamedAttrMap, Tensor } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { nextSeed } from './draw.js';
import type { DrawnDropoutAttrs, DropoutAttrs } from './kernels/dropout.js';
import { BACKEND } from './kernels/register.js';

/**
 * Dropout (Srivastava et al., 2014) with masks made natively: each element of `x`, of any shape, becomes 0 with
 * probability `rate` and is otherwise divided by `1 - rate`. The mask is a pure function of seed, rate and position
 * (Philox4x32-10), the same on every machine; the gradient has the same mask. Exists on this backend only.
 *
 * @param x float32.
 * @param rate in [0, 1).
 * @param seed any number; with the same one the mask is the same.
 * @throws ProjError `invalid-option` for another rate, `invalid-dtype`.
 */
export function dropout(x: Tensor, { rate, seed }: DropoutAttrs): Tensor {
  if (!(rate >= 0 && rate < 1)) {
    throw new ProjError('dropout: no such rate', {
      code: 'invalid-option',
      expected: '`rate`, the share of elements that vanish, in [0, 1)',
      received: String(rate),
    });
  }
  if (x.dtype !== 'float32') {
    throw new ProjError('dropout: cannot drop elements of this dtype', {
      code: 'invalid-dtype',
      expected: 'a float32 tensor',
      received: x.dtype,
      fix: 'Cast it: `x.toFloat()`',
    });
  }
  return drawnDropout(x, { rate, seed });
}

function drawnDropout(x: Tensor, attrs: DrawnDropoutAttrs): Tensor {
  return tf.engine().runKernel('Dropout', { x }, attrs as unknown as NamedAttrMap);
}

const dropoutGradient: GradConfig = {
  kernelName: 'Dropout',
  // Linear in x, so the mask is all there is to it.
  gradFunc: (dy, _, attrs) => ({ x: () => drawnDropout(dy as Tensor, attrs as unknown as DrawnDropoutAttrs) }),
};

/** The fields of tfjs-layers' Dropout that its `call` uses. */
interface Dropout extends layers.Layer {
  readonly rate: number;
  readonly seed?: number;
  getNoiseShape(input: Tensor): number[] | null | undefined;
  call(inputs: Tensor | Tensor[], kwargs: { training?: boolean }): Tensor | Tensor[];
}

/**
 * Gives tfjs-layers' stock Dropout, and SpatialDropout1D with it, masks that are made natively while this backend is
 * active; tfjs draws them in JavaScript, one number after the other. As there, a layer with a seed has one mask (for each
 * shape), and one without (or with 0) has another at every call. Which elements a seed lets vanish is not as in tfjs.
 */
export function fuseDropout(): void {
  tf.registerGradient(dropoutGradient);
  // The stock class is not exported. An instance leads to it; a name of its own keeps it out of the numbers in others' names.
  const stock = Object.getPrototypeOf(tf.layers.dropout({ rate: 0, name: 'stock' })) as Dropout;
  const { call } = stock;
  stock.call = function (this: Dropout, inputs, kwargs) {
    const [input] = Array.isArray(inputs) ? inputs : [inputs];
    const drops = kwargs.training === true && this.rate > 0 && this.rate < 1;
    const fused = drops && input!.dtype === 'float32' && tf.getBackend() === BACKEND;
    return fused ? drop(this, input!) : call.call(this, inputs, kwargs);
  };
}

function drop(layer: Dropout, x: Tensor): Tensor {
  const attrs = { rate: layer.rate, seed: nextSeed(layer), draw: { layer } };
  const noiseShape = layer.getNoiseShape(x);
  if (noiseShape == null || tf.util.arraysEqual(noiseShape, x.shape)) return drawnDropout(x, attrs);
  return tf.tidy(() => tf.mul(x, drawnDropout(tf.ones(noiseShape), attrs)));
}
