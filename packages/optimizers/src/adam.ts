import * as tf from '@tensorflow/tfjs';
import type { GroupOptions } from './groups.js';
import { runUpdateKernel } from './native-kernel.js';
import type { Optimizer } from './optimizer.js';
import { aboveZero, assertSetting, atLeastZero, belowOne } from './settings.js';
import { optimizerOf, type UpdateRule } from './update-rule.js';

/** Options of {@link adam} and {@link adamW}. */
export interface AdamOptions extends GroupOptions {
  /** Decay of the mean of the gradients (default 0.9). */
  readonly beta1?: number | undefined;
  /** Decay of the mean of the squared gradients (default 0.999). */
  readonly beta2?: number | undefined;
  /** Added to the root of the second moment (default 1e-8). */
  readonly epsilon?: number | undefined;
  /** L2 penalty in {@link adam} (default 0), decoupled decay in {@link adamW} (default 0.01). */
  readonly weightDecay?: number | undefined;
}

/**
 * Adam (Kingma and Ba, 2015) with the semantics of `torch.optim.Adam`, where weight decay is an L2 penalty that joins
 * the gradient. `t` counts a variable's own updates from 1:
 *
 *     g = gradient + weightDecay * w
 *     m = m + (1 - beta1) (g - m),   v = beta2 v + (1 - beta2) g^2
 *     w = w - learningRate / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + epsilon)
 *
 * Slots: `m`, `v`.
 *
 * @throws ProjError `invalid-option` for a setting out of range.
 */
export function adam({ weightDecay = 0, groups, ...settings }: AdamOptions = {}): Optimizer {
  return optimizerOf(adamRule('adam', settings, weightDecay), { weightDecay, groups });
}

/**
 * AdamW (Loshchilov and Hutter, 2019) with the semantics of `torch.optim.AdamW`: as {@link adam}, but the decay acts on
 * the weights and not on the gradient, `w = w - learningRate * weightDecay * w` before the step.
 *
 * Slots: `m`, `v`.
 *
 * @throws ProjError `invalid-option` for a setting out of range.
 */
export function adamW({ weightDecay = 0.01, groups, ...settings }: AdamOptions = {}): Optimizer {
  return optimizerOf(adamRule('adamw', settings, weightDecay), { weightDecay, groups });
}

function adamRule(
  name: 'adam' | 'adamw',
  { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }: AdamOptions,
  decay: number,
): UpdateRule<'m' | 'v'> {
  assertSetting(name, 'beta1', beta1, belowOne);
  assertSetting(name, 'beta2', beta2, belowOne);
  assertSetting(name, 'epsilon', epsilon, aboveZero);
  assertSetting(name, 'weightDecay', decay, atLeastZero);
  const decoupled = name === 'adamw';
  return {
    name,
    settings: { beta1, beta2, epsilon },
    slotNames: ['m', 'v'],
    update({ variable, gradient, slots, step, learningRate, weightDecay }) {
      const m = slots?.m ?? tf.zerosLike(gradient);
      const v = slots?.v ?? tf.zerosLike(gradient);
      const biasCorrection1 = 1 - beta1 ** step;
      const biasCorrection2 = 1 - beta2 ** step;
      const native = runUpdateKernel(
        'AdamWUpdate',
        { variable, gradient, m, v },
        { learningRate, beta1, beta2, epsilon, weightDecay, biasCorrection1, biasCorrection2, decoupled },
      );
      if (native !== undefined) return { value: native[0]!, slots: { m: native[1]!, v: native[2]! } };
      const hasL2 = !decoupled && weightDecay !== 0;
      const g = hasL2 ? tf.add(gradient, tf.mul(variable, weightDecay)) : gradient;
      const hasDecay = decoupled && weightDecay !== 0;
      const decayed = hasDecay ? tf.mul(variable, 1 - learningRate * weightDecay) : variable;
      const newM = tf.add(m, tf.mul(tf.sub(g, m), 1 - beta1));
      const newV = tf.add(tf.mul(v, beta2), tf.mul(tf.square(g), 1 - beta2));
      const root = tf.add(tf.div(tf.sqrt(newV), Math.sqrt(biasCorrection2)), epsilon);
      const value = tf.sub(decayed, tf.mul(tf.div(newM, root), learningRate / biasCorrection1));
      return { value, slots: { m: newM, v: newV } };
    },
  };
}
