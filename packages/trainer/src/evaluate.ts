import { type Batch, type BatchLoader, ProjError } from '@proj/core';
import * as tf from '@tensorflow/tfjs';
import { emptyTally, type Metrics, mergeTallies, readTally, type Tally, tallyBatch } from './metric.js';
import { closeBatches, watchStop } from './stop.js';
import { batchTensors, forward, type Loss } from './train-step.js';

export interface EvaluateOptions {
  readonly model: tf.LayersModel;
  /** What to measure on: batches, or a loader of which epoch 0 is taken. */
  readonly data: AsyncIterable<Batch> | BatchLoader;
  readonly metrics?: Metrics | undefined;
  readonly loss?: Loss | undefined;
  /** Ends the measuring: what `evaluate` returned then rejects with ProjError `aborted`. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each batch with the number of examples measured so far. */
  readonly onProgress?: ((examples: number) => void) | undefined;
}

export interface EvaluateResult {
  /** Examples. */
  readonly n: number;
  /** Mean over the examples, penalties of the layers' regularizers included as in training; where a loss was given. */
  readonly loss?: number;
  readonly metrics: Record<string, number>;
}

/**
 * Measures a model in inference mode (no dropout, moving statistics in batch normalisation). A batch is computed while
 * the figures of the one before are read. No tensor is left behind.
 *
 * @throws ProjError `aborted`; `no-data` when there is no batch; `shape-mismatch` when a batch does not fit the model.
 */
export async function evaluate(options: EvaluateOptions): Promise<EvaluateResult> {
  const { model, data, metrics = {}, loss, signal, onProgress } = options;
  const batches = ('epoch' in data ? data.epoch(0) : data)[Symbol.asyncIterator]();
  const stop = watchStop(signal, false);
  let isWaiting = false;
  let total = emptyTally(metrics);
  let pending: Promise<Tally> | undefined;
  const settle = async (running?: Promise<Tally>) => {
    const before = pending;
    pending = running;
    if (before === undefined) return;
    total = mergeTallies(metrics, total, await before);
    onProgress?.(total.examples);
  };

  try {
    for (;;) {
      isWaiting = true;
      const next = await stop.race(batches.next());
      throwIfAborted(signal);
      isWaiting = false;
      if (next === undefined || next.done) break;
      const running = measure(model, next.value, metrics, loss);
      running.catch(() => undefined); // reported by the await in settle
      await settle(running);
      await new Promise(setImmediate); // lets timers, signals and workers have their turn
    }
    await settle();
  } catch (error) {
    await closeBatches(batches, isWaiting).catch(() => undefined); // the first error is the one to report
    throw error;
  } finally {
    stop.dispose();
    await pending?.catch(() => undefined);
  }
  throwIfAborted(signal);
  if (total.examples === 0) {
    throw new ProjError('There is nothing to evaluate on', { code: 'no-data', expected: 'at least one batch' });
  }
  const read = readTally(metrics, total);
  return { n: total.examples, ...(loss === undefined ? {} : { loss: read.loss }), metrics: read.metrics };
}

function measure(model: tf.LayersModel, batch: Batch, metrics: Metrics, loss: Loss | undefined): Promise<Tally> {
  const output = tf.tidy(() => {
    const { x, y } = batchTensors(model, batch);
    return forward(model, loss, x, y, false);
  });
  return tallyOutput(output, batch, metrics);
}

/** Reads a batch's output without blocking, disposes it and gives its tally. */
export async function tallyOutput(
  { logits, loss }: { readonly logits: tf.Tensor; readonly loss?: tf.Scalar },
  batch: Batch,
  metrics: Metrics,
): Promise<Tally> {
  try {
    const [values, lossValues] = await Promise.all([logits.data<'float32'>(), loss?.data<'float32'>()]);
    const examples = batch.inputs.shape[0]!;
    return tallyBatch(metrics, examples, lossValues?.[0] ?? Number.NaN, {
      logits: values,
      shape: logits.shape,
      labels: batch.labels.data,
    });
  } finally {
    tf.dispose(loss === undefined ? [logits] : [logits, loss]);
  }
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return;
  throw new ProjError('The evaluation was stopped', { code: 'aborted', cause: signal.reason });
}
