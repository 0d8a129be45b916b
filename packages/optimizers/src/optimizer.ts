import type { NdArray } from '@proj/core';
import type * as tf from '@tensorflow/tfjs';

/** Gradients keyed by `tf.Variable.name`, as `tf.variableGrads(...).grads` gives them. */
export type NamedGradients = Readonly<Record<string, tf.Tensor>>;

/**
 * The variables that gradients belong to. A record gives each variable the name under which its state is kept and
 * saved; {@link modelVariables} makes one from a layers model. An array uses `tf.Variable.name`.
 */
export type NamedVariables = readonly tf.Variable[] | Readonly<Record<string, tf.Variable>>;

/** What one call of {@link Optimizer.apply} needs beside the gradients. */
export interface ApplyOptions {
  /** This step's learning rate, `>= 0`. */
  readonly learningRate: number;
  /** Default: every variable that TensorFlow.js knows, under its own name. */
  readonly variables?: NamedVariables | undefined;
}

/** An optimizer's memory as plain data, to be saved in a checkpoint. */
export interface OptimizerState {
  /** Which optimizer it belongs to: `sgd`, `adam`, `adamw`. */
  readonly name: string;
  /** Calls of `apply` so far. */
  readonly step: number;
  /**
   * Keyed by `<variable name>/<slot>`. Every variable that was updated has the slot `step` (shape `[]`, its own number
   * of updates); the other slots have the variable's shape: `momentum` (SGD), `m` and `v` (Adam, AdamW).
   */
  readonly slots: Readonly<Record<string, NdArray<Float32Array>>>;
}

/** Changes variables by their gradients. State is kept by variable name, never by position. */
export interface Optimizer {
  readonly name: string;
  /** The settings as plain JSON, for logs and reports. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Calls of `apply` so far. */
  readonly step: number;
  /**
   * Makes one update. A variable without a gradient is left as it is, and so is its state, as PyTorch does with
   * `grad = None`. The gradients stay the caller's; no tensor is left behind but the state's.
   *
   * @throws ProjError `invalid-learning-rate`; `unknown-variable` for a gradient that belongs to no variable;
   *   `duplicate-variable` when two variables share a name; `shape-mismatch` when a gradient or a loaded state has
   *   another shape than its variable; `state-mismatch` when nothing in a loaded state belongs to these variables;
   *   `disposed`. All are thrown before any variable is changed.
   */
  apply(gradients: NamedGradients, options: ApplyOptions): void;
  /** A copy of the state as it is at the moment of the call; later updates do not change it. */
  getState(): Promise<OptimizerState>;
  /**
   * Replaces the state by a copy of `state`.
   *
   * @throws ProjError `state-mismatch` when `state` was saved by another kind of optimizer or lacks a slot.
   */
  setState(state: OptimizerState): void;
  /** Frees the state's tensors. The optimizer cannot be used after that. */
  dispose(): void;
}
