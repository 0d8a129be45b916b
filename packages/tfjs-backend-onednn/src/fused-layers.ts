import type { GradConfig, layers, Tensor, Tensor1D } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { BACKEND } from './kernels/register.js';

/**
 * Training batch normalisation in one kernel forward and one backward, where tfjs composes about twenty each way.
 *
 * `x` [..., C] is normalised over all dimensions but the last, then scaled by `gamma` [C] and shifted by `beta` [C].
 * Returns y [..., C] and the batch's mean [C] and biased variance [C]. Differentiable in x, gamma and beta; mean and
 * variance count as constants. Exists on this backend only.
 */
export function batchNormTrain(
  x: Tensor,
  gamma: Tensor1D,
  beta: Tensor1D,
  epsilon: number,
): [Tensor, Tensor1D, Tensor1D] {
  return runKernel('BatchNormTrain', { x, gamma, beta }, { epsilon }) as [Tensor, Tensor1D, Tensor1D];
}

const batchNormTrainGradient: GradConfig = {
  kernelName: 'BatchNormTrain',
  inputsToSave: ['x', 'gamma'],
  outputsToSave: [false, true, true],
  gradFunc: (dys, saved, attrs) => {
    const [dy] = dys as Tensor[];
    const [x, gamma, mean, variance] = saved;
    const [dx, dgamma, dbeta] = runKernel(
      'BatchNormTrainGrad',
      { x: x!, dy: dy!, gamma: gamma!, mean: mean!, variance: variance! },
      attrs as { epsilon: number },
    );
    return { x: () => dx!, gamma: () => dgamma!, beta: () => dbeta! };
  },
};

function runKernel(name: string, inputs: Record<string, Tensor>, attrs: Record<string, number>): Tensor[] {
  // The declared type knows kernels with one output only.
  return tf.engine().runKernel(name, inputs, attrs) as unknown as Tensor[];
}

/**
 * Of a ReLU tfjs saves the input for the backward pass and multiplies by its step. The output tells as much, and the next
 * layer keeps that anyway, so the input need not stay in memory.
 */
const reluGradient: GradConfig = {
  kernelName: 'Relu',
  outputsToSave: [true],
  gradFunc: (dy, [y]) => ({ x: () => reluGrad(dy as Tensor, y!) }),
};

function reluGrad(dy: Tensor, y: Tensor): Tensor {
  if (tf.getBackend() !== BACKEND) return tf.mul(dy, tf.step(y));
  return tf.engine().runKernel('ReluGrad', { dy, y });
}

/** For second derivatives. */
const reluGradGradient: GradConfig = {
  kernelName: 'ReluGrad',
  inputsToSave: ['y'],
  gradFunc: (ddx, [y]) => ({ dy: () => reluGrad(ddx as Tensor, y!), y: () => tf.zerosLike(y!) }),
};

type LayerVariable = ReturnType<layers.Layer['addWeight']>;

/** The fields of tfjs-layers' BatchNormalization that its `call` uses. */
interface BatchNormalization extends layers.Layer {
  readonly axis: number;
  readonly momentum: number;
  readonly epsilon: number;
  readonly gamma?: LayerVariable;
  readonly beta?: LayerVariable;
  readonly movingMean: LayerVariable;
  readonly movingVariance: LayerVariable;
  call(inputs: Tensor | Tensor[], kwargs: { training?: boolean }): Tensor | Tensor[];
}

/**
 * Gives tfjs-layers' stock layer classes a fused path, taken while this backend is active. Their names and settings in
 * saved models stay. BatchNormalization updates its moving averages as the stock class does, from the biased variance
 * with the same momentum; unlike it, it also trains with `center: false` or `scale: false`.
 */
export function fuseLayers(): void {
  for (const config of [batchNormTrainGradient, reluGradient, reluGradGradient]) tf.registerGradient(config);
  // The stock class is not exported. An instance leads to it; a name of its own keeps it out of the numbers in others' names.
  const stock = Object.getPrototypeOf(tf.layers.batchNormalization({ name: 'stock' })) as BatchNormalization;
  const { call } = stock;
  stock.call = function (this: BatchNormalization, inputs, kwargs) {
    const [input] = Array.isArray(inputs) ? inputs : [inputs];
    const lastAxis = this.axis === -1 || this.axis === input!.rank - 1;
    const fused = kwargs.training === true && lastAxis && input!.dtype === 'float32' && tf.getBackend() === BACKEND;
    return fused ? trainBatchNorm(this, input!) : call.call(this, inputs, kwargs);
  };
}

function trainBatchNorm(layer: BatchNormalization, x: Tensor): Tensor {
  return tf.tidy(() => {
    const channels = x.shape.at(-1)!;
    const gamma = (layer.gamma?.read() ?? tf.ones([channels])) as Tensor1D;
    const beta = (layer.beta?.read() ?? tf.zeros([channels])) as Tensor1D;
    const [y, mean, variance] = batchNormTrain(x, gamma, beta, layer.epsilon);
    const [movedMean, movedVariance] = runKernel(
      'MoveAverages',
      {
        mean: layer.movingMean.read(),
        variance: layer.movingVariance.read(),
        batchMean: mean,
        batchVariance: variance,
      },
      { momentum: layer.momentum },
    );
    layer.movingMean.write(movedMean!);
    layer.movingVariance.write(movedVariance!);
    return y;
  });
}
