import * as tf from '@tensorflow/tfjs';

/**
 * Runs a whole update as one kernel where the active backend has it, which saves a dozen passes over the weights.
 * The kernels' contract is PyTorch's arithmetic; they return the new variable first, then its slots:
 *
 * - `SgdUpdate` `{variable, gradient, momentumBuffer}` -> `[variable, momentumBuffer]`, attributes `learningRate`,
 *   `momentum`, `dampening`, `weightDecay`, `nesterov`, `first`;
 * - `AdamWUpdate` `{variable, gradient, m, v}` -> `[variable, m, v]`, attributes `learningRate`, `beta1`, `beta2`,
 *   `epsilon`, `weightDecay`, `biasCorrection1`, `biasCorrection2`, `decoupled`.
 *
 * @returns undefined where the backend has no such kernel.
 */
export function runUpdateKernel(
  kernel: 'SgdUpdate' | 'AdamWUpdate',
  inputs: Readonly<Record<string, tf.Tensor>>,
  attributes: Readonly<Record<string, number | boolean>>,
): readonly tf.Tensor[] | undefined {
  const registered: tf.KernelConfig | undefined = tf.getKernel(kernel, tf.getBackend());
  if (registered === undefined) return undefined;
  return tf.engine().runKernel(kernel, { ...inputs }, { ...attributes }) as unknown as tf.Tensor[];
}
