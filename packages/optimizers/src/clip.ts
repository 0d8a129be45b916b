import { ProjError } from '@proj/core';
import * as tf from '@tensorflow/tfjs';
import type { NamedGradients } from './optimizer.js';

/**
 * Scales all gradients by one factor so that their joint L2 norm is at most `maxNorm`, as
 * `torch.nn.utils.clip_grad_norm_` does: factor `min(1, maxNorm / (norm + 1e-6))`. Nothing is read back to the host.
 *
 * @returns new tensors for the caller to dispose: the clipped gradients and the norm before clipping (shape `[]`),
 *   which is NaN or infinite where a gradient is. The given gradients stay as they are.
 * @throws ProjError `invalid-option` unless `maxNorm` is a finite number above 0.
 */
export function clipByGlobalNorm(
  gradients: NamedGradients,
  maxNorm: number,
): { gradients: Record<string, tf.Tensor>; norm: tf.Scalar } {
  if (!Number.isFinite(maxNorm) || maxNorm <= 0) {
    throw new ProjError('Cannot clip gradients to this norm', {
      code: 'invalid-option',
      expected: 'maxNorm to be a finite number > 0',
      received: String(maxNorm),
    });
  }
  return tf.tidy(() => {
    const squares = Object.values(gradients).map((gradient) => tf.sum(tf.square(gradient)));
    const norm: tf.Scalar = squares.length === 0 ? tf.scalar(0) : tf.sqrt(tf.addN(squares)).asScalar(); // []
    const factor = tf.minimum(1, tf.div(maxNorm, tf.add(norm, 1e-6))); // []
    const clipped = Object.entries(gradients).map(([name, gradient]) => [name, tf.mul(gradient, factor)] as const);
    return { gradients: Object.fromEntries(clipped), norm };
  });
}
