import { checkChoice, checkNumbers, invalidOption } from './options.js';
import {
  type CosineWarmRestartsOptions,
  type CyclicOptions,
  halfCosine,
  interpolate,
  makeSchedule,
  type OneCycleOptions,
  type Schedule,
} from './schedule.js';

/**
 * Half cosines from `from` down to `to`, one after the other, each `tMult` times as long as the one before (Loshchilov
 * and Hutter 2017, SGDR): `to + (peak_i - to) (1 + cos(pi p_i / steps_i)) / 2` with `p_i` counted from the start of
 * cycle i, `steps_i = steps tMult^i`, `peak_i = from decay^i`. torch: `CosineAnnealingWarmRestarts` with `T_0 = steps`,
 * also at fractional epochs. timm: `CosineLRScheduler` with `cycle_mul`, `cycle_decay`, `cycle_limit = cycles`. Cycle
 * starts are summed up; torch takes a logarithm when it is given the epoch, and with `T_mult` 3 some restarts come late.
 *
 * @throws ProjError `invalid-option`
 * @example
 * const rate = cosineWarmRestarts({ from: 0.1, steps: 10, tMult: 2, cycles: 2 });
 * rate(0); // 0.1
 * rate(5); // 0.05
 * rate(10); // 0.1
 * rate(20); // 0.05
 * rate(30); // 0
 */
export function cosineWarmRestarts({
  from,
  to = 0,
  steps,
  tMult = 1,
  decay = 1,
  cycles,
}: CosineWarmRestartsOptions): Schedule {
  checkNumbers(
    'cosineWarmRestarts',
    { from, to, steps, tMult, decay },
    { from: 'finite', to: 'finite', steps: 'positive', tMult: 'atLeastOne', decay: 'positiveFraction' },
  );
  if (cycles !== undefined) checkNumbers('cosineWarmRestarts', { cycles }, { cycles: 'count' });
  return makeSchedule(
    { type: 'cosineWarmRestarts', from, to, steps, tMult, decay, ...(cycles === undefined ? {} : { cycles }) },
    (p) => {
      const { index, offset, length } = cycleAt(p, steps, tMult);
      if (cycles !== undefined && index >= cycles) return to;
      return interpolate(from * decay ** index, to, halfCosine(offset / length));
    },
  );
}

/** The cycle in which `position` lies, how far in, and how long that cycle is. */
function cycleAt(position: number, steps: number, tMult: number): { index: number; offset: number; length: number } {
  if (tMult === 1) {
    const offset = position % steps;
    return { index: Math.round((position - offset) / steps), offset, length: steps };
  }
  let index = 0;
  let offset = position;
  let length = steps;
  while (offset >= length) {
    offset -= length;
    length *= tMult;
    index++;
  }
  return { index, offset, length };
}

/**
 * Up from `from` to `peak` and down again in straight lines, without end (Smith 2017, Cyclical Learning Rates). The
 * height over `from` stays (`triangular`), halves with each cycle (`triangular2`) or is multiplied with `gamma^p`
 * (`expRange`). torch: `CyclicLR` with `base_lr = from`, `max_lr = peak`. For a cyclic momentum swap `from` and `peak`.
 *
 * @throws ProjError `invalid-option`
 * @example
 * const rate = cyclic({ from: 0, peak: 1, stepsUp: 10, mode: 'triangular2' });
 * rate(0); // 0
 * rate(10); // 1
 * rate(15); // 0.5
 * rate(20); // 0
 * rate(30); // 0.5
 */
export function cyclic({
  from,
  peak,
  stepsUp,
  stepsDown = stepsUp,
  mode = 'triangular',
  gamma = 1,
}: CyclicOptions): Schedule {
  checkNumbers(
    'cyclic',
    { from, peak, stepsUp, stepsDown, gamma },
    { from: 'finite', peak: 'finite', stepsUp: 'positive', stepsDown: 'positive', gamma: 'positive' },
  );
  checkChoice('cyclic', 'mode', mode, ['triangular', 'triangular2', 'expRange']);
  return makeSchedule({ type: 'cyclic', from, peak, stepsUp, stepsDown, mode, gamma }, (p) => {
    const { index, offset } = cycleAt(p, stepsUp + stepsDown, 1);
    const height = offset <= stepsUp ? offset / stepsUp : (stepsUp + stepsDown - offset) / stepsDown;
    const share = mode === 'triangular' ? 1 : mode === 'triangular2' ? 0.5 ** index : gamma ** p;
    return from + (peak - from) * height * share;
  });
}

/**
 * Up from `from` to `peak` at `warmupFraction * steps`, then down to `to` at `steps` (Smith and Topin 2018,
 * Super-Convergence). optax: `cosine_onecycle_schedule`. torch: `OneCycleLR` with `max_lr = peak`,
 * `from = max_lr / div_factor`, `to = from / final_div_factor`, `pct_start = warmupFraction`, `three_phase` for
 * `phases: 3`, and with `endsOnLastStep: true`, because torch reaches the end at step `total_steps - 1` and the peak at
 * `pct_start * total_steps - 1`; after the end torch raises an error, here `to` holds. Its momentum cycle is
 * `oneCycle({ from: 0.95, peak: 0.85, to: 0.95, ... })`.
 *
 * @throws ProjError `invalid-option`
 * @example
 * const rate = oneCycle({ peak: 0.1, steps: 100 });
 * rate(0); // 0.004
 * rate(30); // 0.1
 * rate(65); // 0.0500002
 * rate(100); // 4e-7
 */
export function oneCycle({
  peak,
  steps,
  from = peak / 25,
  to = from / 1e4,
  warmupFraction = 0.3,
  anneal = 'cosine',
  phases = 2,
  endsOnLastStep = false,
}: OneCycleOptions): Schedule {
  checkNumbers(
    'oneCycle',
    { peak, steps, from, to, warmupFraction },
    { peak: 'finite', steps: 'positive', from: 'finite', to: 'finite', warmupFraction: 'fraction' },
  );
  checkChoice('oneCycle', 'anneal', anneal, ['cosine', 'linear']);
  checkChoice('oneCycle', 'phases', phases, [2, 3]);
  checkChoice('oneCycle', 'endsOnLastStep', endsOnLastStep, [true, false]);
  const shift = endsOnLastStep ? 1 : 0;
  const top = warmupFraction * steps - shift;
  if (top < 0) {
    throw invalidOption('oneCycle', 'warmupFraction', `at least 1 / steps (${1 / steps})`, warmupFraction);
  }
  if (phases === 3 && warmupFraction > 0.5) {
    throw invalidOption('oneCycle', 'warmupFraction', 'at most 0.5 with three phases', warmupFraction);
  }
  const knots = [
    { at: 0, value: from },
    { at: top, value: peak },
    ...(phases === 3 ? [{ at: 2 * top, value: from }] : []),
    { at: steps - shift, value: to },
  ];
  return makeSchedule(
    { type: 'oneCycle', peak, steps, from, to, warmupFraction, anneal, phases, endsOnLastStep },
    (p) => {
      const next = knots.findIndex(({ at }) => p < at);
      const start = knots[next - 1];
      const end = knots[next];
      if (start === undefined || end === undefined) return to;
      const t = (p - start.at) / (end.at - start.at);
      return interpolate(start.value, end.value, anneal === 'cosine' ? halfCosine(t) : t);
    },
  );
}
