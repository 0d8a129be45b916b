import { ProjError } from '@proj/core';
import * as tf from '@tensorflow/tfjs';
import { describeGroups, type ParameterGroup, settingsFor } from './groups.js';
import type { Optimizer, OptimizerState } from './optimizer.js';
import { assertGroups } from './settings.js';
import { makeSlots, mismatch, readSlots, type VariableSlots } from './slots.js';
import { assertSameShape, pairUp, type VariableGradient } from './variables.js';

/** One variable's update as a method sees it. */
export interface Update<Slot extends string> {
  readonly variable: tf.Variable;
  readonly gradient: tf.Tensor;
  /** What the variable's last update returned; undefined at its first. */
  readonly slots: Readonly<Record<Slot, tf.Tensor>> | undefined;
  /** Which update of this variable it is, from 1. */
  readonly step: number;
  readonly learningRate: number;
  readonly weightDecay: number;
}

/** A method in its pure form: the new value of one variable and of its slots. */
export interface UpdateRule<Slot extends string> {
  readonly name: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly slotNames: readonly Slot[];
  /** Runs inside `tf.tidy`; must not change what it is given. */
  update(update: Update<Slot>): { readonly value: tf.Tensor; readonly slots: Readonly<Record<Slot, tf.Tensor>> };
}

/** Makes the stateful optimizer of a method: names, groups, state and its life time. */
export function optimizerOf<Slot extends string>(
  rule: UpdateRule<Slot>,
  { weightDecay, groups = [] }: { weightDecay: number; groups?: readonly ParameterGroup[] | undefined },
): Optimizer {
  assertGroups(rule.name, groups);
  let remembered = new Map<string, VariableSlots>();
  let step = 0;
  let disposed = false;
  let isLoadedStateUnused = false;

  function assertUsable(): void {
    if (disposed) {
      throw new ProjError(`Cannot use this ${rule.name} optimizer: it was disposed`, {
        code: 'disposed',
        fix: 'Make a new one',
      });
    }
  }

  function forget(): void {
    for (const { tensors } of remembered.values()) tf.dispose(Object.values(tensors));
    remembered = new Map();
  }

  function assertStateFits(pairs: readonly VariableGradient[]): void {
    for (const { name, variable } of pairs) {
      for (const [slot, tensor] of Object.entries(remembered.get(name)?.tensors ?? {})) {
        assertSameShape(`the saved ${name}/${slot}`, variable.shape, tensor.shape);
      }
    }
    const isStrange = isLoadedStateUnused && remembered.size > 0 && !pairs.some(({ name }) => remembered.has(name));
    if (isStrange && pairs.length > 0) {
      throw mismatch(
        `state of some of the variables, e.g. ${pairs[0]!.name}`,
        `state of others only, e.g. ${[...remembered.keys()][0]}`,
      );
    }
  }

  function updateOne({ name, variable, gradient }: VariableGradient, learningRate: number): void {
    const before = remembered.get(name);
    const settings = settingsFor({ name, shape: variable.shape }, weightDecay, groups);
    const variableStep = (before?.step ?? 0) + 1;
    tf.tidy(() => {
      const { value, slots } = rule.update({
        variable,
        gradient,
        slots: before?.tensors as Readonly<Record<Slot, tf.Tensor>> | undefined,
        step: variableStep,
        learningRate: learningRate * settings.learningRateScale,
        weightDecay: settings.weightDecay,
      });
      variable.assign(value);
      // A clone, because a method may return the gradient itself, which is not ours to keep.
      const kept = rule.slotNames.map((slot) => [slot, tf.keep(slots[slot].clone())] as const);
      tf.dispose(before?.tensors ?? {});
      remembered.set(name, { step: variableStep, tensors: Object.fromEntries(kept) });
    });
  }

  return {
    name: rule.name,
    config: { ...rule.settings, weightDecay, groups: describeGroups(groups) },
    get step() {
      return step;
    },
    apply(gradients, { learningRate, variables }) {
      assertUsable();
      if (!Number.isFinite(learningRate) || learningRate < 0) {
        throw new ProjError(`Cannot update with this learning rate at step ${step}`, {
          code: 'invalid-learning-rate',
          expected: 'a finite number >= 0',
          received: String(learningRate),
        });
      }
      const pairs = pairUp(gradients, variables);
      assertStateFits(pairs);
      for (const pair of pairs) updateOne(pair, learningRate);
      if (pairs.length > 0) isLoadedStateUnused = false;
      step++;
    },
    async getState() {
      assertUsable();
      const stepNow = step;
      return { name: rule.name, step: stepNow, slots: await readSlots(remembered) };
    },
    setState(state: OptimizerState) {
      assertUsable();
      if (state.name !== rule.name) throw mismatch(`state of ${rule.name}`, `state of ${state.name}`);
      const loaded = makeSlots(state.slots, rule.slotNames);
      forget();
      remembered = loaded;
      step = state.step;
      isLoadedStateUnused = true;
    },
    dispose() {
      forget();
      disposed = true;
    },
  };
}
