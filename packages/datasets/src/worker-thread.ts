import { Worker } from 'node:worker_threads';
import { ProjError } from '@proj/core';
import type { BatchTask, MakerSettings } from './batch-maker.js';
import type { MadeBatch } from './collator.js';
import { unpackError } from './error-transfer.js';
import type { TaskMessage, WorkerMessage, WorkerStart } from './worker-messages.js';
import { WorkerStatus } from './worker-status.js';

interface Job<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

/** How long a worker may take, in milliseconds. */
export interface Timeouts {
  /** For one example. */
  readonly timeoutMs: number;
  /** To start and open the source. */
  readonly openTimeoutMs: number;
}

/** One worker thread, seen from the main one. Once it has failed it stays so; what it was asked for is rejected. */
export class WorkerThread {
  /** The size of the source, when it is open. */
  readonly opened: Promise<number>;
  readonly #worker: Worker;
  readonly #status = new WorkerStatus();
  readonly #jobs = new Map<number, Job<MadeBatch | undefined>>();
  #opening: Job<number> | undefined;
  #nextId = 0;
  #failure: Error | undefined;
  #seenSteps = -1;
  #idleChecks = 0;

  constructor(settings: MakerSettings) {
    this.opened = new Promise((resolve, reject) => {
      this.#opening = { resolve, reject };
    });
    this.opened.catch(() => undefined); // told to whoever waits; none may be waiting
    const start: WorkerStart = { settings, status: this.#status.shared };
    this.#worker = new Worker(new URL('./worker.js', import.meta.url), {
      name: 'dataset loader',
      workerData: start,
      ...inheritedOptions(),
    });
    this.#worker.on('message', (message: WorkerMessage) => this.#receive(message));
    // The error may overtake batches that were made before it; all have come when the worker has ended.
    let failure: ProjError | undefined;
    this.#worker.on('error', (error) => {
      failure = this.#failed(error);
    });
    this.#worker.on('exit', (code) => this.#fail(failure ?? this.#exited(code)));
    this.#worker.unref();
  }

  /** Whether it can take no more tasks. */
  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** Tasks it has not answered. */
  get load(): number {
    return this.#jobs.size + (this.#opening === undefined ? 0 : 1);
  }

  /** Asks for a batch; undefined when `cancelled` was set before it was made. */
  make(task: BatchTask, cancelled: Int32Array): Promise<MadeBatch | undefined> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const id = this.#nextId++;
    const message: TaskMessage = { id, task, cancelled };
    return new Promise((resolve, reject) => {
      this.#jobs.set(id, { resolve, reject });
      this.#worker.postMessage(message);
    });
  }

  /** Keeps the process alive, or lets it end, while the worker is busy. */
  hold(held: boolean): void {
    if (this.failed) return; // it is being ended, and whoever waits for that must not see the process end first
    if (held) this.#worker.ref();
    else this.#worker.unref();
  }

  /**
   * To be called every `intervalMs` while someone waits. Ends the worker as hung when, with work to do, it gets no
   * further for as many calls as fill its allowance.
   */
  check(intervalMs: number, { timeoutMs, openTimeoutMs }: Timeouts): void {
    const { steps } = this.#status;
    this.#idleChecks = this.load === 0 || steps !== this.#seenSteps ? 0 : this.#idleChecks + 1;
    this.#seenSteps = steps;
    const opening = this.#opening !== undefined;
    const allowedMs = opening ? openTimeoutMs : timeoutMs;
    if (this.#idleChecks * intervalMs < allowedMs) return;
    this.#fail(
      new ProjError(`A loader worker hangs ${this.#place()}`, {
        code: 'worker-hung',
        expected: `${opening ? 'the source to open' : 'every example to be made'} within ${allowedMs} ms`,
        received: 'no answer',
        fix: `Mend or leave out what it hangs on, or raise \`${opening ? 'openTimeoutMs' : 'timeoutMs'}\` if it is only slow`,
      }),
    );
    void this.#worker.terminate();
  }

  /** Ends the worker; what it was asked for is rejected with `reason`. */
  async close(reason: Error): Promise<void> {
    this.#fail(reason);
    await this.#worker.terminate();
  }

  #receive(message: WorkerMessage): void {
    if (message.kind === 'opened' || message.kind === 'failed-to-open') {
      if (message.kind === 'opened') this.#opening?.resolve(message.size);
      else this.#opening?.reject(unpackError(message.error));
      this.#opening = undefined;
      return;
    }
    const job = this.#jobs.get(message.id);
    this.#jobs.delete(message.id);
    if (message.kind === 'made') job?.resolve(message.batch);
    else job?.reject(unpackError(message.error));
  }

  #fail(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#opening?.reject(error);
    this.#opening = undefined;
    for (const job of this.#jobs.values()) job.reject(error);
    this.#jobs.clear();
  }

  #failed(cause: unknown): ProjError {
    return new ProjError(`A loader worker failed ${this.#place()}: ${(cause as Error)?.message ?? cause}`, {
      code: 'worker-failed',
      cause,
    });
  }

  #exited(code: number): ProjError {
    return new ProjError(`A loader worker ended by itself ${this.#place()}`, {
      code: 'worker-exited',
      expected: 'workers to run until the loader is closed',
      received: `exit code ${code}`,
      fix: 'Look for `process.exit` in the source or transform, or for a native crash',
    });
  }

  #place(): string {
    const at = this.#status.current;
    if (at !== undefined) return `at ${at.name} (index ${at.index})`;
    return this.#opening === undefined ? 'between examples' : 'while opening its source';
  }
}

/**
 * Workers inherit the program's options of Node, such as `--import tsx`. `--input-type` would keep them from starting;
 * where it is given, only options that load modules are passed on.
 */
function inheritedOptions(): { execArgv?: string[] } {
  const given = process.execArgv;
  if (!given.some((option) => option.startsWith('--input-type'))) return {};
  const execArgv = given.flatMap((option, index) => {
    const name = /^(--import|--require|-r|--loader|--experimental-loader|--conditions|-C)(=|$)/.exec(option);
    if (name === null) return [];
    return name[2] === '=' ? [option] : [option, given[index + 1] ?? ''];
  });
  return { execArgv };
}
