/** A dense array in host memory, row-major. `data` has as many elements as the product of `shape`. */
export interface NdArray<T extends Uint8Array | Int32Array | Float32Array = Uint8Array | Int32Array | Float32Array> {
  readonly data: T;
  readonly shape: readonly number[];
}

/** Examples collated for one training step. */
export interface Batch {
  /** Pictures `[B, H, W, C]`: 0..255 as Uint8Array, or already scaled as Float32Array. */
  readonly inputs: NdArray<Uint8Array | Float32Array>;
  /** Class indices, `[B, L]` for L characters, `[B]` for one class a picture. */
  readonly labels: NdArray<Int32Array>;
  /** For each example the number by which its source can show it again. */
  readonly indices: Int32Array;
}

/**
 * Where a training loop gets its batches. A batch is a pure function of `(epoch, step)`: a loop that was stopped asks
 * for the rest of an epoch with `fromStep` and sees the same batches as one that was not.
 */
export interface BatchLoader {
  /** Batches in each epoch. */
  readonly stepsPerEpoch: number;
  /** The batches of one epoch in order, from `fromStep` (default 0) on. Stopping early frees what was prefetched. */
  epoch(epoch: number, options?: { readonly fromStep?: number }): AsyncIterable<Batch>;
  /** Ends workers and frees memory; iteration is over after that. */
  close(): Promise<void>;
}
