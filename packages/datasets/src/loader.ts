import { type Batch, type BatchLoader, isProjError, ProjError, type RngKey } from '@proj/core';
import { checkForm, type FirstPicture, type MadeBatch, type SkippedPicture } from './collator.js';
import { type BatchCodec, encodeLabels } from './encode-labels.js';
import { EpochPlan, type LastBatch } from './epoch-plan.js';
import { cacheMemory, maxCacheBytes } from './example-cache.js';
import { checkState, type LoaderState, planKey } from './loader-state.js';
import { resolveModule } from './module-descriptor.js';
import type { SourceDescriptor, TransformDescriptor } from './source.js';
import { type BatchService, InlineService, WorkerPool } from './worker-pool.js';

export interface LoaderOptions {
  /** Where examples come from: `folderSource(...)`, `generatorSource(...)` or a descriptor of your own. */
  readonly source: SourceDescriptor;
  /** Encodes labels that are text; leave it out where labels are class indices. */
  readonly codec?: BatchCodec | undefined;
  /** Examples in a batch. */
  readonly batchSize: number;
  /** Decides the order of examples and the random numbers of `transform`. Default 0. */
  readonly seed?: RngKey | undefined;
  /** A new order in every epoch. An endless source has no order and ignores it. Default false. */
  readonly shuffle?: boolean | undefined;
  /**
   * How often each example comes in relation to the others, 0 or more, by index: `balancedWeights(samples)` for as many
   * of each class. An epoch then draws as many examples as there are, with replacement and always in a new order.
   */
  readonly weights?: ArrayLike<number> | undefined;
  /** Needed for an endless source; otherwise an epoch can be cut to its first steps. */
  readonly stepsPerEpoch?: number | undefined;
  /**
   * Where examples do not fill the last batch: `keep` a smaller one (default), `drop` it, `wrap`: fill it with the first
   * examples of the epoch, or `pad`: fill it with blank rows, whose pictures are 0, labels -1 and indices -1.
   */
  readonly lastBatch?: LastBatch | undefined;
  /** Applied to each picture in the worker. */
  readonly transform?: TransformDescriptor | undefined;
  /** Worker threads; 0 makes batches in the calling thread. Default 1, which leaves other cores to the training. */
  readonly workers?: number | undefined;
  /** Batches made ahead of the one in use. Default 4, or twice the workers if that is more. */
  readonly prefetch?: number | undefined;
  /** Bounds the memory of batches made ahead: fewer than `prefetch` where they would take more. Default 268,435,456. */
  readonly prefetchBytes?: number | undefined;
  /** A worker that takes longer for one example counts as hung. Default 30,000. */
  readonly timeoutMs?: number | undefined;
  /** The same for starting a worker and opening the source, which may import much. Default 60,000. */
  readonly openTimeoutMs?: number | undefined;
  /**
   * A picture that cannot be decoded or has too many pixels: `throw` (default), or `skip`, which makes its batches
   * smaller and lists it in `skipped`.
   */
  readonly onBadPicture?: 'throw' | 'skip' | undefined;
}

/**
 * Makes a loader, once its workers have opened the source.
 *
 * @throws ProjError `invalid-option`, `invalid-steps`, `invalid-weights`, `empty-source`, `cannot-resolve-module`,
 *   `cannot-open-source`, `worker-hung`, `worker-exited`, `worker-failed`.
 */
export async function loader(options: LoaderOptions): Promise<Loader> {
  const { batchSize, seed = 0, shuffle = false, weights, stepsPerEpoch, onBadPicture = 'throw' } = options;
  const { lastBatch = 'keep' } = options;
  const { workers = 1, prefetchBytes = 256 * 1024 * 1024, timeoutMs = 30_000, openTimeoutMs = 60_000 } = options;
  const { prefetch = Math.max(4, 2 * workers) } = options;
  checkInteger('batchSize', batchSize, 1);
  checkInteger('workers', workers, 0);
  checkInteger('prefetch', prefetch, 0);
  checkInteger('prefetchBytes', prefetchBytes, 0);
  checkInteger('timeoutMs', timeoutMs, 1);
  checkInteger('openTimeoutMs', openTimeoutMs, 1);
  if (stepsPerEpoch !== undefined) checkInteger('stepsPerEpoch', stepsPerEpoch, 1);
  const { size: given, cacheBytes = 0 } = options.source;
  if (given !== undefined) checkInteger('size', given, 0);
  checkCache(cacheBytes, given);

  const settings = {
    source: resolved(options.source, 'source'),
    transform: options.transform && resolved(options.transform, 'transform'),
    seed,
    onBadPicture,
    cache: cacheBytes === 0 || given === undefined ? undefined : cacheMemory(given, cacheBytes),
  };
  const service =
    workers === 0 ? new InlineService(settings) : new WorkerPool(workers, settings, { timeoutMs, openTimeoutMs });
  try {
    const size = await service.open();
    const planOptions = { size, batchSize, stepsPerEpoch, lastBatch, shuffle, weights, seed };
    const plan = new EpochPlan(planOptions);
    const key = planKey({ ...planOptions, stepsPerEpoch: plan.stepsPerEpoch });
    const ahead = workers === 0 ? 0 : prefetch;
    return new Loader(service, plan, { batchSize, size, key, codec: options.codec, ahead, aheadBytes: prefetchBytes });
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

function resolved<T extends SourceDescriptor>(descriptor: T, option: string): T {
  try {
    return structuredClone({ ...descriptor, module: resolveModule(descriptor) });
  } catch (cause) {
    if (isProjError(cause)) throw cause;
    throw new ProjError(`Cannot send the ${option} to a worker: ${(cause as Error).message}`, {
      code: 'invalid-option',
      expected: `\`${option}\` to be plain data, without functions`,
      fix: 'Move the function into a module and name it by `module` and `export`',
      cause,
    });
  }
}

function checkInteger(name: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new ProjError('Cannot load batches', {
    code: 'invalid-option',
    expected: `\`${name}\` to be an integer, at least ${least}`,
    received: String(value),
  });
}

function checkCache(cacheBytes: number, size: number | undefined): void {
  checkInteger('cacheBytes', cacheBytes, 0);
  if (cacheBytes <= maxCacheBytes && (cacheBytes === 0 || size !== undefined)) return;
  throw new ProjError('Cannot keep the examples of the source', {
    code: 'invalid-option',
    expected: size === undefined ? '`size` beside `cacheBytes`' : `\`cacheBytes\` to be at most ${maxCacheBytes}`,
    received: size === undefined ? 'a source without a `size`' : String(cacheBytes),
  });
}

function closedError(): ProjError {
  return new ProjError('The loader is closed', { code: 'loader-closed', fix: 'Make a new one' });
}
