import { ProjError } from '@proj/core';
import type { BackendTimingInfo, DataType, TensorInfo } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { type Addon, type AddonInfo, growCommands, type HostArray, type Loaded, loadAddon } from './load-addon.js';

type Values = ReturnType<tf.KernelBackend['readSync']>;
type DataId = TensorInfo['dataId'];

/** How elements are stored natively, by the numbers of `native/tensor.h`. */
export const Storage = { float32: 0, int32: 1, bool: 2 } as const;
export type Storage = (typeof Storage)[keyof typeof Storage];

/** What the backend keeps for one data id. */
export interface TensorData {
  readonly dtype: DataType;
  /** Number of elements. */
  readonly size: number;
  refCount: number;
  /** Address of the native buffer; 0 for string and complex64, which live in the two fields below. */
  readonly pointer: number;
  readonly storage: Storage;
  /** Smallest and largest value of an int32 tensor that was uploaded, not computed. */
  readonly range?: { readonly min: number; readonly max: number };
  readonly strings?: Uint8Array[];
  readonly complex?: { readonly real: TensorInfo; readonly imag: TensorInfo };
}

/** Shape and dtype of a tensor to be made. */
export interface TensorSpec {
  readonly shape: readonly number[];
  readonly dtype: DataType;
}

/** What a kernel passes natively: a tensor, perhaps under another shape of the same size, or an optional one not given. */
export type Operand = { readonly dataId: DataId; readonly shape: readonly number[] } | undefined;

const NO_TENSOR = -1;
const MAX_RANK = 8;

/**
 * The tfjs backend `onednn`. Data lives in native buffers; {@link run} enqueues an operation for the compute thread and
 * returns at once, reads wait for it. Output shapes are computed here, so no call needs an answer from the other thread.
 */
export class OnednnBackend extends tf.KernelBackend {
  readonly data: tf.DataStorage<TensorData>;
  private readonly loaded: Loaded;
  private readonly addon: Addon;
  private readonly opNumbers: ReadonlyMap<string, number>;

  /** @throws ProjError `addon-missing` */
  constructor() {
    super();
    this.loaded = loadAddon();
    this.addon = this.loaded.addon;
    this.opNumbers = new Map(this.loaded.info.ops.map((name, index) => [name, index]));
    this.data = new tf.DataStorage(this, tf.engine());
  }

  /** Threads, instruction set and oneDNN's version. */
  get info(): AddonInfo {
    return this.loaded.info;
  }

  // ---- storage, as tfjs asks for it ----

  override write(values: Values, shape: number[], dtype: DataType): DataId {
    const dataId = {};
    this.store(dataId, values, shape, dtype, 1);
    return dataId;
  }

  override move(dataId: DataId, values: Values, shape: number[], dtype: DataType, refCount: number): void {
    this.store(dataId, values, shape, dtype, refCount);
  }

  /** Values are copied; typed arrays of another kind than the dtype's are converted. complex64 comes interleaved. */
  private store(dataId: DataId, values: Values, shape: number[], dtype: DataType, refCount: number): void {
    const size = tf.util.sizeFromShape(shape);
    if (dtype === 'string') {
      this.data.set(dataId, { dtype, size, refCount, pointer: 0, storage: 0, strings: (values as Uint8Array[]) ?? [] });
    } else if (dtype === 'complex64') {
      const { real, imag } = tf.backend_util.splitRealAndImagArrays(values as Float32Array);
      const complex = {
        real: this.makeTensorInfo(shape, 'float32', real),
        imag: this.makeTensorInfo(shape, 'float32', imag),
      };
      this.data.set(dataId, { dtype, size, refCount, pointer: 0, storage: 0, complex });
    } else {
      const storage = Storage[dtype];
      const pointer = this.addon.upload(values as HostArray, storage);
      if (pointer === 0) throw outOfMemory('upload', [{ shape, dtype }]);
      const data = { dtype, size, refCount, pointer, storage };
      this.data.set(dataId, dtype === 'int32' && size > 0 ? { ...data, range: rangeOf(values as HostArray) } : data);
    }
  }

