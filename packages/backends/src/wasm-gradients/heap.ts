import type { NamedAttrMap, NamedTensorInfoMap, TensorInfo } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';

/** What the kernels of this folder are called with. */
export interface WasmKernelCall {
  readonly inputs: NamedTensorInfoMap;
  readonly attrs: NamedAttrMap;
  readonly backend: BackendWasm;
}

export type WasmKernel = (call: WasmKernelCall) => TensorInfo;

/**
 * The values of a float32 tensor where they lie in wasm memory, to read and to write. Good until the next allocation,
 * which may move the memory: take all views after making all tensors.
 */
export function floats(backend: BackendWasm, tensor: TensorInfo): Float32Array {
  return backend.typedArrayFromHeap(tensor) as Float32Array;
}

/** Runs a kernel as tfjs's wasm backend brings it. The caller disposes the result. */
export function runNative(
  kernelName: string,
  backend: BackendWasm,
  inputs: NamedTensorInfoMap,
  attrs: object,
): TensorInfo {
  const kernel = tf.getKernel(kernelName, 'wasm');
  return kernel.kernelFunc({ inputs, attrs: attrs as NamedAttrMap, backend }) as TensorInfo;
}

/**
 * Writes the transpose of the matrix `source[rows][columns]` at `from` as `target[columns][rows]` at `to`, where a row
 * of the result is `stride` (by default `rows`) apart from the next, and one of the source `step` (by default `columns`).
 */
export function transpose(
  source: Float32Array,
  from: number,
  rows: number,
  columns: number,
  target: Float32Array,
  to: number,
  stride = rows,
  step = columns,
): void {
  // Blocks, so that both sides of a block fit the first-level cache; four at a time, which halves the time.
  const block = 16;
  const whole = rows - (rows % 4);
  for (let r0 = 0; r0 < whole; r0 += block) {
    const r1 = Math.min(whole, r0 + block);
    for (let c = 0; c < columns; c++) {
      const row = to + c * stride;
      for (let r = r0, at = from + r0 * step + c; r < r1; r += 4, at += 4 * step) {
        target[row + r] = source[at]!;
        target[row + r + 1] = source[at + step]!;
        target[row + r + 2] = source[at + 2 * step]!;
        target[row + r + 3] = source[at + 3 * step]!;
      }
    }
  }
  for (let r = whole; r < rows; r++) {
    for (let c = 0; c < columns; c++) target[to + c * stride + r] = source[from + r * step + c]!;
  }
}
