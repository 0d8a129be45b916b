import { checkNumbers, invalidOption } from './options.js';
import {
  type ConstantOptions,
  type CosineOptions,
  type ExponentialOptions,
  halfCosine,
  interpolate,
  type LinearOptions,
  type MultiStepOptions,
  makeSchedule,
  type PolynomialOptions,
  type Schedule,
  type StepOptions,
} from './schedule.js';

/**
 * The same value throughout. optax: `constant_schedule`.
 *
 * @throws ProjError `invalid-option`
 * @example
 * const rate = constant({ value: 0.1 });
 * rate(0); // 0.1
 * rate(1000); // 0.1
 */
export function constant({ value }: ConstantOptions): Schedule {
  checkNumbers('constant', { value }, { value: 'finite' });
  return makeSchedule({ type: 'constant', value }, () => value);
}

/**
 * A straight line: `from + (to - from) p / steps`, then `to`. optax: `linear_schedule`. torch: `LinearLR` with
 * `start_factor = from / lr`, `end_factor = to / lr`, `total_iters = steps`; unlike there `from` may be 0.
 *
 * @throws ProjError `invalid-option`
 * @example
 * const rate = linear({ from: 0, to: 0.1, steps: 500 });
 * rate(0); // 0
 * rate(250); // 0.05
 * rate(500); // 0.1
 * rate(9999); // 0.1
 */
export function linear({ from, to, steps }: LinearOptions): Schedule {
  checkNumbers('linear', { from, to, steps }, { from: 'finite', to: 'finite', steps: 'positive' });
  return makeSchedule({ type: 'linear', from, to, steps }, (p) => interpolate(from, to, p / steps));
}

/**
 * Half a cosine: `to + (from - to) (1 + cos(pi p / steps)) / 2`, then `to` (Loshchilov and Hutter 2017, SGDR, without
 * restarts). optax: `cosine_decay_schedule` with `alpha = to / from`. torch: `CosineAnnealingLR` with `T_max = steps`,
 * `eta_min = to`, except after `T_max`, where torch climbs again.
 *
 * @throws ProjError `invalid-option`
 * @example
 * const rate = cosine({ from: 0.1, to: 0.001, steps: 100 });
 * rate(0); // 0.1
 * rate(25); // 0.08550178566873411
 * rate(50); // 0.0505
 * rate(100); // 0.001
 * rate(150); // 0.001
 */
export function cosine({ from, to, steps }: CosineOptions): Schedule {
  checkNumbers('cosine', { from, to, steps }, { from: 'finite', to: 'finite', steps: 'positive' });
  return makeSchedule({ type: 'cosine', from, to, steps }, (p) =>
    interpolate(from, to, halfCosine(Math.min(p / steps, 1))),
  );
}

/**
 * A polynomial: `to + (from - to) (1 - p / steps)^power`, then `to`. optax: `polynomial_schedule`. torch:
 * `PolynomialLR` with `to = 0`.
 *
 * @throws ProjError `invalid-option`
 * @example
 * const rate = polynomial({ from: 1, to: 0.01, steps: 100, power: 2 });
 * rate(0); // 1
 * rate(50); // 0.2575
 * rate(100); // 0.01
 * rate(110); // 0.01
 */
export function polynomial({ from, to, steps, power = 1 }: PolynomialOptions): Schedule {
  checkNumbers(
    'polynomial',
    { from, to, steps, power },
    { from: 'finite', to: 'finite', steps: 'positive', power: 'positive' },
  );
  return makeSchedule({ type: 'polynomial', from, to, steps, power }, (p) =>
    interpolate(to, from, Math.max(1 - p / steps, 0) ** power),
  );
}

/**
 * A staircase: `initial gamma^floor(p / stepSize)`. torch: `StepLR`. optax: `exponential_decay` with
 * `staircase=True`. Where `stepSize` is not an integer, `p / stepSize` is rounded as doubles are, and a change may come
 * one position late.
 *
 * @throws ProjError `invalid-option`
 * @example
 * const rate = step({ initial: 0.005, stepSize: 10, gamma: 0.9 });
 * rate(0); // 0.005
 * rate(9); // 0.005
 * rate(10); // 0.0045
 * rate(20); // 0.00405
 */
export function step({ initial, stepSize, gamma }: StepOptions): Schedule {
  checkNumbers('step', { initial, stepSize, gamma }, { initial: 'finite', stepSize: 'positive', gamma: 'positive' });
  return makeSchedule({ type: 'step', initial, stepSize, gamma }, (p) => initial * gamma ** Math.floor(p / stepSize));
}

/**
 * A staircase with changes where one wants them: `initial gamma^(number of milestones <= p)`. torch: `MultiStepLR`.
 * optax: `piecewise_constant_schedule`, with the same scale at every boundary.
 *
 * @throws ProjError `invalid-option`
 * @example
 * const rate = multiStep({ initial: 0.1, milestones: [30, 60], gamma: 0.1 });
 * rate(29); // 0.1
 * rate(30); // 0.01
 * rate(60); // 0.001
 */
export function multiStep({ initial, milestones, gamma }: MultiStepOptions): Schedule {
  checkNumbers('multiStep', { initial, gamma }, { initial: 'finite', gamma: 'positive' });
  if (!Array.isArray(milestones) || !milestones.every((at) => Number.isFinite(at) && at >= 0)) {
    throw invalidOption('multiStep', 'milestones', 'a list of finite numbers >= 0', milestones);
  }
  const changes = [...milestones];
  return makeSchedule(
    { type: 'multiStep', initial, milestones: changes, gamma },
    (p) => initial * gamma ** changes.filter((at) => at <= p).length,
  );
}

/**
 * A steady decay: `initial gamma^(p / stepSize)`. torch: `ExponentialLR` (`stepSize` 1). optax: `exponential_decay` with
 * `transition_steps = stepSize`.
 *
 * @throws ProjError `invalid-option`
 * @example
 * const rate = exponential({ initial: 0.1, gamma: 0.5, stepSize: 10 });
 * rate(0); // 0.1
 * rate(10); // 0.05
 * rate(15); // 0.03535533905932738
 */
export function exponential({ initial, gamma, stepSize = 1 }: ExponentialOptions): Schedule {
  checkNumbers(
    'exponential',
    { initial, gamma, stepSize },
    { initial: 'finite', gamma: 'positive', stepSize: 'positive' },
  );
  return makeSchedule({ type: 'exponential', initial, gamma, stepSize }, (p) => initial * gamma ** (p / stepSize));
}
