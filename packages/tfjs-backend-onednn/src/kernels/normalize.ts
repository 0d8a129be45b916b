import type { FusedBatchNormAttrs, SoftmaxAttrs, TensorInfo } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import type { OnednnBackend, Operand } from '../backend.js';
import { autocast, getPrecision } from '../precision.js';
import type { DeferredCall } from '../storage.js';
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

/** Inputs of `MoveAverages`, float32: two tensors and, of their shapes, the values that they move to. */
export interface MoveAveragesInputs {
  readonly mean: TensorInfo;
  readonly variance: TensorInfo;
  readonly batchMean: TensorInfo;
  readonly batchVariance: TensorInfo;
}

export interface MoveAveragesAttrs {
  /** The share of the old average, in [0, 1]. */
  readonly momentum: number;
}

interface Normalisation extends Record<'x' | 'mean' | 'variance', TensorInfo> {
  readonly offset?: TensorInfo | null | undefined;
  readonly scale?: TensorInfo | null | undefined;
  readonly epsilon: number;
}

/** Deferred, so that a residual sum and an activation after it run in the same pass; in that of a convolution that waits itself. */
function normalise(backend: OnednnBackend, { x, mean, variance, offset, scale, epsilon }: Normalisation): TensorInfo {
  const rest = [mean, variance, offset ?? undefined, scale ?? undefined, undefined];
  const conv = backend.deferredCall(x, 'conv2d');
  // While a gradient is recorded the convolution's own values will be asked for.
  if (conv?.precision !== getPrecision() || tf.engine().isTapeOn())
    return backend.defer('batch_norm', [x, ...rest], x.shape, [epsilon, 0]);
  const [picture, filter, bias] = conv.inputs;
  const geometry = conv.numbers.slice(0, -2); // Without its activation, which is none, and alpha.
  return backend.defer('conv2d_norm', [picture, filter, bias, ...rest], x.shape, [...geometry, epsilon, 0]);
}

/** A normalisation that waits, whose last input is the residual and whose last number tells which activation follows. */
function deferredNormalisation(backend: OnednnBackend, tensor: TensorInfo): DeferredCall | undefined {
  return backend.deferredCall(tensor, 'batch_norm') ?? backend.deferredCall(tensor, 'conv2d_norm');
}

/** The sum of two tensors of one shape where one is a batch normalisation not computed yet: deferred as well. */
export function addToNormalised(backend: OnednnBackend, a: TensorInfo, b: TensorInfo): TensorInfo | undefined {
  if (!tf.util.arraysEqual(a.shape, b.shape)) return undefined;
  for (const [sum, residual] of [
    [a, b],
    [b, a],
  ] as const) {
    const call = deferredNormalisation(backend, sum);
    if (call === undefined || call.inputs.at(-1) !== undefined) continue;
    const operands = [...call.inputs.slice(0, -1), residual];
    return autocast(call.precision, () => backend.defer(call.op, operands, call.shape, call.numbers));
  }
  return undefined;
}

/** What a normalisation does to its result, by the numbers of `native/finish.h`. */
const ACTIVATIONS = { nothing: 0, relu: 1, silu: 2 } as const;

/** The activation of a batch normalisation, with or without a residual sum, that is not computed yet, in the pass of that. */
export function activatedNormalised(
  backend: OnednnBackend,
  x: TensorInfo,
  activation: 'relu' | 'silu',
): TensorInfo | undefined {
  const call = deferredNormalisation(backend, x);
  if (call === undefined) return undefined;
  const numbers = [...call.numbers.slice(0, -1), ACTIVATIONS[activation]];
  const output = { shape: x.shape, dtype: 'float32' as const };
  return autocast(call.precision, () => runOne(backend, call.op, call.inputs, [output], numbers));
}

/**
 * The gradient of a batch normalisation's output z, which has never been computed, where `dy` is that of silu(z): deferred, so
 * that the gradient of the normalisation does it along.
 */
export function gradientOfActivated(backend: OnednnBackend, dy: TensorInfo, z: TensorInfo): TensorInfo | undefined {
  const call = backend.deferredCall(z, 'batch_norm');
  if (call === undefined || call.inputs.at(-1) !== undefined) return undefined;
  const [d, ...gate] = backend.deferredCall(dy, 'scale_shift')?.inputs ?? [dy, undefined, undefined];
  const operands = [d, ...call.inputs.slice(0, -1), ...gate];
  return backend.defer('batch_norm_silu_grad', operands, z.shape, call.numbers.slice(0, 1));
}

const NO_GATE = [undefined, undefined] as const;

/** Operands of `batch_norm_grad` and its activation: what comes after a normalisation of `x` of one pass. */
function gradientOfActivation(
  backend: OnednnBackend,
  x: TensorInfo,
  dy: TensorInfo,
): { operands: [dy: Operand, y: Operand]; beta: Operand; gate: readonly Operand[]; activation: number } {
  const relu = backend.deferredCall(dy, 'relu_grad');
  if (relu !== undefined) {
    return { operands: [relu.inputs[0], relu.inputs[1]], beta: undefined, gate: NO_GATE, activation: ACTIVATIONS.relu };
  }
  const silu = backend.deferredCall(dy, 'batch_norm_silu_grad');
  if (silu !== undefined && silu.inputs[1]!.buffer === backend.bufferOf(x)) {
    const [dy, , , , beta, , ...gate] = silu.inputs;
    return { operands: [dy, undefined], beta, gate, activation: ACTIVATIONS.silu };
  }
  return { operands: [dy, undefined], beta: undefined, gate: NO_GATE, activation: ACTIVATIONS.nothing };
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

  // Each average - (average - value) * (1 - momentum).
  registerNative<MoveAveragesInputs, MoveAveragesAttrs>('MoveAverages', (backend, inputs, { momentum }) => {
    const { mean, variance, batchMean, batchVariance } = inputs;
    if (!isFloat(mean, variance, batchMean, batchVariance)) return undefined;
    tf.util.assertShapesMatch(mean.shape, batchMean.shape, 'MoveAverages:');
    tf.util.assertShapesMatch(variance.shape, batchVariance.shape, 'MoveAverages:');
    const outputs = [mean, variance].map(({ shape }) => ({ shape, dtype: 'float32' as const }));
    return backend.run('move_averages', [mean, variance, batchMean, batchVariance], outputs, [1 - momentum]);
  });

  // dx, dgamma, dbeta.
  registerNative<BatchNormTrainGradInputs, BatchNormTrainAttrs>(
    'BatchNormTrainGrad',
    (backend, inputs, { epsilon }) => {
      const { x, dy, gamma, mean, variance } = inputs;
      const channels = { shape: [x.shape.at(-1)!], dtype: 'float32' as const };
      const dx = { shape: x.shape, dtype: 'float32' as const };
      const { operands, beta, gate, activation } = gradientOfActivation(backend, x, dy);
      const all = [x, ...operands, gamma, beta, mean, variance, ...gate];
      return backend.run('batch_norm_grad', all, [dx, channels, channels], [epsilon, activation]);
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
