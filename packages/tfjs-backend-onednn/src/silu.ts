import type { GradConfig, Tensor } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { BACKEND } from './kernels/register.js';

/**
 * SiLU or Swish, `x * sigmoid(x)` of any shape (Elfwing et al., 2018), in one pass, and in that of a batch normalisation
 * before it; so is its gradient. Exists on this backend only.
 */
export function silu(x: Tensor): Tensor {
  return tf.engine().runKernel('Silu', { x });
}

const siluGradient: GradConfig = {
  kernelName: 'Silu',
  inputsToSave: ['x'],
  gradFunc: (dy, [x]) => ({ x: () => siluGrad(dy as Tensor, x!) }),
};

function siluGrad(dy: Tensor, x: Tensor): Tensor {
  if (tf.getBackend() === BACKEND) return tf.engine().runKernel('SiluGrad', { dy, x });
  return tf.tidy(() => {
    const s = tf.sigmoid(x);
    return tf.mul(dy, tf.mul(s, tf.add(tf.mul(x, tf.sub(1, s)), 1)));
  });
}

/** For second derivatives. */
const siluGradGradient: GradConfig = {
  kernelName: 'SiluGrad',
  inputsToSave: ['dy', 'x'],
  gradFunc: (ddx, [dy, x]) => ({
    dy: () => siluGrad(ddx as Tensor, x!),
    // s (1 - s) (2 + x (1 - 2 s)) with the sigmoid s
    x: () =>
      tf.tidy(() => {
        const s = tf.sigmoid(x!);
        const slope = tf.mul(s, tf.sub(1, s));
        const second = tf.mul(slope, tf.add(tf.mul(x!, tf.sub(1, tf.mul(s, 2))), 2));
        return tf.mul(tf.mul(ddx as Tensor, dy!), second);
      }),
  }),
};

/** tfjs-layers' activation of the name `swish`. */
interface Swish {
  apply(x: Tensor, alpha?: number): Tensor;
}

/** Gives the stock activation `swish`, in whatever layer, the kernel of its own while this backend is active. */
export function fuseSilu(): void {
  for (const config of [siluGradient, siluGradGradient]) tf.registerGradient(config);
  // The stock class is not exported. A layer leads to it; a name of its own keeps it out of the numbers in others' names.
  const layer = tf.layers.activation({ activation: 'swish', name: 'stock' }) as unknown as { activation: Swish };
  const stock = Object.getPrototypeOf(layer.activation) as Swish;
  const { apply } = stock;
  stock.apply = function (this: Swish, x, alpha = 1) {
    const fused = alpha === 1 && x.dtype === 'float32' && tf.getBackend() === BACKEND;
    return fused ? silu(x) : apply.call(this, x, alpha);
  };
}
