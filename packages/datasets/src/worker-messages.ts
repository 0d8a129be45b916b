import type { BatchTask, MakerSettings } from './batch-maker.js';
import type { MadeBatch } from './collator.js';
import type { PackedError } from './error-transfer.js';

/** What a worker is started with. */
export interface WorkerStart {
  readonly settings: MakerSettings;
  readonly status: SharedArrayBuffer;
}

/** To the worker. */
export interface TaskMessage {
  readonly id: number;
  readonly task: BatchTask;
  /** One shared Int32: 1 when no one waits for the batch any more. */
  readonly cancelled: Int32Array;
}

/** From the worker: that it is open, then one answer to each task, in their order. */
export type WorkerMessage =
  | { readonly kind: 'opened'; readonly size: number }
  | { readonly kind: 'failed-to-open'; readonly error: PackedError }
  | { readonly kind: 'made'; readonly id: number; readonly batch: MadeBatch | undefined }
  | { readonly kind: 'failed'; readonly id: number; readonly error: PackedError };
