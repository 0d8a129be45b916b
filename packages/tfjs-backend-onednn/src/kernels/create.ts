import type { DataType, FillAttrs, LinSpaceAttrs, RangeAttrs } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { type Inputs, isPlain, registerNative, runOne } from './register.js';

/** Kernels that make tensors from nothing. */
export function registerCreate(): void {
  registerNative<unknown, FillAttrs>('Fill', (backend, _, { shape, value, dtype }) => {
    const type: DataType = dtype ?? tf.util.inferDtype(value);
    if (typeof value === 'string' || type === 'string' || type === 'complex64') return undefined;
    return runOne(backend, 'fill', [], [{ shape, dtype: type }], [Number(value)]);
  });
  for (const [kernelName, value] of [
    ['OnesLike', 1],
    ['ZerosLike', 0],
  ] as const) {
    registerNative<Inputs<'x'>>(kernelName, (backend, { x }) =>
      isPlain(x) ? runOne(backend, 'fill', [], [{ shape: x.shape, dtype: x.dtype }], [value]) : undefined,
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
