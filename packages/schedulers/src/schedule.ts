import { ProjError } from '@proj/core';

/**
 * A value over the course of a training: a pure function of the position. The position is any finite number >= 0 in
 * the unit that the schedule's lengths are given in: optimizer steps (the first is 0), epochs with fractions, or the
 * share done, 0..1. After the end of a finite schedule its last value holds. `toJSON` gives the description from which
 * `fromJSON` makes the same schedule again, so `JSON.stringify({ schedule })` records it.
 */
export interface Schedule {
  /** @throws ProjError `invalid-position` when `position` is negative or not finite. */
  (position: number): number;
  /** The schedule as plain JSON, defaults filled in. */
  toJSON(): ScheduleJson;
}

/** {@link constant} */
export interface ConstantOptions {
  readonly value: number;
}

/** {@link linear} */
export interface LinearOptions {
  /** Value at position 0. */
  readonly from: number;
  /** Value at `steps` and after. */
  readonly to: number;
  /** Length, > 0. */
  readonly steps: number;
}

/** {@link cosine} */
export interface CosineOptions extends LinearOptions {}

/** {@link polynomial} */
export interface PolynomialOptions extends LinearOptions {
  /** > 0, default 1 (a straight line). */
  readonly power?: number | undefined;
}

/** {@link step} */
export interface StepOptions {
  /** Value at position 0. */
  readonly initial: number;
  /** Distance between two changes, > 0. */
  readonly stepSize: number;
  /** What the value is multiplied with at each change, > 0. */
  readonly gamma: number;
}

/** {@link multiStep} */
export interface MultiStepOptions {
  /** Value at position 0. */
  readonly initial: number;
  /** Positions (>= 0) of the changes, in any order; one that stands twice counts twice. */
  readonly milestones: readonly number[];
  /** What the value is multiplied with at each change, > 0. */
  readonly gamma: number;
}

/** {@link exponential} */
export interface ExponentialOptions {
  /** Value at position 0. */
  readonly initial: number;
  /** What the value is multiplied with over each `stepSize`, > 0. */
  readonly gamma: number;
  /** > 0, default 1. */
  readonly stepSize?: number | undefined;
}

/** {@link cosineWarmRestarts} */
export interface CosineWarmRestartsOptions {
  /** Value at the start of the first cycle. */
  readonly from: number;
  /** Value that every cycle comes down to, default 0. */
  readonly to?: number | undefined;
  /** Length of the first cycle, > 0. */
  readonly steps: number;
  /** Each cycle is this many times as long as the one before, >= 1, default 1. */
  readonly tMult?: number | undefined;
  /** Each cycle starts from this share of the start of the one before, in (0, 1], default 1. */
  readonly decay?: number | undefined;
  /** Number of cycles, an integer >= 1, after which `to` holds; endless when left out. */
  readonly cycles?: number | undefined;
}

/** {@link cyclic} */
export interface CyclicOptions {
  /** Value at the ends of each cycle. */
  readonly from: number;
  /** Value at the top of the first cycle. */
  readonly peak: number;
  /** Length of the way up, > 0. */
  readonly stepsUp: number;
  /** Length of the way down, > 0, default `stepsUp`. */
  readonly stepsDown?: number | undefined;
  /** How the height above `from` changes; default `triangular`. */
  readonly mode?: CyclicMode | undefined;
  /** Factor a step of mode `expRange`, > 0, default 1. */
  readonly gamma?: number | undefined;
}

/** The height stays, halves with every cycle, or is multiplied with `gamma` at every step. */
export type CyclicMode = 'triangular' | 'triangular2' | 'expRange';

