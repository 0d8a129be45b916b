/**
 * What a run tells while it goes: plain JSON objects, told apart by `type`. Epochs count from 0. `step` of a step event
 * is the index of that step, from 0 over the whole run; in all other events it is the number of steps done so far.
 * Times are milliseconds of training, those of earlier sessions included after a resume.
 */
export type TrainEvent =
  | StartEvent
  | StepEvent
  | ValidationEvent
  | EpochEvent
  | LearningRateEvent
  | CheckpointEvent
  | WarningEvent
  | EndEvent;

/** Called with every event in order; training waits for a promise it returns. What it throws ends the run. */
export type TrainListener = (event: TrainEvent) => void | Promise<void>;

export interface StartEvent {
  readonly type: 'start';
  /** Steps of the whole run, where epochs or totalSteps limit it. */
  readonly totalSteps?: number | undefined;
  readonly epochs?: number | undefined;
  readonly maxDurationMs?: number | undefined;
  readonly stepsPerEpoch: number;
  /** Names of the metrics that the other events carry. */
  readonly metrics: readonly string[];
  /** The checkpoint this session goes on from; `step` steps were done before. */
  readonly resumedFrom?: { readonly path: string; readonly step: number; readonly epoch: number } | undefined;
}

export interface StepEvent {
  readonly type: 'step';
  readonly epoch: number;
  readonly step: number;
  readonly stepInEpoch: number;
  /** Loss of this batch, penalties of the layers' regularizers included. */
  readonly loss: number;
  /** Mean loss over the last `metricsWindow` examples. */
  readonly smoothedLoss: number;
  /** Over the last `metricsWindow` examples, each as predicted in its own training step. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly learningRate: number;
  /** Over the last ten seconds or so of training, validation and checkpoints not counted. */
  readonly examplesPerSecond: number;
  /** Share of the run that is done, 0..1: the largest over the given limits. */
  readonly progress: number;
  readonly elapsedMs: number;
  readonly remainingMs: number;
  readonly examplesSeen: number;
  /** How long this step waited for its batch. */
  readonly dataWaitMs: number;
}

export interface ValidationEvent {
  readonly type: 'validation';
  readonly epoch: number;
  readonly step: number;
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
  readonly elapsedMs: number;
  readonly examplesSeen: number;
}

/** At the end of an epoch: means over its training steps. */
export interface EpochEvent {
  readonly type: 'epoch';
  readonly epoch: number;
  readonly step: number;
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
  /** That of the epoch's last step. */
  readonly learningRate: number;
  readonly elapsedMs: number;
  readonly examplesSeen: number;
}

/** A stateful schedule changed the rate after what it observed. */
export interface LearningRateEvent {
  readonly type: 'learningRate';
  readonly epoch: number;
  readonly step: number;
  readonly from: number;
  readonly to: number;
  readonly reason: string;
}

export interface CheckpointEvent {
  readonly type: 'checkpoint';
  readonly path: string;
  readonly step: number;
}

export interface WarningEvent {
  readonly type: 'warning';
  readonly code: string;
  readonly message: string;
}

/** Why a run that was not broken by an error ended. */
export type EndReason = 'finished' | 'time' | 'aborted' | 'signal';

export interface EndEvent {
  readonly type: 'end';
  /** `finished`: all epochs or steps; `time`: maxDurationMs is over; `failed`: `fit` throws, see `error`. */
  readonly reason: EndReason | 'failed';
  readonly epoch: number;
  readonly step: number;
  readonly elapsedMs: number;
  readonly examplesSeen: number;
  /** With `signal`: SIGINT or SIGTERM. */
  readonly signal?: string | undefined;
  readonly error?: { readonly code: string; readonly message: string } | undefined;
}
