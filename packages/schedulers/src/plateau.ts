import { ProjError } from '@proj/core';
import { checkChoice, checkNumbers } from './options.js';

/** {@link plateau} */
export interface PlateauOptions {
  /** Value until the first reduction. */
  readonly initial: number;
  /** What the value is multiplied with at a reduction, in [0, 1), default 0.1. */
  readonly factor?: number | undefined;
  /** Observations without improvement that are let pass, >= 0: the next one reduces. Default 10. */
  readonly patience?: number | undefined;
  /** Smallest change that counts as an improvement, >= 0, default 0.0001. */
  readonly threshold?: number | undefined;
  /** Whether `threshold` is a share of the best metric's size or an amount; default `rel`. */
  readonly thresholdMode?: 'rel' | 'abs' | undefined;
  /** Observations after a reduction that are not counted, >= 0, default 0. */
  readonly cooldown?: number | undefined;
  /** The value never goes below this, default 0. */
  readonly min?: number | undefined;
  /** A reduction by no more than this is left out, >= 0, default 1e-8. */
  readonly eps?: number | undefined;
  /** Whether a lower (`min`, a loss) or a higher metric (`max`, an accuracy) is better; default `min`. */
  readonly mode?: 'min' | 'max' | undefined;
}

/** {@link PlateauOptions} with no option left out. */
export type PlateauSettings = { readonly [Name in keyof PlateauOptions]-?: Exclude<PlateauOptions[Name], undefined> };

/** What a {@link Plateau} remembers, as plain JSON. */
export interface PlateauState {
  readonly value: number;
  /** Best metric so far; null before the first finite one. */
  readonly best: number | null;
  /** Observations since the last improvement or reduction. */
  readonly badObservations: number;
  /** Observations still not counted after the last reduction. */
  readonly cooldownLeft: number;
}

/** What one observation did. */
export interface PlateauChange {
  readonly reduced: boolean;
  /** The value before and after; equal unless `reduced`. */
  readonly from: number;
  readonly to: number;
  /** A sentence for a log, e.g. `no improvement on 0.52 for 6 observations`. */
  readonly reason: string;
}

/** A value that goes down when a metric stops improving: the one schedule with a memory. */
export interface Plateau {
  /** The value to use now. */
  readonly value: number;
  /** The options with their defaults filled in. */
  readonly options: PlateauSettings;
  /** Takes the metric of one validation. NaN and the infinities count as no improvement. */
  observe(metric: number): PlateauChange;
  /** The state for `plateau(options, state)`. */
  toJSON(): PlateauState;
}

/**
 * Reduces a value by `factor` once a metric has not improved for more than `patience` observations, as torch's
 * `ReduceLROnPlateau`: improvement over the best metric `b` is (mode `min`) `metric < b - threshold |b|` with
 * `thresholdMode: 'rel'` and `metric < b - threshold` with `abs`, mirrored for `max`; after a reduction `cooldown`
 * observations go uncounted; a reduction by `eps` or less is left out.
 *
 * Two deviations from torch. It takes `rel` from `b (1 - threshold)`, which for a negative metric accepts a worse one as
 * an improvement, for ever; here the size of `b` counts. It takes an infinite metric as the best; here none but a finite
 * one can be.
 *
 * @param state what `toJSON` gave, to go on from there.
 * @throws ProjError `invalid-option`; `invalid-state` for a state that `toJSON` cannot have given.
 * @example
 * const rate = plateau({ initial: 0.1, factor: 0.5, patience: 1 });
 * rate.observe(2).to; // 0.1
 * rate.observe(2).to; // 0.1
 * rate.observe(2).to; // 0.05
 * rate.value; // 0.05
 */
export function plateau(options: PlateauOptions, state?: PlateauState): Plateau {
  const full = withDefaults(options);
  const { factor, patience, threshold, thresholdMode, cooldown, min, eps, mode } = full;
  let { value, best, badObservations, cooldownLeft } = checkState(
    state ?? { value: full.initial, best: null, badObservations: 0, cooldownLeft: 0 },
  );

  const improves = (metric: number): boolean => {
    if (!Number.isFinite(metric)) return false;
    if (best === null) return true;
    const margin = thresholdMode === 'rel' ? threshold * Math.abs(best) : threshold;
    return mode === 'min' ? metric < best - margin : metric > best + margin;
  };

  const observe = (metric: number): PlateauChange => {
    const from = value;
    const stay = (reason: string): PlateauChange => ({ reduced: false, from, to: from, reason });

    const improved = improves(metric);
    if (improved) best = metric + 0; // never -0, which JSON would not keep
    badObservations = improved ? 0 : badObservations + 1;
    const isCooling = cooldownLeft > 0;
    if (isCooling) {
      cooldownLeft--;
      badObservations = 0;
    }
    if (improved) return stay(`improved to ${metric}`);
    if (isCooling) return stay(`cooling down, ${observations(cooldownLeft)} left`);
    const waited = `no improvement on ${best ?? 'any finite metric'} for ${observations(badObservations)}`;
    if (badObservations <= patience) return stay(`${waited}, patience is ${patience}`);

    badObservations = 0;
    cooldownLeft = cooldown;
    const reducedValue = Math.max(from * factor, min);
    if (!(from - reducedValue > eps)) return stay(`${waited}, but ${from} is as low as it goes`);
    value = reducedValue;
    return { reduced: true, from, to: value, reason: waited };
  };

  return {
    get value() {
      return value;
    },
    options: full,
    observe,
    toJSON: () => ({ value, best, badObservations, cooldownLeft }),
  };
}

function withDefaults({
  initial,
  factor = 0.1,
  patience = 10,
  threshold = 1e-4,
  thresholdMode = 'rel',
  cooldown = 0,
  min = 0,
  eps = 1e-8,
  mode = 'min',
}: PlateauOptions): PlateauSettings {
  const numbers = { initial, factor, patience, threshold, cooldown, min, eps };
  checkNumbers('plateau', numbers, {
    initial: 'finite',
    factor: 'shrinking',
    patience: 'notNegative',
    threshold: 'notNegative',
    cooldown: 'notNegative',
    min: 'finite',
    eps: 'notNegative',
  });
  checkChoice('plateau', 'thresholdMode', thresholdMode, ['rel', 'abs']);
  checkChoice('plateau', 'mode', mode, ['min', 'max']);
  return { ...numbers, thresholdMode, mode };
}

function checkState(state: PlateauState): PlateauState {
  const { value, best, badObservations, cooldownLeft } = state;
  const valid =
    Number.isFinite(value) &&
    (best === null || Number.isFinite(best)) &&
    [badObservations, cooldownLeft].every((count) => Number.isFinite(count) && count >= 0);
  if (!valid) {
    throw new ProjError('plateau: cannot restore the state', {
      code: 'invalid-state',
      expected: '{ value, best, badObservations, cooldownLeft } as `toJSON` gives it',
      received: JSON.stringify(state),
      fix: 'Pass what was saved, or leave the state out to begin anew',
    });
  }
  return state;
}

function observations(count: number): string {
  return count === 1 ? '1 observation' : `${count} observations`;
}
