/**
 * A measure that is gathered batch by batch. A state is plain JSON with finite numbers, so it can be saved, sent to
 * another thread and merged: `merge(init(), s)` is `s`, and the merged states of any split of the data are the state of
 * the whole. No function changes its arguments.
 */
export interface Metric<State, Input = LogitsBatch> {
  /** For logs and tables, e.g. `exactMatch`. */
  readonly name: string;
  /** The state before any data. */
  init(): State;
  /** The state with one more batch. */
  update(state: State, batch: Input): State;
  /** The state of both, as if the data of `b` had followed those of `a`. */
  merge(a: State, b: State): State;
  /** The figure; NaN where nothing was counted yet. */
  compute(state: State): number;
}

/** A metric that has more to say than one number. */
export interface DetailedMetric<State, Details, Input = LogitsBatch> extends Metric<State, Input> {
  details(state: State): Details;
}

/** What a classifier gave for a batch, and what is true. */
export interface LogitsBatch {
  /** Row-major, one score a class; logits or probabilities alike, except for `meanLoss`. */
  readonly logits: Float32Array;
  /** Shape of the logits: `[B, L, C]` for L positions a picture, `[B, C]` for one. */
  readonly shape: readonly number[];
  /** Class indices in 0..C-1, `[B, L]` or `[B]`. */
  readonly labels: Int32Array;
}

export interface IgnoreOptions {
  /** A label that marks a place not to be counted, such as padding; any integer. By default every place counts. */
  readonly ignoreIndex?: number | undefined;
}
