import * as tf from '@tensorflow/tfjs';

/**
 * Counts from now on every call of a kernel of `backend`, by kernel name. Fallbacks are counted here too; the backend's
 * own `fallbackCalls()` tells them apart.
 */
export function countKernelCalls(backend) {
  const calls = {};
  for (const config of tf.getKernelsForBackend(backend)) {
    const { kernelName, kernelFunc } = config;
    config.kernelFunc = (parameters) => {
      calls[kernelName] = (calls[kernelName] ?? 0) + 1;
      return kernelFunc(parameters);
    };
  }
  return calls;
}
