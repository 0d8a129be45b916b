import { Worker } from 'node:worker_threads';
import { ProjError } from '@proj/core';
import { type DrawnCaptchas, drawIndices } from './draw-indices.js';
import type { DrawAnswer, DrawTask } from './draw-messages.js';
import { checkCount } from './sequence.js';
import type { CaptchaStyle } from './style.js';

export interface DrawOptions {
  readonly seed: number;
  /** Worker threads; 0 draws in the calling thread. */
  readonly threads: number;
  /** Whether PNG files with parameters are wanted, not pixels. */
  readonly asFiles: boolean;
  /** Stops between chunks, with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Chunks in work or waiting to be taken, for each thread. */
const AHEAD = 2;

/**
 * Draws chunks of captchas, given by their indices, and gives them in that order, whatever the number of threads. Workers
 * end with the iteration.
 *
 * @throws ProjError `invalid-count`, `not-threadable`, `worker-failed`, and what the style throws; the signal's reason.
 */
export async function* drawChunks(
  style: CaptchaStyle,
  chunks: Iterable<readonly number[]>,
  { seed, threads, asFiles, signal }: DrawOptions,
): AsyncGenerator<DrawnCaptchas> {
  checkThreads(style, threads);
  if (threads === 0) {
    for (const indices of chunks) {
      signal?.throwIfAborted();
      yield drawIndices(style, seed, indices, asFiles);
    }
    return;
  }
  const pool = new DrawPool(style, threads);
  try {
    const drawn: Promise<DrawnCaptchas>[] = [];
    for (const indices of chunks) {
      signal?.throwIfAborted();
      const chunk = pool.draw({ seed, indices, asFiles });
      chunk.catch(() => undefined); // told when its turn comes, which may be never
      drawn.push(chunk);
      if (drawn.length >= threads * AHEAD) yield await drawn.shift()!;
    }
    for (const chunk of drawn) {
      signal?.throwIfAborted();
      yield await chunk;
    }
  } finally {
    await pool.close();
  }
}

/** @throws ProjError `invalid-count`, or `not-threadable` for a style without a recipe with threads. */
export function checkThreads(style: CaptchaStyle, threads: number): void {
  checkCount('threads', threads, 0);
  if (threads === 0 || style.recipe !== undefined) return;
  throw new ProjError(`Other threads cannot make the style ${style.name}`, {
    code: 'not-threadable',
    expected: 'a style of this package, or one that was defined with a `recipe`',
    fix: 'Give `defineStyle` a `recipe: { module: import.meta.url, export, options }`, or draw with `threads: 0`',
  });
}

/**
 * Calls `action` for each item in order, one at a time, and has the next item made meanwhile. When it ends, also by an error or
 * the signal's reason, no action is under way.
 */
export async function overlapping<T>(
  items: AsyncIterable<T>,
  signal: AbortSignal | undefined,
  action: (item: T) => Promise<void>,
): Promise<void> {
  let last = Promise.resolve();
  try {
    for await (const item of items) {
      await last;
      signal?.throwIfAborted();
      last = action(item);
      last.catch(() => undefined); // told at the next turn or the end
    }
  } finally {
    await Promise.allSettled([last]);
  }
  await last;
}

interface Job {
  readonly task: DrawTask;
  readonly resolve: (drawn: DrawnCaptchas) => void;
  readonly reject: (error: unknown) => void;
}

interface Thread {
  readonly worker: Worker;
  /** What it was asked for and has not answered. */
  readonly jobs: Map<number, Job>;
  /** Why it answers no more. */
  failure?: Error;
}

/** Worker threads that draw one style. */
class DrawPool {
  readonly #style: CaptchaStyle;
  readonly #threads: readonly Thread[];
  #nextId = 0;
  #closed = false;

  constructor(style: CaptchaStyle, threads: number) {
    this.#style = style;
    const { recipe } = style;
    this.#threads = Array.from({ length: threads }, () => {
      const worker = new Worker(new URL('./draw-worker.js', import.meta.url), { name: 'captchas', workerData: recipe });
      const thread: Thread = { worker, jobs: new Map() };
      worker.on('message', ({ id, drawn }: DrawAnswer) => {
        thread.jobs.get(id)?.resolve(drawn);
        thread.jobs.delete(id);
      });
      worker.on('error', (error) => this.#fail(thread, error));
      worker.on('exit', () => this.#fail(thread, new Error('it ended by itself')));
      return thread;
    });
  }

  draw(task: Omit<DrawTask, 'id'>): Promise<DrawnCaptchas> {
    const thread = this.#threads.reduce((best, each) => (each.jobs.size < best.jobs.size ? each : best));
    const message: DrawTask = { ...task, id: this.#nextId++ };
    return new Promise((resolve, reject) => {
      thread.jobs.set(message.id, { task: message, resolve, reject });
      if (thread.failure === undefined) thread.worker.postMessage(message);
      else this.#fail(thread, thread.failure);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
  }

  /** A picture that cannot be drawn there cannot be drawn here either, so trying again gives the style's own error. */
  #fail(thread: Thread, cause: Error): void {
    thread.failure ??= cause;
    for (const { task, reject } of thread.jobs.values()) {
      if (this.#closed) {
        reject(cause);
        continue;
      }
      try {
        drawIndices(this.#style, task.seed, task.indices, task.asFiles);
        reject(new ProjError(`A worker thread failed: ${cause.message}`, { code: 'worker-failed', cause }));
      } catch (error) {
        reject(error);
      }
    }
    thread.jobs.clear();
  }
}
