import type { backend_util, TensorInfo } from '@tensorflow/tfjs';
import type { OnednnBackend } from '../backend.js';
import { elementwise } from './binary.js';

/** Activations that oneDNN applies itself, by the numbers of `native/onednn.h`. */
const NUMBERS: Readonly<Partial<Record<backend_util.Activation, number>>> = {
  linear: 0,
  relu: 1,
  relu6: 2,
  elu: 3,
  sigmoid: 4,
  leakyrelu: 5,
};

/** What follows a product: bias, then activation. */
export interface Epilogue {
  readonly bias?: TensorInfo | undefined;
  readonly activation: backend_util.Activation;
  readonly leakyreluAlpha?: number | undefined;
  readonly preluActivationWeights?: TensorInfo | undefined;
}

/**
 * Splits an epilogue: the bias and activation that the product's primitive takes along, and `finish`, which applies
 * the rest to its result. Only a bias with one value for each output channel goes along, and an activation only when
 * nothing has to come between.
 */
export function planEpilogue(
  backend: OnednnBackend,
  { bias, activation, leakyreluAlpha, preluActivationWeights }: Epilogue,
  channels: number,
): {
  bias: TensorInfo | undefined;
  numbers: [number, number];
  /** Whether no more than the bias is added. */
  isLinear: boolean;
  finish: (y: TensorInfo) => TensorInfo;
} {
  const takesBias = bias !== undefined && bias.shape.length === 1 && bias.shape[0] === channels;
  const number = NUMBERS[activation];
  const takesActivation = number !== undefined && (bias === undefined || takesBias);
  const steps: ((y: TensorInfo) => TensorInfo)[] = [];
  if (bias !== undefined && !takesBias) steps.push((y) => elementwise(backend, 'add', y, bias, 'float32'));
  if (!takesActivation) {
    const spec = (y: TensorInfo) => [{ shape: y.shape, dtype: y.dtype }];
    if (activation === 'prelu') {
      steps.push((y) => elementwise(backend, 'prelu', y, preluActivationWeights!, 'float32'));
    } else {
      const numbers = activation === 'leakyrelu' ? [leakyreluAlpha ?? 0] : [];
      const op = activation === 'leakyrelu' ? 'leaky_relu' : activation;
      if (activation !== 'linear') steps.push((y) => backend.run(op, [y], spec(y), numbers)[0]!);
    }
  }
  return {
    bias: takesBias ? bias : undefined,
    numbers: takesActivation ? [number, leakyreluAlpha ?? 0] : [0, 0],
    isLinear: steps.length === 0 && (!takesActivation || number === 0),
    finish: (y) =>
      steps.reduce((x, step) => {
        const next = step(x);
        backend.disposeIntermediateTensorInfo(x);
        return next;
      }, y),
  };
}
