import type { FusedBatchNormAttrs, SoftmaxAttrs, TensorInfo } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
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
      return runOne(
        backend,
        'batch_norm',
        [x, mean, variance, offset ?? undefined, scale ?? undefined],
        [{ shape: x.shape, dtype: 'float32' }],
        [attrs.varianceEpsilon],
      );
    },
  );

  // y, mean and biased variance of the batch, over all dimensions but the last.
  registerNative<BatchNormTrainInputs, BatchNormTrainAttrs>('BatchNormTrain', (backend, inputs, { epsilon }) => {
    const { x, gamma, beta } = inputs;
    const channels = { shape: [x.shape.at(-1)!], dtype: 'float32' as const };
    const y = { shape: x.shape, dtype: 'float32' as const };
    return backend.run('batch_norm_train', [x, gamma, beta], [y, channels, channels], [epsilon]);
  });

  // dx, dgamma, dbeta.
  registerNative<BatchNormTrainGradInputs, BatchNormTrainAttrs>(
    'BatchNormTrainGrad',
    (backend, inputs, { epsilon }) => {
      const { x, dy, gamma, mean, variance } = inputs;
      const channels = { shape: [x.shape.at(-1)!], dtype: 'float32' as const };
      const dx = { shape: x.shape, dtype: 'float32' as const };
      return backend.run('batch_norm_train_grad', [x, dy, gamma, mean, variance], [dx, channels, channels], [epsilon]);
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
