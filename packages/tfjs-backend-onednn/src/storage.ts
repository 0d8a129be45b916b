// What the backend keeps of its tensors.
import type { DataType, TensorInfo } from '@tensorflow/tfjs';
import type { Precision } from './precision.js';

/** How elements are stored natively, by the numbers of `native/tensor.h`. A float32 tensor may be stored in bfloat16. */
export const Storage = { float32: 0, int32: 1, bool: 2, bfloat16: 3 } as const;
export type Storage = (typeof Storage)[keyof typeof Storage];

/** Native memory. Freed when nothing uses it any more. */
export interface NativeBuffer {
  readonly pointer: number;
  readonly storage: Storage;
  /** Tensors, deferred calls and recorded programs that use it. */
  uses: number;
  /** How many of these are programs. */
  programs: number;
}

/**
 * A call that waits until its output is used. What usually comes next (a residual sum, a ReLU, the gradient of a batch
 * normalisation) does it along in its own pass instead, and the value between the two is never in memory; what is never
 * used, as the gradient of the first convolution's input, is never computed.
 */
export interface DeferredCall {
  readonly op: string;
  readonly inputs: readonly ({ readonly buffer: NativeBuffer; readonly shape: readonly number[] } | undefined)[];
  readonly numbers: readonly number[];
  /** Of the output, which is float32. */
  readonly shape: readonly number[];
  /** That of the moment of the call. */
  readonly precision: Precision;
}

/** What the backend keeps for one data id: one of the last four fields but `range`. */
export interface TensorData {
  readonly dtype: DataType;
  /** Number of elements. */
  readonly size: number;
  refCount: number;
  buffer?: NativeBuffer;
  deferred?: DeferredCall | undefined;
  /** Smallest and largest value of an int32 tensor that was uploaded, not computed. */
  readonly range?: { readonly min: number; readonly max: number };
  readonly strings?: Uint8Array[];
  readonly complex?: { readonly real: TensorInfo; readonly imag: TensorInfo };
}

type DataId = TensorInfo['dataId'];

/**
 * What a backend keeps for its data ids, like `tf.DataStorage`. The ids themselves hold it: the entries of a weak map cost a
 * twentieth of a training step's time in JavaScript.
 */
export class TensorStore {
  private readonly key = Symbol('data');
  private size = 0;

  /** `move` brings in data of another backend. */
  constructor(private readonly move: (dataId: DataId) => void) {}

  has(dataId: DataId): boolean {
    return (dataId as Holder)[this.key] !== undefined;
  }

  get(dataId: DataId): TensorData {
    const holder = dataId as Holder;
    if (holder[this.key] === undefined) this.move(dataId);
    return holder[this.key]!;
  }

  set(dataId: DataId, data: TensorData): void {
    if (!this.has(dataId)) this.size += 1;
    (dataId as Holder)[this.key] = data;
  }

  /** Whether there was something. */
  delete(dataId: DataId): boolean {
    const had = this.has(dataId);
    if (had) this.size -= 1;
    (dataId as Holder)[this.key] = undefined;
    return had;
  }

  numDataIds(): number {
    return this.size;
  }
}

interface Holder {
  [key: symbol]: TensorData | undefined;
}

/** Shape and dtype of a tensor to be made. */
export interface TensorSpec {
  readonly shape: readonly number[];
  readonly dtype: DataType;
}

/** A buffer with one user. */
export function newBuffer(pointer: number, storage: Storage): NativeBuffer {
  return { pointer, storage, uses: 1, programs: 0 };
}