/** {@link oneCycle} */
export interface OneCycleOptions {
  /** Value at the top. */
  readonly peak: number;
  /** Length of the whole, > 0. */
  readonly steps: number;
  /** Value at position 0, default `peak / 25`. */
  readonly from?: number | undefined;
  /** Value at the end, default `from / 10000`. */
  readonly to?: number | undefined;
  /** Share of `steps` at which the peak stands, 0..1 (0..0.5 with three phases), default 0.3. */
  readonly warmupFraction?: number | undefined;
  /** Shape of each phase, default `cosine`. */
  readonly anneal?: Anneal | undefined;
  /** 2: up, then down to `to`. 3: up, down to `from` in the same length, then down to `to`. Default 2. */
  readonly phases?: 2 | 3 | undefined;
  /** Whether `to` is reached at `steps - 1` and the peak one step earlier, as in torch; default false: at `steps`. */
  readonly endsOnLastStep?: boolean | undefined;
}

export type Anneal = 'cosine' | 'linear';

interface WarmupBase {
  /** Length of the warm-up, >= 0; with 0 there is none. */
  readonly steps: number;
  /** Value at position 0, default 0. */
  readonly from?: number | undefined;
}

/** {@link warmup} to a constant. */
export interface WarmupToOptions extends WarmupBase {
  readonly to: number;
  readonly schedule?: undefined;
}

/** {@link warmup} as the prefix of another schedule. */
export interface WarmupIntoOptions<S = Schedule> extends WarmupBase {
  readonly schedule: S;
  readonly to?: undefined;
}

/** {@link warmup} */
export type WarmupOptions = WarmupToOptions | WarmupIntoOptions;

/** One part of {@link join}. */
export interface JoinPart<S = Schedule> {
  /** Sees positions from the start of its part, so its own first position is 0. */
  readonly schedule: S;
  /** Length of the part, >= 0. Only the last part may leave it out and goes on without end. */
  readonly steps?: number | undefined;
}

/** A schedule as plain JSON: its kind and the options of the function of that name. */
export type ScheduleJson =
  | ({ readonly type: 'constant' } & ConstantOptions)
  | ({ readonly type: 'linear' } & LinearOptions)
  | ({ readonly type: 'cosine' } & CosineOptions)
  | ({ readonly type: 'polynomial' } & PolynomialOptions)
  | ({ readonly type: 'step' } & StepOptions)
  | ({ readonly type: 'multiStep' } & MultiStepOptions)
  | ({ readonly type: 'exponential' } & ExponentialOptions)
  | ({ readonly type: 'cosineWarmRestarts' } & CosineWarmRestartsOptions)
  | ({ readonly type: 'cyclic' } & CyclicOptions)
  | ({ readonly type: 'oneCycle' } & OneCycleOptions)
  | ({ readonly type: 'warmup' } & (WarmupToOptions | WarmupIntoOptions<ScheduleJson>))
  | { readonly type: 'join'; readonly parts: readonly JoinPart<ScheduleJson>[] }
  | { readonly type: 'scale'; readonly schedule: ScheduleJson; readonly factor: number };

/** A schedule from its description and a function that may rely on a valid position. */
export function makeSchedule(json: ScheduleJson, valueAt: (position: number) => number): Schedule {
  const schedule = (position: number): number => {
    if (!(position >= 0 && position < Number.POSITIVE_INFINITY)) {
      throw new ProjError(`Cannot evaluate the ${json.type} schedule`, {
        code: 'invalid-position',
        expected: 'the position as a finite number >= 0',
        received: String(position),
        fix: 'Count steps from 0',
      });
    }
    return valueAt(position);
  };
  return Object.assign(schedule, { toJSON: () => json });
}

/** From `from` (t <= 0) to `to` (t >= 1) in a straight line, exact at both ends. */
export function interpolate(from: number, to: number, t: number): number {
  return t >= 1 ? to : from + (to - from) * t;
}

/** The share of the way that a half cosine has gone at share `t` of the time: 0 at 0, 1/2 at 1/2, 1 at 1. */
export function halfCosine(t: number): number {
  return (1 - Math.cos(Math.PI * t)) / 2;
}
