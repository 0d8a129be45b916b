import type { GradConfig, Tensor } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { BACKEND } from './kernels/register.js';

/**
 * The gradients of Sum and Mean repeat `dy` over what was reduced. tfjs multiplies it by ones that it makes in JavaScript and
 * uploads, of the size of the input, which keeps the event loop busy for tens of milliseconds. While this backend is active
 * `dy` is repeated natively; the values are the same.
 */
export function repeatNatively(): void {
  for (const kernelName of ['Sum', 'Mean']) {
    const stock = tf.getGradient(kernelName);
    tf.registerGradient({
      ...stock,
      gradFunc: (dy, saved, attrs) => {
        const [x] = saved as [Tensor];
        // Of 1 to 4 dimensions tfjs has the second derivative of a repetition.
        const repeats = tf.getBackend() === BACKEND && x.rank >= 1 && x.rank <= 4 && x.size > 0;
        if (!repeats) return stock.gradFunc(dy, saved, attrs);
        return { x: () => gradient(kernelName, dy as Tensor, x.shape, attrs.axis as number | number[]) };
      },
    } satisfies GradConfig);
  }
}

function gradient(kernelName: string, dy: Tensor, shape: number[], axis: number | number[]): Tensor {
  const axes = new Set(tf.util.parseAxisParam(axis, shape));
  const kept = shape.map((size, i) => (axes.has(i) ? 1 : size));
  const reps = shape.map((size, i) => (axes.has(i) ? size : 1));
  const share = kernelName === 'Mean' ? tf.div(dy, tf.util.sizeFromShape(reps)) : dy;
  return tf.tile(tf.reshape(share, kept), reps);
}
