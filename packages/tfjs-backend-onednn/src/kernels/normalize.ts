import type { FusedBatchNormAttrs, SoftmaxAttrs, TensorInfo } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import type { OnednnBackend, Operand } from '../backend.js';
import { type Inputs, isFloat, registerNative, runOne } from './register.js';

/** Inputs of the kernel `BatchNormTrain`: x [..., C]; gamma and beta [C]. */
export interface BatchNormTrainInputs {
  readonly x: TensorInfo;
  readonly gamma: TensorInfo;
  readonly beta: TensorInfo;
}

/** Inputs of `BatchNormTrainGrad`: mean and variance are the outputs of the forward kernel. */
export interface BatchNormTrainGradInputs {
  readonly x: TensorInfo;
  readonly dy: TensorInfo;
  readonly gamma: TensorInfo;
  readonly mean: TensorInfo;
  readonly variance: TensorInfo;
}

export interface BatchNormTrainAttrs {
  readonly epsilon: number;
}

interface Normalisation extends Record<'x' | 'mean' | 'variance', TensorInfo> {
  readonly offset?: TensorInfo | null | undefined;
  readonly scale?: TensorInfo | null | undefined;
  readonly epsilon: number;
}

/** Deferred, so that a residual sum and a ReLU after it run in the same pass. */
function normalise(backend: OnednnBackend, { x, mean, variance, offset, scale, epsilon }: Normalisation): TensorInfo {
  const operands = [x, mean, variance, offset ?? undefined, scale ?? undefined, undefined];
  return backend.defer('batch_norm', operands, x.shape, [epsilon, 0]);
}

const RESIDUAL = 5;

/** The sum of two tensors of one shape where one is a batch normalisation not computed yet: deferred as well. */
export function addToNormalised(backend: OnednnBackend, a: TensorInfo, b: TensorInfo): TensorInfo | undefined {
  if (!tf.util.arraysEqual(a.shape, b.shape)) return undefined;
  for (const [sum, residual] of [
    [a, b],
    [b, a],
  ] as const) {
    const call = backend.deferredCall(sum, 'batch_norm');
    if (call === undefined || call.inputs[RESIDUAL] !== undefined) continue;
    const operands: Operand[] = [...call.inputs];
    operands[RESIDUAL] = residual;
    return backend.defer('batch_norm', operands, call.shape, call.numbers);
  }
  return undefined;
}

/** The ReLU of a batch normalisation, with or without a residual sum, that is not computed yet. */
export function reluOfNormalised(backend: OnednnBackend, x: TensorInfo): TensorInfo | undefined {
  const call = backend.deferredCall(x, 'batch_norm');
  if (call === undefined) return undefined;
  const [epsilon] = call.numbers as [number];
  return runOne(backend, 'batch_norm', call.inputs, [{ shape: x.shape, dtype: 'float32' }], [epsilon, 1]);
}

export function registerNormalize(): void {
  registerNative<Inputs<'x' | 'mean' | 'variance', 'offset' | 'scale'>, FusedBatchNormAttrs>(
    'FusedBatchNorm',
    (backend, inputs, attrs) => {
      const { x, mean, variance, offset, scale } = inputs;
      const channels = x.shape.at(-1)!;
      const perChannel = [mean, variance, offset, scale].every(
        (tensor) => tensor == null || tf.util.sizeFromShape(tensor.shape) === channels,
      );
      if (!perChannel || !isFloat(x, mean, variance, offset, scale)) return undefined;
      return normalise(backend, { x, mean, variance, offset, scale, epsilon: attrs.varianceEpsilon });
    },
  );

  // y, mean and biased variance of the batch, over all dimensions but the last.
  registerNative<BatchNormTrainInputs, BatchNormTrainAttrs>('BatchNormTrain', (backend, inputs, { epsilon }) => {
    const { x, gamma, beta } = inputs;
    const channels = { shape: [x.shape.at(-1)!], dtype: 'float32' as const };
    const statistics = backend.run('batch_norm_statistics', [x], [channels, channels]);
    const [mean, variance] = statistics as [TensorInfo, TensorInfo];
    return [normalise(backend, { x, mean, variance, offset: beta, scale: gamma, epsilon }), mean, variance];
  });

  // dx, dgamma, dbeta.
  registerNative<BatchNormTrainGradInputs, BatchNormTrainAttrs>(
    'BatchNormTrainGrad',
    (backend, inputs, { epsilon }) => {
      const { x, dy, gamma, mean, variance } = inputs;
      const channels = { shape: [x.shape.at(-1)!], dtype: 'float32' as const };
      const dx = { shape: x.shape, dtype: 'float32' as const };
      const relu = backend.deferredCall(dy, 'relu_grad');
      const [gradient, y] = relu === undefined ? [dy, undefined] : relu.inputs;
      const operands = [x, gradient, y, gamma, mean, variance];
      return backend.run('batch_norm_grad', operands, [dx, channels, channels], [epsilon]);
    },
  );

  registerNative<Inputs<'logits'>, SoftmaxAttrs>('Softmax', (backend, { logits }, { dim }) => {
    if (!isFloat(logits) || (dim !== -1 && dim !== logits.shape.length - 1)) return undefined;
    return runOne(backend, 'softmax', [logits], [{ shape: logits.shape, dtype: 'float32' }]);
  });
  registerNative<Inputs<'logits'>, { axis: number }>('LogSoftmax', (backend, { logits }, { axis }) => {
    if (!isFloat(logits) || (axis !== -1 && axis !== logits.shape.length - 1)) return undefined;
    return runOne(backend, 'log_softmax', [logits], [{ shape: logits.shape, dtype: 'float32' }]);
  });
}
