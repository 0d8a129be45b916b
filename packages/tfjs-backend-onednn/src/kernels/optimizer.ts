import type { TensorInfo } from '@tensorflow/tfjs';
import { registerNative } from './register.js';

export interface AdamWUpdateInputs {
  readonly variable: TensorInfo;
  readonly gradient: TensorInfo;
  readonly m: TensorInfo;
  readonly v: TensorInfo;
}

export interface AdamWUpdateAttrs {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
  /** 1 - beta1^t, t counting from 1. */
  readonly biasCorrection1: number;
  /** 1 - beta2^t. */
  readonly biasCorrection2: number;
  /** True: weight decay acts on the variable (AdamW); false: it is added to the gradient (Adam). */
  readonly decoupled: boolean;
}

export interface SgdUpdateInputs {
  readonly variable: TensorInfo;
  readonly gradient: TensorInfo;
  readonly momentumBuffer?: TensorInfo;
}

export interface SgdUpdateAttrs {
  readonly learningRate: number;
  readonly momentum: number;
  readonly dampening: number;
  readonly weightDecay: number;
  readonly nesterov: boolean;
  /** The first step, when the buffer is the gradient itself, not dampened. */
  readonly first: boolean;
}

/** Whole optimizer steps in one pass, with the semantics of `torch.optim.AdamW`, `Adam` and `SGD`. */
export function registerOptimizer(): void {
  // The new variable, m and v.
  registerNative<AdamWUpdateInputs, AdamWUpdateAttrs>('AdamWUpdate', (backend, { variable, gradient, m, v }, attrs) => {
    const spec = { shape: variable.shape, dtype: 'float32' as const };
    return backend.run(
      'adamw',
      [variable, gradient, m, v],
      [spec, spec, spec],
      [
        attrs.learningRate,
        attrs.beta1,
        attrs.beta2,
        attrs.epsilon,
        attrs.weightDecay,
        attrs.biasCorrection1,
        attrs.biasCorrection2,
        attrs.decoupled ? 1 : 0,
      ],
    );
  });

  // The new variable and momentum buffer.
  registerNative<SgdUpdateInputs, SgdUpdateAttrs>(
    'SgdUpdate',
    (backend, { variable, gradient, momentumBuffer }, attrs) => {
      const spec = { shape: variable.shape, dtype: 'float32' as const };
      return backend.run(
        'sgd',
        [variable, gradient, momentumBuffer],
        [spec, spec],
        [
          attrs.learningRate,
          attrs.momentum,
          attrs.dampening,
          attrs.weightDecay,
          attrs.nesterov ? 1 : 0,
          attrs.first ? 1 : 0,
        ],
      );
    },
  );
}
