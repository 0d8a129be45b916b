import { BatchMaker, type BatchTask, type MakerSettings } from './batch-maker.js';
import type { MadeBatch } from './collator.js';
import { type Timeouts, WorkerThread } from './worker-thread.js';

/** Who makes batches for a loader. */
export interface BatchService {
  /** Number of examples, when the source is open. */
  open(): Promise<number>;
  /** The batch; undefined when `cancelled` was set before it was made. */
  make(task: BatchTask, cancelled: Int32Array): Promise<MadeBatch | undefined>;
  /** Someone waits: until `release` the process stays alive and hung workers are looked for. */
  hold(): void;
  release(): void;
  close(reason: Error): Promise<void>;
}

/** Makes batches in the calling thread, one when it is asked for. */
export class InlineService implements BatchService {
  readonly #settings: MakerSettings;
  #maker: Promise<BatchMaker> | undefined;
  #closed = false;

  constructor(settings: MakerSettings) {
    this.#settings = settings;
  }

  async open(): Promise<number> {
    this.#maker ??= BatchMaker.open(this.#settings);
    return (await this.#maker).size;
  }

  async make(task: BatchTask, cancelled: Int32Array): Promise<MadeBatch | undefined> {
    this.#maker ??= BatchMaker.open(this.#settings);
    // A closed source would open its files again.
    return (await this.#maker).make(task, () => !this.#closed && Atomics.load(cancelled, 0) === 0);
  }

  hold(): void {}

  release(): void {}

  async close(): Promise<void> {
    this.#closed = true;
    const maker = this.#maker;
    this.#maker = undefined;
    (await maker?.catch(() => undefined))?.close();
  }
}

/** How often within the shorter timeout workers are looked at. */
const checksInTimeout = 8;
/** Timers take no more than 2^31 - 1. */
const longestIntervalMs = 60_000;

/** Spreads batches over worker threads. A worker that ended is replaced when the next batch is asked for. */
export class WorkerPool implements BatchService {
  readonly #settings: MakerSettings;
  readonly #timeouts: Timeouts;
  readonly #threads: (WorkerThread | undefined)[];
  #waiting = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(workers: number, settings: MakerSettings, timeouts: Timeouts) {
    this.#settings = settings;
    this.#timeouts = timeouts;
    this.#threads = Array.from({ length: workers });
  }

  async open(): Promise<number> {
    this.hold();
    try {
      const [size] = await Promise.all(this.#threads.map((_, place) => this.#thread(place).opened));
      return size!;
    } finally {
      this.release();
    }
  }

  make(task: BatchTask, cancelled: Int32Array): Promise<MadeBatch | undefined> {
    const threads = this.#threads.map((_, place) => this.#thread(place));
    // Any order gives the same batches; the least busy worker gives them soonest.
    const next = threads.reduce((best, thread) => (thread.load < best.load ? thread : best));
    return next.make(task, cancelled);
  }

  hold(): void {
    if (this.#waiting++ > 0) return;
    for (const thread of this.#threads) thread?.hold(true);
    // Counted checks rather than the clock: a main thread that computes for long, or a machine that slept, makes one
    // check late, and does not make a worker look hung.
    const { timeoutMs, openTimeoutMs } = this.#timeouts;
    const intervalMs = Math.min(Math.min(timeoutMs, openTimeoutMs) / checksInTimeout, longestIntervalMs);
    const check = () => {
      for (const thread of this.#threads) thread?.check(intervalMs, this.#timeouts);
    };
    this.#timer = setInterval(check, intervalMs).unref();
  }

  release(): void {
    if (--this.#waiting > 0) return;
    for (const thread of this.#threads) thread?.hold(false);
    clearInterval(this.#timer);
  }

  async close(reason: Error): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread?.close(reason)));
  }

  #thread(place: number): WorkerThread {
    const present = this.#threads[place];
    if (present !== undefined && !present.failed) return present;
    const thread = new WorkerThread(this.#settings);
    thread.hold(this.#waiting > 0);
    this.#threads[place] = thread;
    return thread;
  }
}
