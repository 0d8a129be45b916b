import type { NdArray } from '@proj/core';
import { drawChunks } from './draw-pool.js';
import { checkCount, rangeOf, type SequenceOptions } from './sequence.js';
import type { CaptchaStyle } from './style.js';

/** Captchas as a training step takes them. */
export interface CaptchaBatch {
  /** `[B, height, width, 3]`, 0..255, in a buffer of its own: it may be transferred. */
  readonly inputs: NdArray<Uint8Array>;
  readonly labels: readonly string[];
  readonly indices: readonly number[];
}

export interface CaptchaBatchesOptions extends SequenceOptions {
  /** The last batch may be smaller. */
  readonly batchSize: number;
  /** Worker threads that draw; they change nothing but the speed. Default 0: the calling thread. */
  readonly threads?: number | undefined;
  /** Stops between batches, with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The captchas of a sequence in batches, in order. Threads hand their buffers over without copying; a few batches are drawn
 * ahead, and leaving the loop ends the threads.
 *
 * @throws ProjError `invalid-count`, `invalid-shard`, `not-threadable`, `worker-failed`, and what the style throws.
 */
export async function* captchaBatches(
  style: CaptchaStyle,
  { batchSize, threads = 0, signal, ...sequence }: CaptchaBatchesOptions,
): AsyncGenerator<CaptchaBatch> {
  const { start, count } = rangeOf(sequence);
  checkCount('batchSize', batchSize, 1);
  const chunks = chunksOf(start, count, batchSize);
  for await (const drawn of drawChunks(style, chunks, { seed: sequence.seed, threads, asFiles: false, signal })) {
    const { data, labels, indices } = drawn;
    const inputs = { data: new Uint8Array(data.buffer), shape: [labels.length, style.height, style.width, 3] };
    yield { inputs, labels, indices };
  }
}

function* chunksOf(start: number, count: number, size: number): Generator<number[]> {
  for (let from = 0; from < count; from += size) {
    yield Array.from({ length: Math.min(size, count - from) }, (_, i) => start + from + i);
  }
}
