import { ProjError } from '@proj/core';
import * as tf from '@tensorflow/tfjs';
import type { GroupOptions } from './groups.js';
import { runUpdateKernel } from './native-kernel.js';
import type { Optimizer } from './optimizer.js';
import { assertSetting, atLeastZero } from './settings.js';
import { optimizerOf, type UpdateRule } from './update-rule.js';

/** Options of {@link sgd}. */
export interface SgdOptions extends GroupOptions {
  /** Share of the last step's velocity that is kept (default 0). */
  readonly momentum?: number | undefined;
  /** Share of the gradient that the velocity does not take (default 0). */
  readonly dampening?: number | undefined;
  /** Looks ahead by one velocity (default false); needs a momentum and no dampening. */
  readonly nesterov?: boolean | undefined;
  /** L2 penalty, added to the gradient (default 0). */
  readonly weightDecay?: number | undefined;
}

/**
 * Stochastic gradient descent with the semantics of `torch.optim.SGD`:
 *
 *     g = gradient + weightDecay * w
 *     b = momentum * b + (1 - dampening) * g     at a variable's first update b = g
 *     g = g + momentum * b   (nesterov)   or   b
 *     w = w - learningRate * g
 *
 * Slot: `momentum` (b), kept only where `momentum > 0`.
 *
 * @throws ProjError `invalid-option` for a negative setting, or `nesterov` without momentum or with dampening.
 */
export function sgd({
  momentum = 0,
  dampening = 0,
  nesterov = false,
  weightDecay = 0,
  groups,
}: SgdOptions = {}): Optimizer {
  assertSetting('sgd', 'momentum', momentum, atLeastZero);
  assertSetting('sgd', 'dampening', dampening, { words: 'a finite number', holds: Number.isFinite });
  assertSetting('sgd', 'weightDecay', weightDecay, atLeastZero);
  if (nesterov && (momentum === 0 || dampening !== 0)) {
    throw new ProjError('Cannot make sgd with nesterov', {
      code: 'invalid-option',
      expected: 'momentum > 0 and dampening = 0',
      received: `momentum ${momentum} and dampening ${dampening}`,
    });
  }
  const settings = { momentum, dampening, nesterov };
  return momentum === 0
    ? optimizerOf(plainRule(settings), { weightDecay, groups })
    : optimizerOf(momentumRule(settings), { weightDecay, groups });
}

interface SgdSettings {
  readonly momentum: number;
  readonly dampening: number;
  readonly nesterov: boolean;
}

function plainRule(settings: SgdSettings): UpdateRule<never> {
  return {
    name: 'sgd',
    settings: { ...settings },
    slotNames: [],
    update({ variable, gradient, learningRate, weightDecay }) {
      const g = withL2(gradient, variable, weightDecay);
      return { value: tf.sub(variable, tf.mul(g, learningRate)), slots: {} };
    },
  };
}

function momentumRule(settings: SgdSettings): UpdateRule<'momentum'> {
  const { momentum, dampening, nesterov } = settings;
  return {
    name: 'sgd',
    settings: { ...settings },
    slotNames: ['momentum'],
    update({ variable, gradient, slots, learningRate, weightDecay }) {
      const native = runUpdateKernel(
        'SgdUpdate',
        // At the first update the kernel writes the buffer without reading it; any tensor of that shape will do.
        { variable, gradient, momentumBuffer: slots?.momentum ?? gradient },
        { learningRate, momentum, dampening, weightDecay, nesterov, first: slots === undefined },
      );
      if (native !== undefined) return { value: native[0]!, slots: { momentum: native[1]! } };
      const g = withL2(gradient, variable, weightDecay);
      const buffer = slots === undefined ? g : tf.add(tf.mul(slots.momentum, momentum), tf.mul(g, 1 - dampening));
      const direction = nesterov ? tf.add(g, tf.mul(buffer, momentum)) : buffer;
      return { value: tf.sub(variable, tf.mul(direction, learningRate)), slots: { momentum: buffer } };
    },
  };
}

function withL2(gradient: tf.Tensor, variable: tf.Tensor, weightDecay: number): tf.Tensor {
  return weightDecay === 0 ? gradient : tf.add(gradient, tf.mul(variable, weightDecay));
}
