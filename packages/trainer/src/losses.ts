import { ProjError } from '@proj/core';
import * as tf from '@tensorflow/tfjs';

/**
 * Softmax cross-entropy of a text of L characters: the sum over its positions of the mean over the batch,
 *
 *     loss = 1/B sum_b sum_l -sum_c t[b,l,c] log softmax(logits[b,l])[c],
 *     t = (1 - labelSmoothing) onehot(labels[b,l]) + labelSmoothing / C,
 *
 * which is `sum(F.cross_entropy(logits[:, l], labels[:, l], label_smoothing=...) for l in range(L))` in PyTorch.
 *
 * @param logits `[B, L, C]`, float32, before the softmax.
 * @param labels `[B, L]`, int32, 0..C-1. The values are not read here, so a label outside is not noticed.
 * @param options.labelSmoothing 0..1, default 0.
 * @returns a scalar.
 * @throws ProjError `shape-mismatch` when the shapes do not fit, `invalid-option` for a smoothing outside 0..1.
 */
export function softmaxCrossEntropyPerPosition(
  logits: tf.Tensor,
  labels: tf.Tensor,
  { labelSmoothing = 0 }: { readonly labelSmoothing?: number | undefined } = {},
): tf.Scalar {
  const [batch, positions, classes] = logits.shape;
  if (logits.rank !== 3 || labels.rank !== 2 || labels.shape[0] !== batch || labels.shape[1] !== positions) {
    throw new ProjError('Cannot compute the cross-entropy per position', {
      code: 'shape-mismatch',
      expected: 'logits [B, L, C] and labels [B, L]',
      received: `logits [${logits.shape}] and labels [${labels.shape}]`,
    });
  }
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1)) {
    throw new ProjError('Cannot compute the cross-entropy per position', {
      code: 'invalid-option',
      expected: 'labelSmoothing in 0..1',
      received: String(labelSmoothing),
    });
  }
  return tf.tidy(() => {
    // As whole numbers first: tfjs's wasm backend fills a float32 one-hot with the bits of integers, which are next to 0.
    const hot = tf.cast(tf.oneHot(labels as tf.Tensor2D, classes!), 'float32'); // [B, L, C]
    const targets = tf.add(tf.mul(hot, 1 - labelSmoothing), labelSmoothing / classes!);
    return tf.mul(tf.sum(tf.mul(targets, tf.logSoftmax(logits))), -1 / batch!) as tf.Scalar; // []
  });
}