  override readSync(dataId: DataId): Values {
    const data = this.data.get(dataId);
    if (data.strings !== undefined) return data.strings;
    if (data.complex !== undefined) {
      const real = this.readSync(data.complex.real.dataId) as Float32Array;
      const imag = this.readSync(data.complex.imag.dataId) as Float32Array;
      return tf.backend_util.mergeRealAndImagArrays(real, imag);
    }
    const target = tf.util.getTypedArrayFromDType(data.dtype as 'float32', data.size);
    throwFailure(this.addon.read(data.pointer, target));
    return target;
  }

  override async read(dataId: DataId): Promise<Values> {
    const data = this.data.get(dataId);
    if (data.strings !== undefined) return data.strings;
    if (data.complex !== undefined) {
      const { real, imag } = data.complex;
      const parts = await Promise.all([this.read(real.dataId), this.read(imag.dataId)]);
      return tf.backend_util.mergeRealAndImagArrays(parts[0] as Float32Array, parts[1] as Float32Array);
    }
    const target = tf.util.getTypedArrayFromDType(data.dtype as 'float32', data.size);
    throwFailure(await this.addon.readAsync(data.pointer, target));
    return target;
  }

  override disposeData(dataId: DataId, force = false): boolean {
    if (!this.data.has(dataId)) return true;
    const data = this.data.get(dataId);
    data.refCount -= 1;
    if (!force && data.refCount > 0) return false;
    if (data.complex !== undefined) {
      this.disposeData(data.complex.real.dataId, true);
      this.disposeData(data.complex.imag.dataId, true);
    }
    if (data.pointer !== 0) this.addon.free(data.pointer);
    this.data.delete(dataId);
    return true;
  }

  override refCount(dataId: DataId): number {
    return this.data.has(dataId) ? this.data.get(dataId).refCount : 0;
  }

  override incRef(dataId: DataId): void {
    this.data.get(dataId).refCount += 1;
  }

  override numDataIds(): number {
    return this.data.numDataIds();
  }

  /** Exact: data is freed when disposed, and the counts are tfjs's own. */
  override memory(): { unreliable: boolean } {
    return { unreliable: false };
  }

  override floatPrecision(): 16 | 32 {
    return 32;
  }

  override epsilon(): number {
    return 1e-7;
  }

  override timerAvailable(): boolean {
    return true;
  }

  /** Milliseconds from an empty queue to the end of all that `f` enqueued. */
  override async time(f: () => void): Promise<BackendTimingInfo> {
    this.sync();
    const start = performance.now();
    f();
    this.sync();
    return { kernelMs: performance.now() - start };
  }

  /** Frees nothing by itself: tensors belong to those who hold them. Gives unused pages back to the system. */
  override dispose(): void {
    this.addon.trim();
  }

  // ---- for kernels ----

  /** A tensor of `values`, or of unspecified content where they are left out. */
  makeTensorInfo(shape: number[], dtype: DataType, values: Values): TensorInfo {
    return { dataId: this.write(values, shape, dtype), shape, dtype };
  }

  /** The same data under another shape. */
  alias(tensor: TensorInfo, shape: number[] = tensor.shape): TensorInfo {
    this.incRef(tensor.dataId);
    return { dataId: tensor.dataId, shape, dtype: tensor.dtype };
  }

  /** Gives up a tensor that only a kernel has seen. */
  disposeIntermediateTensorInfo(tensor: TensorInfo): void {
    this.disposeData(tensor.dataId);
  }

  /** A complex64 tensor that takes over both parts. */
  makeComplex(real: TensorInfo, imag: TensorInfo): TensorInfo {
    const dataId = {};
    const size = tf.util.sizeFromShape(real.shape);
    this.data.set(dataId, { dtype: 'complex64', size, refCount: 1, pointer: 0, storage: 0, complex: { real, imag } });
    return { dataId, shape: real.shape, dtype: 'complex64' };
  }

