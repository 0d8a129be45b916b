import { type Batch, type BatchLoader, isProjError, ProjError } from '@proj/core';
import { checkForm, type FirstPicture, type MadeBatch, type SkippedPicture } from './collator.js';
import { type BatchCodec, encodeLabels } from './encode-labels.js';
import { EpochPlan } from './epoch-plan.js';
import { cacheMemory } from './example-cache.js';
import { checkedOptions, checkInteger, type LoaderOptions } from './loader-options.js';
import { checkState, type LoaderState, planKey } from './loader-state.js';
import { type BatchService, InlineService, WorkerPool } from './worker-pool.js';

/**
 * Makes a loader, once its workers have opened the source.
 *
 * @throws ProjError `unknown-option`, `invalid-option`, `invalid-steps`, `invalid-weights`, `empty-source`, `cannot-resolve-module`,
 *   `cannot-open-source`, `worker-hung`, `worker-exited`, `worker-failed`.
 */
export async function loader(options: LoaderOptions): Promise<Loader> {
  const { workers, timeoutMs, openTimeoutMs, prefetch, prefetchBytes, codec, ...chosen } = checkedOptions(options);
  const { source, transform, seed, onBadPicture, batchSize } = chosen;
  const { size: given = 0, cacheBytes = 0 } = source;
  const cache = cacheBytes === 0 ? undefined : cacheMemory(given, cacheBytes);
  const settings = { source, transform, seed, onBadPicture, cache };
  const service =
    workers === 0 ? new InlineService(settings) : new WorkerPool(workers, settings, { timeoutMs, openTimeoutMs });
  try {
    const size = await service.open();
    const plan = new EpochPlan({ ...chosen, size });
    const key = planKey({ ...chosen, size, stepsPerEpoch: plan.stepsPerEpoch });
    const ahead = workers === 0 ? 0 : prefetch;
    return new Loader(service, plan, { batchSize, size, key, codec, ahead, aheadBytes: prefetchBytes });
  } catch (error) {
    await service.close(closedError());
    throw error;
  }
}

interface LoaderParts {
  readonly batchSize: number;
  readonly size: number;
  readonly key: LoaderState['plan'];
  readonly codec: BatchCodec | undefined;
  readonly ahead: number;
  readonly aheadBytes: number;
}

/**
 * Batches of pictures and labels, made in worker threads. A batch is a pure function of the loader's options (but for
 * `workers`, `prefetch`, `prefetchBytes` and the timeouts), the epoch and the step.
 */
export class Loader implements BatchLoader {
  readonly stepsPerEpoch: number;
  readonly batchSize: number;
  /** Examples in the source, `Infinity` for an endless one. */
  readonly size: number;
  readonly #service: BatchService;
  readonly #plan: EpochPlan;
  readonly #parts: LoaderParts;
  readonly #skipped = new Map<number, SkippedPicture>();
  #first: (FirstPicture & { readonly batchBytes: number }) | undefined;
  #epoch = 0;
  #step = 0;
  #closed = false;

  /** Use {@link loader}. */
  constructor(service: BatchService, plan: EpochPlan, parts: LoaderParts) {
    this.#service = service;
    this.#plan = plan;
    this.#parts = parts;
    this.stepsPerEpoch = plan.stepsPerEpoch;
    this.batchSize = parts.batchSize;
    this.size = parts.size;
  }

  /** The bad pictures met so far, each once, where `onBadPicture` is `skip`. */
  get skipped(): readonly SkippedPicture[] {
    return [...this.#skipped.values()];
  }

  /**
   * Where the loader is, as small plain JSON: after the batch that it gave last. Kept with a checkpoint, it lets
   * `resume` go on there, in another process too.
   */
  get state(): LoaderState {
    return { epoch: this.#epoch, step: this.#step, plan: this.#parts.key };
  }

  /**
   * The rest of the epoch in which a loader with the same options was; nothing where the epoch was over. Later epochs
   * follow by `epoch(state.epoch + 1)`.
   *
   * @throws ProjError `state-mismatch` when the loader would give other batches; otherwise as `epoch`.
   */
  resume(state: LoaderState): AsyncIterable<Batch> {
    checkState(state, this.#parts.key);
    return this.epoch(state.epoch, { fromStep: state.step });
  }

  /**
   * The batches of an epoch in order. Leaving the loop stops the work on further ones; other iterations of the same
   * loader go on.
   *
   * @throws ProjError here `invalid-option` and `loader-closed`; while iterating `cannot-decode`, `cannot-read`,
   *   `too-many-pixels`, `sample-failed`, `no-good-picture`, `picture-size-mismatch`, `unknown-character`,
   *   `label-length`, `missing-codec`, `worker-hung`, `worker-exited`, `worker-failed`, which name the example.
   */
  epoch(epoch: number, { fromStep = 0 }: { readonly fromStep?: number } = {}): AsyncIterable<Batch> {
    checkInteger('epoch', epoch, 0);
    checkInteger('fromStep', fromStep, 0);
    if (this.#closed) throw closedError();
    return this.#iterate(epoch, fromStep);
  }

  /** Ends the workers. Loops that still run end without an error. Repeated calls do no harm. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#service.close(closedError());
  }

  async *#iterate(epoch: number, fromStep: number): AsyncGenerator<Batch> {
    const indicesOf = this.#plan.epoch(epoch);
    const cancelled = new Int32Array(new SharedArrayBuffer(4));
    const pending: Promise<MadeBatch | undefined>[] = [];
    let step = fromStep; // the next to be made
    let given = fromStep;
    const fill = (count: number) => {
      while (!this.#closed && step < this.stepsPerEpoch && pending.length < count) {
        const task = { epoch, position: step * this.batchSize, indices: indicesOf(step++) };
        const made = this.#service.make(task, cancelled);
        made.catch(() => undefined); // an error counts when its turn comes; if it never does, no one is told
        pending.push(made);
      }
    };
    try {
      while (!this.#closed) {
        fill(Math.max(1, this.#ahead()));
        const next = pending.shift();
        const made = next && (await this.#wait(next));
        if (made === undefined) return;
        const batch = this.#finish(made);
        fill(this.#ahead());
        [this.#epoch, this.#step] = [epoch, ++given];
        yield batch;
      }
    } catch (error) {
      if (!(this.#closed && isProjError(error, 'loader-closed'))) throw error;
    } finally {
      Atomics.store(cancelled, 0, 1);
    }
  }

  async #wait<T>(result: Promise<T>): Promise<T> {
    this.#service.hold();
    try {
      return await result;
    } finally {
      this.#service.release();
    }
  }

  /** How many batches may be in the making or waiting. */
  #ahead(): number {
    const { ahead, aheadBytes } = this.#parts;
    // Until the first batch shows how large they are, one is made at a time.
    if (this.#first === undefined) return Math.min(ahead, 1);
    return Math.min(ahead, Math.max(1, Math.floor(aheadBytes / this.#first.batchBytes)));
  }

  #finish({ data, shape, labels, names, indices, skipped }: MadeBatch): Batch {
    const type = data instanceof Float32Array ? 'Float32Array' : 'Uint8Array';
    const [, height, width, channels] = shape;
    const form = { name: names[0]!, shape: [height, width, channels], type } as const;
    this.#first ??= { ...form, batchBytes: data.byteLength };
    checkForm(form, this.#first);
    for (const picture of skipped) this.#skipped.set(picture.index, picture);
    return { inputs: { data, shape }, labels: encodeLabels(labels, names, this.#parts.codec), indices };
  }
}

function closedError(): ProjError {
  return new ProjError('The loader is closed', { code: 'loader-closed', fix: 'Make a new one' });
}
