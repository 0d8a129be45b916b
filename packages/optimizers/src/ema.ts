import { ProjError } from '@proj/core';
import * as tf from '@tensorflow/tfjs';
import type { NamedVariables, OptimizerState } from './optimizer.js';
import { assertSetting, belowOne } from './settings.js';
import { makeSlots, mismatch, readSlots, type VariableSlots } from './slots.js';
import { assertSameShape, nameVariables } from './variables.js';

/** Options of {@link ema}. */
export interface EmaOptions {
  /** Share of the average that each update keeps, in `[0, 1)` (default 0.999). */
  readonly decay?: number | undefined;
  /** Starts with a smaller decay, `min(decay, (1 + t) / (10 + t))` at update `t` from 0 (default false). */
  readonly warmUp?: boolean | undefined;
}

/** An exponential moving average of weights, kept by name. */
export interface WeightAverage {
  /** Calls of `update` so far. */
  readonly step: number;
  /** Takes in the present values: `average += (1 - decay) (value - average)`; the first time it copies them. */
  update(variables: NamedVariables): void;
  /**
   * Exchanges values and averages, so that the model runs on its averages; a second call undoes it. Variables that
   * were never averaged stay as they are.
   */
  swap(variables: NamedVariables): void;
  /** A copy of the averages, in the form of an optimizer's state; the slot is called `average`. */
  getState(): Promise<OptimizerState>;
  /** @throws ProjError `state-mismatch` when `state` is not an average's. */
  setState(state: OptimizerState): void;
  dispose(): void;
}

/**
 * Averages weights during training; the average often tests better than the last weights. Semantics of
 * `torch.optim.swa_utils.AveragedModel` with `get_ema_multi_avg_fn(decay)`. For a model with batch normalisation give
 * it `modelVariables(model, 'all')`, so that the moving statistics are averaged too.
 *
 * @throws ProjError `invalid-option` for a decay out of range; `shape-mismatch` when a variable changed its shape.
 */
export function ema({ decay = 0.999, warmUp = false }: EmaOptions = {}): WeightAverage {
  assertSetting('ema', 'decay', decay, belowOne);
  let averages = new Map<string, VariableSlots>();
  let step = 0;
  let disposed = false;

  function assertUsable(): void {
    if (!disposed) return;
    throw new ProjError('Cannot use this average: it was disposed', { code: 'disposed', fix: 'Make a new one' });
  }

  function forget(): void {
    for (const { tensors } of averages.values()) tf.dispose(tensors);
    averages = new Map();
  }

  function averageOf(name: string, variable: tf.Variable): tf.Tensor | undefined {
    const average = averages.get(name)?.tensors.average;
    if (average !== undefined) assertSameShape(`the average of ${name}`, variable.shape, average.shape);
    return average;
  }

  function remember(name: string, average: tf.Tensor, count: number): void {
    tf.dispose(averages.get(name)?.tensors ?? {});
    averages.set(name, { step: count, tensors: { average: tf.keep(average) } });
  }

  return {
    get step() {
      return step;
    },
    update(variables) {
      assertUsable();
      const share = 1 - (warmUp ? Math.min(decay, (1 + step) / (10 + step)) : decay);
      for (const [name, variable] of nameVariables(variables)) {
        const before = averageOf(name, variable);
        const count = (averages.get(name)?.step ?? 0) + 1;
        tf.tidy(() => {
          const next =
            before === undefined ? variable.clone() : tf.add(before, tf.mul(tf.sub(variable, before), share));
          remember(name, next, count);
        });
      }
      step++;
    },
    swap(variables) {
      assertUsable();
      for (const [name, variable] of nameVariables(variables)) {
        const average = averageOf(name, variable);
        if (average === undefined) continue;
        tf.tidy(() => {
          const value = variable.clone();
          variable.assign(average);
          remember(name, value, averages.get(name)!.step);
        });
      }
    },
    async getState() {
      assertUsable();
      const stepNow = step;
      return { name: 'ema', step: stepNow, slots: await readSlots(averages) };
    },
    setState(state) {
      assertUsable();
      if (state.name !== 'ema') throw mismatch('state of ema', `state of ${state.name}`);
      const loaded = makeSlots(state.slots, ['average']);
      forget();
      averages = loaded;
      step = state.step;
    },
    dispose() {
      forget();
      disposed = true;
    },
  };
}
