import { setImmediate as immediately } from 'node:timers';
import { ProjError } from '@proj/core';
import type { BackendTimingInfo, DataType, TensorInfo } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { writeCall } from './command.js';
import { type Addon, type AddonInfo, type HostArray, type Loaded, loadAddon } from './load-addon.js';
import { autocast, bfloat16Outputs, getPrecision } from './precision.js';
import type { Program, Recorder } from './recorder.js';
import {
  type DeferredCall,
  type NativeBuffer,
  newBuffer,
  Storage,
  type TensorData,
  type TensorSpec,
  TensorStore,
} from './storage.js';

type Values = ReturnType<tf.KernelBackend['readSync']>;
type DataId = TensorInfo['dataId'];

/**
 * What a kernel passes natively: a tensor, perhaps under another shape of the same size, or its buffer, or an optional
 * one not given.
 */
export type Operand =
  | { readonly shape: readonly number[]; readonly dataId: DataId }
  | { readonly shape: readonly number[]; readonly buffer: NativeBuffer }
  | undefined;

/**
 * The tfjs backend `onednn`. Data lives in native buffers; {@link run} enqueues an operation for the compute thread and
 * returns at once, reads wait for it. Output shapes are computed here, so no call needs an answer from the other thread.
 */
export class OnednnBackend extends tf.KernelBackend {
  readonly data = new TensorStore((dataId) => tf.engine().moveData(this, dataId));
  private readonly loaded: Loaded;
  private readonly addon: Addon;
  private readonly opNumbers: ReadonlyMap<string, number>;
  /** Sees each call and each upload while a function is being traced. */
  recorder: Recorder | undefined;