  /**
   * Enqueues operation `op` with its input tensors, new output tensors and numbers, in the order its native side
   * expects, and returns the outputs, whose values follow.
   *
   * @throws ProjError `out-of-memory`
   */
  run(
    op: string,
    inputs: readonly Operand[],
    outputs: readonly TensorSpec[],
    numbers: readonly number[] = [],
  ): TensorInfo[] {
    const opNumber = this.opNumbers.get(op);
    if (opNumber === undefined) throw new Error(`The addon has no operation ${op}`);
    let { commands } = this.loaded;
    const needed = 3 + (inputs.length + outputs.length) * (3 + MAX_RANK) + numbers.length;
    if (needed > commands.length) commands = growCommands(this.loaded, 2 * needed);
    commands[0] = opNumber;
    commands[1] = inputs.length + outputs.length;
    commands[2] = numbers.length;
    let at = 3;
    for (const input of inputs) {
      if (input === undefined) {
        commands[at + 2] = NO_TENSOR;
        at += 3;
        continue;
      }
      const { pointer, storage } = this.data.get(input.dataId);
      commands[at] = pointer;
      commands[at + 1] = storage;
      at = writeShape(commands, at + 2, input.shape);
    }
    const firstOutput = at;
    for (const { shape, dtype } of outputs) {
      commands[at] = 0;
      commands[at + 1] = Storage[dtype as keyof typeof Storage];
      at = writeShape(commands, at + 2, shape);
    }
    for (const number of numbers) commands[at++] = number;

    if (this.addon.run() !== 0) throw outOfMemory(op, outputs);
    at = firstOutput;
    return outputs.map(({ shape, dtype }) => {
      const dataId = {};
      const size = tf.util.sizeFromShape(shape as number[]);
      const storage = Storage[dtype as keyof typeof Storage];
      this.data.set(dataId, { dtype, size, refCount: 1, pointer: commands[at]!, storage });
      at += 3 + Math.min(shape.length, MAX_RANK);
      return { dataId, shape: shape as number[], dtype };
    });
  }

  /**
   * Waits until everything enqueued has run.
   *
   * @throws ProjError `kernel-failed` when one of the kernels since the last read failed.
   */
  sync(): void {
    throwFailure(this.addon.sync());
  }

  /** Time by native operation since the last {@link resetProfile}, longest first. Waits for the queue. */
  profile(): { op: string; calls: number; milliseconds: number }[] {
    this.sync();
    return this.addon.profile().sort((a, b) => b.milliseconds - a.milliseconds);
  }

  resetProfile(): void {
    this.sync();
    this.addon.resetProfile();
  }

  /** Native memory in bytes: in live buffers now and at most, and ever taken from the system. */
  nativeMemory(): ReturnType<Addon['memory']> {
    return this.addon.memory();
  }
}

function rangeOf(values: HostArray): { min: number; max: number } {
  let [min, max] = [values[0]!, values[0]!];
  for (let i = 1; i < values.length; i++) {
    if (values[i]! < min) min = values[i]!;
    else if (values[i]! > max) max = values[i]!;
  }
  return { min, max };
}

/** Writes rank and dimensions; what exceeds the native rank goes into the last dimension. Returns the next position. */
function writeShape(commands: Float64Array, at: number, shape: readonly number[]): number {
  const rank = Math.min(shape.length, MAX_RANK);
  commands[at++] = rank;
  for (let i = 0; i < rank; i++) commands[at++] = shape[i]!;
  for (let i = rank; i < shape.length; i++) commands[at - 1]! *= shape[i]!;
  return at;
}

function throwFailure(message: string | undefined): void {
  if (message === undefined) return;
  throw new ProjError(`A native kernel failed: ${message}`, {
    code: 'kernel-failed',
    received: message,
    fix: 'What was computed since the last read is not valid. Not enough memory is the usual cause: try a smaller batch.',
  });
}

function outOfMemory(op: string, outputs: readonly TensorSpec[]): ProjError {
  const wanted = outputs.map(({ shape, dtype }) => `${dtype} [${shape.join(', ')}]`).join(', ');
  return new ProjError(`Out of memory in ${op}`, {
    code: 'out-of-memory',
    expected: `room for ${wanted}`,
    fix: 'Use a smaller batch, dispose tensors (tf.tidy), or raise PROJ_ONEDNN_MEMORY_LIMIT (bytes).',
  });
}
