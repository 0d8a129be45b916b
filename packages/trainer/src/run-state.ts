import { emptyTally, type Metrics, mergeTallies, type Tally } from './metric.js';

/** One epoch's means, as in its event. */
export interface EpochRecord {
  readonly epoch: number;
  readonly step: number;
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
  readonly learningRate: number;
}

/** One validation, as in its event. */
export interface ValidationRecord {
  readonly epoch: number;
  readonly step: number;
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
}

/** Everything a run remembers beside weights, optimizer and schedule; plain JSON, written into checkpoints. */
export interface RunState {
  /** Epoch of the next step. */
  epoch: number;
  /** Next step in that epoch. */
  stepInEpoch: number;
  /** Steps done. */
  step: number;
  examplesSeen: number;
  /** Time of all sessions. */
  elapsedMs: number;
  /** The last batches, oldest first, for the smoothed figures. */
  window: Tally[];
  /** The running epoch so far. */
  epochTally: Tally;
  readonly epochs: EpochRecord[];
  readonly validations: ValidationRecord[];
  /** What a stateful schedule has observed, in order; null where it was not a finite number. */
  readonly observations: (number | null)[];
  /** The best validation so far by the monitored figure. */
  best: { readonly value: number; readonly step: number } | null;
}

export function initialState(metrics: Metrics): RunState {
  return {
    epoch: 0,
    stepInEpoch: 0,
    step: 0,
    examplesSeen: 0,
    elapsedMs: 0,
    window: [],
    epochTally: emptyTally(metrics),
    epochs: [],
    validations: [],
    observations: [],
    best: null,
  };
}

/** Adds a batch to the epoch and to the window, and lets go of batches that the last `windowExamples` do not reach. */
export function addBatch(state: RunState, metrics: Metrics, tally: Tally, windowExamples: number): void {
  state.examplesSeen += tally.examples;
  state.epochTally = mergeTallies(metrics, state.epochTally, tally);
  state.window.push(tally);
  let examples = state.window.reduce((sum, entry) => sum + entry.examples, 0);
  while (state.window.length > 1 && examples - state.window[0]!.examples >= windowExamples) {
    examples -= state.window.shift()!.examples;
  }
}

/** The window's batches as one tally. */
export function windowTally(state: RunState, metrics: Metrics): Tally {
  return state.window.reduce((sum, entry) => mergeTallies(metrics, sum, entry), emptyTally(metrics));
}
