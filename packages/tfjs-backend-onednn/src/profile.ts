import { ProjError } from '@proj/core';
import * as tf from '@tensorflow/tfjs';
import { OnednnBackend } from './backend.js';

/** Time of one native operation, added over its calls. */
export interface OperationTime {
  /** Name of the native operation, e.g. `conv2d_backward_weights`. */
  readonly op: string;
  readonly calls: number;
  /** Time on the compute thread. */
  readonly milliseconds: number;
  /**
   * Multiplications and additions of its products, counted as if nothing were padding: `flops / milliseconds / 1e6` is its
   * GFLOP/s. 0 for what is no convolution and no product of matrices.
   */
  readonly flops: number;
}

/**
 * Where the compute thread's time went since {@link resetProfile}, longest first. Waits until the queue is empty.
 *
 * @throws ProjError `wrong-backend` unless `onednn` is the active backend.
 */
export function profile(): OperationTime[] {
  return active().profile();
}

/** Starts a new profile, see {@link profile}, and a new peak of {@link OnednnBackend.nativeMemory}. */
export function resetProfile(): void {
  active().resetProfile();
}

function active(): OnednnBackend {
  const backend = tf.backend();
  if (backend instanceof OnednnBackend) return backend;
  throw new ProjError('A profile needs the onednn backend', {
    code: 'wrong-backend',
    expected: 'onednn as the active backend',
    received: tf.getBackend(),
    fix: "Call `await tf.setBackend('onednn')` first.",
  });
}
