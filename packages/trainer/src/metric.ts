/** What a metric sees of one batch, in host memory. */
export interface MetricBatch {
  /** The model's output, row-major. */
  readonly logits: Float32Array;
  /** Shape of `logits`: `[B, L, C]` or `[B, C]`. */
  readonly shape: readonly number[];
  /** `[B, L]` or `[B]`, row-major. */
  readonly labels: Int32Array;
}

/**
 * A figure that can be computed part by part and merged; what `@proj/metrics` makes, or anything of the same shape. The
 * state is plain JSON, because it goes into checkpoints.
 */
export interface Metric<S = unknown> {
  readonly name: string;
  init(): S;
  update(state: S, batch: MetricBatch): S;
  merge(a: S, b: S): S;
  compute(state: S): number;
}

/** Metrics by the name under which their values appear in events and results. */
export type Metrics = Readonly<Record<string, Metric>>;

/** What was seen in some examples: the plain-JSON sum from which mean loss and metrics follow. */
export interface Tally {
  readonly examples: number;
  /** Sum over the examples of their batch's mean loss. */
  readonly lossSum: number;
  /** Metric states by name. */
  readonly metrics: Readonly<Record<string, unknown>>;
}

/** The tally of no examples. */
export function emptyTally(metrics: Metrics): Tally {
  return { examples: 0, lossSum: 0, metrics: mapMetrics(metrics, (metric) => metric.init()) };
}

/** The tally of one batch of `examples` examples whose mean loss is `loss`. */
export function tallyBatch(metrics: Metrics, examples: number, loss: number, batch: MetricBatch): Tally {
  return {
    examples,
    lossSum: loss * examples,
    metrics: mapMetrics(metrics, (metric) => metric.update(metric.init(), batch)),
  };
}

/** The tally of the examples of `a` followed by those of `b`. */
export function mergeTallies(metrics: Metrics, a: Tally, b: Tally): Tally {
  return {
    examples: a.examples + b.examples,
    lossSum: a.lossSum + b.lossSum,
    metrics: mapMetrics(metrics, (metric, name) => metric.merge(a.metrics[name], b.metrics[name])),
  };
}

/** A saved tally with the metrics of this session: those it lacks start empty, those no longer asked for are dropped. */
export function adoptTally(metrics: Metrics, tally: Tally): Tally {
  return { ...tally, metrics: mapMetrics(metrics, (metric, name) => tally.metrics[name] ?? metric.init()) };
}

/** Mean loss and the metrics' values; the loss of no examples is NaN. */
export function readTally(metrics: Metrics, tally: Tally): { loss: number; metrics: Record<string, number> } {
  return {
    loss: tally.lossSum / tally.examples,
    metrics: mapMetrics(metrics, (metric, name) => metric.compute(tally.metrics[name])),
  };
}

function mapMetrics<T>(metrics: Metrics, f: (metric: Metric, name: string) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(metrics).map(([name, metric]) => [name, f(metric, name)]));
}