  /** @throws ProjError `addon-missing` */
  constructor() {
    super();
    this.loaded = loadAddon();
    this.addon = this.loaded.addon;
    this.opNumbers = new Map(this.loaded.info.ops.map((name, index) => [name, index]));
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
      this.data.set(dataId, { dtype, size, refCount, strings: (values as Uint8Array[]) ?? [] });
    } else if (dtype === 'complex64') {
      const { real, imag } = tf.backend_util.splitRealAndImagArrays(values as Float32Array);
      const complex = {
        real: this.makeTensorInfo(shape, 'float32', real),
        imag: this.makeTensorInfo(shape, 'float32', imag),
      };
      this.data.set(dataId, { dtype, size, refCount, complex });
    } else {
      const storage = Storage[dtype];
      const pointer = this.addon.upload(values as HostArray, storage);
      if (pointer === 0) throw outOfMemory('upload', [{ shape, dtype }]);
      const data = { dtype, size, refCount, buffer: newBuffer(pointer, storage) };
      this.recorder?.upload(data.buffer, values as HostArray);
      this.data.set(dataId, dtype === 'int32' && size > 0 ? { ...data, range: rangeOf(values as HostArray) } : data);
    }
  }

  override readSync(dataId: DataId): Values {
    this.recorder?.refuseRead();
    const data = this.data.get(dataId);
    if (data.strings !== undefined) return data.strings;
    if (data.complex !== undefined) {
      const real = this.readSync(data.complex.real.dataId) as Float32Array;
      const imag = this.readSync(data.complex.imag.dataId) as Float32Array;
      return tf.backend_util.mergeRealAndImagArrays(real, imag);
    }
    const target = tf.util.getTypedArrayFromDType(data.dtype as 'float32', data.size);
    const { pointer, storage } = this.bufferOfData(data);
    throwFailure(this.addon.read(pointer, target, storage));
    return target;
  }

  override async read(dataId: DataId): Promise<Values> {
    this.recorder?.refuseRead();
    const data = this.data.get(dataId);
    if (data.strings !== undefined) return data.strings;
    if (data.complex !== undefined) {
      const { real, imag } = data.complex;
      const parts = await Promise.all([this.read(real.dataId), this.read(imag.dataId)]);
      return tf.backend_util.mergeRealAndImagArrays(parts[0] as Float32Array, parts[1] as Float32Array);
    }
    const target = tf.util.getTypedArrayFromDType(data.dtype as 'float32', data.size);
    const { pointer, storage } = this.bufferOfData(data);
    const message = this.addon.readAsync(pointer, target, storage);
    // What is there already needs no wait, but one such read after the other would leave the event loop no turn.
    if (message === undefined) await new Promise(immediately);
    else throwFailure(await message);
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
    if (data.buffer !== undefined) this.release(data.buffer);
    if (data.deferred !== undefined) this.forget(data.deferred);
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
    this.data.set(dataId, { dtype: 'complex64', size, refCount: 1, complex: { real, imag } });
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
    // Before the call is written down, because a deferred input is computed by a call of its own.
    const buffers = this.hold(inputs);
    try {
      const storages = storagesOf(op, inputs, buffers, outputs);
      const { outputsAt, length } = writeCall(this.loaded, opNumber, inputs, buffers, outputs, storages, numbers);
      if (this.addon.run() !== 0) throw outOfMemory(op, outputs);
      const { commands } = this.loaded;
      this.recorder?.call(commands.slice(0, length), buffers);
      return outputs.map((spec, i) => this.adopt(newBuffer(commands[outputsAt[i]!]!, storages[i]!), spec));
    } finally {
      this.releaseAll(buffers);
    }
  }

  /** The float32 output, of `shape`, of operation `op`, which is run when it is first used: see {@link DeferredCall}. */
  defer(op: string, inputs: readonly Operand[], shape: readonly number[], numbers: readonly number[]): TensorInfo {
    const held = this.hold(inputs).map((buffer, i) => buffer && { buffer, shape: inputs[i]!.shape });
    const dataId = {};
    const size = tf.util.sizeFromShape(shape as number[]);
    const deferred = { op, inputs: held, numbers, shape, precision: getPrecision() };
    this.data.set(dataId, { dtype: 'float32', size, refCount: 1, deferred });
    return { dataId, shape: [...shape], dtype: 'float32' };
  }

  /** The call that would compute `tensor`, while that has not been run, if it is one of `op`. */
  deferredCall(tensor: TensorInfo, op: string): DeferredCall | undefined {
    const { deferred } = this.data.get(tensor.dataId);
    return deferred?.op === op && tf.util.arraysEqual([...deferred.shape], tensor.shape) ? deferred : undefined;
  }

  /**
   * One use more of the buffer of each operand. To compute a deferred one ends a use of all that its call read, which may be
   * operands themselves: so what is a buffer already is held before any is computed.
   */
  private hold(operands: readonly Operand[]): (NativeBuffer | undefined)[] {
    const held = operands.map((operand) => (operand === undefined || 'dataId' in operand ? undefined : operand.buffer));
    for (const buffer of held) if (buffer !== undefined) buffer.uses += 1;
    try {
      for (const [i, operand] of operands.entries()) {
        if (operand === undefined || !('dataId' in operand)) continue;
        const buffer = this.bufferOf(operand);
        buffer.uses += 1;
        held[i] = buffer;
      }
      return held;
    } catch (error) {
      this.releaseAll(held);
      throw error;
    }
  }

  private bufferOfData(data: TensorData): NativeBuffer {
    const { deferred } = data;
    if (deferred !== undefined) {
      const { op, inputs, shape, numbers, precision } = deferred;
      const [output] = autocast(precision, () => this.run(op, inputs, [{ shape, dtype: 'float32' }], numbers));
      data.buffer = this.data.get(output!.dataId).buffer!;
      this.data.delete(output!.dataId);
      data.deferred = undefined;
      this.forget(deferred);
    }
    if (data.buffer === undefined) throw new Error(`A ${data.dtype} tensor has no native buffer`);
    return data.buffer;
  }

  private forget({ inputs }: DeferredCall): void {
    this.releaseAll(inputs.map((input) => input?.buffer));
  }

  /** The buffer of a tensor that has one: its values are there or, after what is enqueued, will be. */
  bufferOf({ dataId }: Pick<TensorInfo, 'dataId'>): NativeBuffer {
    return this.bufferOfData(this.data.get(dataId));
  }

  /** A tensor whose values are those of a buffer, of which it is one user. */
  adopt(buffer: NativeBuffer, { shape, dtype }: TensorSpec): TensorInfo {
    const dataId = {};
    this.data.set(dataId, { dtype, size: tf.util.sizeFromShape(shape as number[]), refCount: 1, buffer });
    return { dataId, shape: [...shape], dtype };
  }

  /** Ends one use of a buffer. */
  release(buffer: NativeBuffer): void {
    buffer.uses -= 1;
    if (buffer.uses === 0) this.addon.free(buffer.pointer);
  }

  private releaseAll(buffers: readonly (NativeBuffer | undefined)[]): void {
    for (const buffer of buffers) if (buffer !== undefined) this.release(buffer);
  }

  /**
   * Repeats recorded calls with the buffers whose pointers `slots` has, and puts those of the calls' results behind them: see
   * `Addon.replay`.
   *
   * @throws ProjError `out-of-memory`, with nothing done
   */
  repeat({ code, sizes, kept }: Pick<Program, 'code' | 'sizes' | 'kept'>, slots: Float64Array): void {
    if (this.addon.replay(code, slots, sizes, kept) === 0) return;
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    throw outOfMemory('a traced function', `${(bytes / 1e6).toFixed(1)} MB of intermediate and final results`);
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
  profile(): ReturnType<Addon['profile']> {
    this.sync();
    return this.addon.profile().sort((a, b) => b.milliseconds - a.milliseconds);
  }

  resetProfile(): void {
    this.sync();
    this.addon.resetProfile();
  }

  /**
   * Native memory in bytes: in live buffers now and at most since {@link resetProfile}, ever taken from the system, and in
   * copies of convolution weights that are kept in the layout in which they are used.
   */
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

function storagesOf(
  op: string,
  inputs: readonly Operand[],
  buffers: readonly (NativeBuffer | undefined)[],
  outputs: readonly TensorSpec[],
): Storage[] {
  if (getPrecision() === 'float32' && !buffers.some((buffer) => buffer?.storage === Storage.bfloat16)) {
    return outputs.map(({ dtype }) => Storage[dtype as keyof typeof Storage]);
  }
  const sizeOf = ({ shape }: { readonly shape: readonly number[] }) => tf.util.sizeFromShape(shape as number[]);
  const given = buffers.map(
    (buffer, i) => buffer && { bfloat16: buffer.storage === Storage.bfloat16, size: sizeOf(inputs[i]!) },
  );
  const bfloat16 = outputs.length === 0 ? 0 : bfloat16Outputs(op, given, sizeOf(outputs[0]!));
  return outputs.map(({ dtype }, i) =>
    dtype === 'float32' && i < bfloat16 ? Storage.bfloat16 : Storage[dtype as keyof typeof Storage],
  );
}

function throwFailure(message: string | undefined): void {
  if (message === undefined) return;
  throw new ProjError(`A native kernel failed: ${message}`, {
    code: 'kernel-failed',
    received: message,
    fix: 'What was computed since the last read is not valid. Not enough memory is the usual cause: try a smaller batch.',
  });
}

function outOfMemory(op: string, outputs: readonly TensorSpec[] | string): ProjError {
  const described =
    typeof outputs === 'string'
      ? outputs
      : outputs.map(({ shape, dtype }) => `${dtype} [${shape.join(', ')}]`).join(', ');
  return new ProjError(`Out of memory in ${op}`, {
    code: 'out-of-memory',
    expected: `room for ${described}`,
    fix: 'Use a smaller batch, dispose tensors (tf.tidy), or raise PROJ_ONEDNN_MEMORY_LIMIT (bytes).',
  });
}
