import { type BatchLoader, ProjError } from '@proj/core';
import type { Optimizer } from '@proj/optimizers';
import type * as tf from '@tensorflow/tfjs';
import type { EndReason, TrainListener } from './events.js';
import type { ObservingSchedule, Schedule, ScheduleBy } from './learning-rate.js';
import type { Metrics } from './metric.js';
import type { Limits } from './progress.js';
import type { EpochRecord, ValidationRecord } from './run-state.js';
import type { Loss, Trace } from './train-step.js';

export interface CheckpointOptions {
  /** Folder of this run's checkpoints; made where it is missing. */
  readonly dir: string;
  /** How many of the newest stay, default 3. */
  readonly keep?: number | undefined;
  /** A checkpoint each time so many steps are done. */
  readonly everySteps?: number | undefined;
  /** A checkpoint each time so many milliseconds have passed; default 60,000 unless `everySteps` is given. */
  readonly everyMs?: number | undefined;
  /** Also keeps the best by the monitored validation figure, as `best.safetensors`. Default false. */
  readonly best?: boolean | undefined;
  /** Without `resume`: removes the checkpoints of an earlier run instead of refusing to mix with them. Default false. */
  readonly overwrite?: boolean | undefined;
}

export interface Monitor {
  /** `loss` or the name of a metric. */
  readonly metric: string;
  /** Whether lower or higher is better. */
  readonly mode: 'min' | 'max';
}

export interface FitOptions extends Limits {
  /** Trained in place. One input `[B, ...]`, one output. */
  readonly model: tf.LayersModel;
  readonly optimizer: Optimizer;
  readonly loss: Loss;
  /**
   * The learning rate: a pure function of the position in the run, or a schedule that observes the validation. The
   * latter is to be a new one for each call; after a resume it observes again what it had observed.
   */
  readonly schedule: Schedule | ObservingSchedule;
  /** What a pure schedule is a function of, default `step`. */
  readonly scheduleBy?: ScheduleBy | undefined;
  /** Stays open: closing it is up to whoever opened it. */
  readonly train: BatchLoader;
  /** Its epoch 0 is measured each time. */
  readonly validation?: BatchLoader | undefined;
  readonly metrics?: Metrics | undefined;
  /** Default: after every epoch. At the end there is always a validation, unless the run was aborted. */
  readonly validateEvery?: { readonly steps: number } | { readonly epochs: number } | undefined;
  /**
   * Which figure of the validation (without validation data: of each epoch's training) an observing schedule gets and
   * the best checkpoint goes by. Default `{ metric: 'loss', mode: 'min' }`.
   */
  readonly monitor?: Monitor | undefined;
  /** Scales gradients so that their joint L2 norm is at most this, as torch's `clip_grad_norm_`. */
  readonly clipGlobalNorm?: number | undefined;
  /**
   * Takes JavaScript out of the steps: `trace` of `@proj/tfjs-backend-onednn`, which on other backends does nothing, and neither
   * where a layer or the loss draws random numbers otherwise than dropout layers do. The numbers of a run are the same with it
   * and without, for a model and a loss that do the same at each step; what JavaScript changes after the first steps (by epoch)
   * must go without.
   */
  readonly trace?: Trace | undefined;
  readonly checkpoint?: CheckpointOptions | undefined;
  /** Goes on from the newest good checkpoint in `checkpoint.dir`; starts anew where there is none. Default false. */
  readonly resume?: boolean | undefined;
  readonly onEvent?: TrainListener | readonly TrainListener[] | undefined;
  /** Ends the run after the current step: saves, and `fit` resolves with reason `aborted`. */
  readonly signal?: AbortSignal | undefined;
  /** SIGINT and SIGTERM end the run the same way with reason `signal`; a second one ends the process. Default false. */
  readonly handleSignals?: boolean | undefined;
  /** Decides the masks of dropout layers. Default 0. */
  readonly seed?: number | undefined;
  /** Over how many of the last examples the figures of step events run, default 1000. */
  readonly metricsWindow?: number | undefined;
  /** What activations and gradients are computed in. */
  readonly precision?: 'float32' | undefined;
}

export interface FitResult {
  readonly reason: EndReason;
  /** With reason `signal`: which. */
  readonly signal?: string;
  /** Steps done, those before a resume included; likewise the rest. */
  readonly step: number;
  /** Whole epochs done. */
  readonly epoch: number;
  readonly examplesSeen: number;
  readonly elapsedMs: number;
  readonly history: { readonly epochs: readonly EpochRecord[]; readonly validations: readonly ValidationRecord[] };
  /** The best validation by the monitored figure. */
  readonly best?: { readonly value: number; readonly step: number };
  /** The newest checkpoint. */
  readonly checkpoint?: string;
}

/** @throws ProjError `invalid-option` that names the first option that cannot be used. */
export function checkOptions(options: FitOptions): void {
  const { train, epochs, totalSteps, maxDurationMs, validateEvery, checkpoint, monitor, metrics = {} } = options;
  const check = (valid: boolean, name: string, expected: string, received: unknown) => {
    if (valid) return;
    throw new ProjError(`fit cannot use its option \`${name}\``, {
      code: 'invalid-option',
      expected,
      received: typeof received === 'object' ? JSON.stringify(received) : String(received),
    });
  };
  const checkCount = (name: string, value: number | undefined) =>
    check(value === undefined || (Number.isInteger(value) && value > 0), name, 'a positive integer', value);
  const checkPositive = (name: string, value: number | undefined) =>
    check(value === undefined || value > 0, name, 'a number above 0', value);

  const hasLimit = epochs !== undefined || totalSteps !== undefined || maxDurationMs !== undefined;
  check(hasLimit, 'epochs', 'at least one of epochs, totalSteps and maxDurationMs', 'none');
  checkCount('epochs', epochs);
  checkCount('totalSteps', totalSteps);
  checkPositive('maxDurationMs', maxDurationMs);
  checkCount('train.stepsPerEpoch', train.stepsPerEpoch);
  checkCount('validateEvery.steps', validateEvery && 'steps' in validateEvery ? validateEvery.steps : undefined);
  checkCount('validateEvery.epochs', validateEvery && 'epochs' in validateEvery ? validateEvery.epochs : undefined);
  checkPositive('clipGlobalNorm', options.clipGlobalNorm);
  check(options.clipGlobalNorm !== Infinity, 'clipGlobalNorm', 'a finite number, or to be left out', Infinity);
  checkCount('checkpoint.keep', checkpoint?.keep);
  checkCount('checkpoint.everySteps', checkpoint?.everySteps);
  checkPositive('checkpoint.everyMs', checkpoint?.everyMs);
  check(!checkpoint?.best || options.validation !== undefined, 'checkpoint.best', 'validation data', 'none');
  check(!options.resume || checkpoint !== undefined, 'resume', 'checkpoint.dir to resume from', 'no checkpoint');
  checkCount('metricsWindow', options.metricsWindow);
  check(Number.isFinite(options.seed ?? 0), 'seed', 'a finite number', options.seed);
  const figures = ['loss', ...Object.keys(metrics)];
  check(
    monitor === undefined || figures.includes(monitor.metric),
    'monitor',
    `one of ${figures.join(', ')}`,
    monitor?.metric,
  );
  check((options.precision ?? 'float32') === 'float32', 'precision', "'float32'", options.precision);
}
