import * as tf from '@tensorflow/tfjs';
import { nativeCalls, type OnednnBackend, resetNativeCalls } from '../src/index.js';

/** What there is of tensors and native memory. */
export const native = () => {
  const { liveBytes, liveBuffers } = (tf.backend() as OnednnBackend).nativeMemory();
  return { liveBytes, liveBuffers, tensors: tf.memory().numTensors };
};

/** Values, and the end of the tensor. */
export function take(tensor: tf.Tensor): Float32Array {
  const values = tensor.dataSync() as Float32Array;
  tensor.dispose();
  return values;
}

/** How many kernels JavaScript asks for in a call of `f`. */
export function callsOf(f: () => tf.Tensor): number {
  resetNativeCalls();
  f().dispose();
  return Object.values(nativeCalls()).reduce((sum, calls) => sum + calls, 0);
}
