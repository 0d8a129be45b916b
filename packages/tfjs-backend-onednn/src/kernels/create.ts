import type { DataType, FillAttrs, LinSpaceAttrs, RangeAttrs, TensorInfo } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import type { OnednnBackend } from '../backend.js';
import { type Inputs, isPlain, registerNative, runOne } from './register.js';

/** Zeros are deferred: they often stand for nothing, as the gradient of an output that was not used does. */
function filled(backend: OnednnBackend, shape: number[], dtype: DataType, value: number): TensorInfo {
  if (dtype === 'float32' && Object.is(value, 0)) return backend.defer('fill', [], shape, [0]);
  return runOne(backend, 'fill', [], [{ shape, dtype }], [value]);
}

/** `tensor` as an optional operand: undefined where it is zeros that nothing has been computed from. */
export function unlessZeros(backend: OnednnBackend, tensor: TensorInfo): TensorInfo | undefined {
  return backend.deferredCall(tensor, 'fill') === undefined ? tensor : undefined;
}

/** Kernels that make tensors from nothing. */
export function registerCreate(): void {
  registerNative<unknown, FillAttrs>('Fill', (backend, _, { shape, value, dtype }) => {
    const type: DataType = dtype ?? tf.util.inferDtype(value);
    if (typeof value === 'string' || type === 'string' || type === 'complex64') return undefined;
    return filled(backend, shape, type, Number(value));
  });
  for (const [kernelName, value] of [
    ['OnesLike', 1],
    ['ZerosLike', 0],
  ] as const) {
    registerNative<Inputs<'x'>>(kernelName, (backend, { x }) =>
      isPlain(x) ? filled(backend, x.shape, x.dtype, value) : undefined,
    );
  }
  registerNative<unknown, LinSpaceAttrs>('LinSpace', (backend, _, { start, stop, num }) => {
    const step = num > 1 ? (stop - start) / (num - 1) : 0;
    return runOne(backend, 'range', [], [{ shape: [num], dtype: 'float32' }], [start, step]);
  });
  registerNative<unknown, RangeAttrs>('Range', (backend, _, { start, stop, step, dtype }) => {
    const $step = stop < start && step === 1 ? -1 : step;
    const none = start === stop || (start < stop && $step < 0) || (stop < start && $step > 1);
    const size = none ? 0 : Math.abs(Math.ceil((stop - start) / $step));
    return runOne(backend, 'range', [], [{ shape: [size], dtype }], [start, $step]);
  });
}
