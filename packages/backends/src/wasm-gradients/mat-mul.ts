import type * as tf from '@tensorflow/tfjs';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { floats, transpose, type WasmKernel } from './heap.js';

interface Attributes {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/**
 * Matrix product for the gradients of dense layers. The wasm backend multiplies transposed operands with a plain loop
 * (0.2 to 0.4 GFLOP/s) but others with XNNPACK, so a transposed operand is laid out anew first.
 *
 * `a [..., M, K]` (or `[..., K, M]`), `b [..., K, N]` (or `[..., N, K]`) give `[..., M, N]`.
 */
export function fastTransposedMatMul(native: WasmKernel): WasmKernel {
  return ({ inputs, attrs, backend }) => {
    const { a, b } = inputs as { a: tf.TensorInfo; b: tf.TensorInfo };
    const { transposeA, transposeB } = attrs as unknown as Attributes;
    if (a.dtype !== 'float32' || b.dtype !== 'float32') return native({ inputs, attrs, backend });
    const left = transposeA ? transposed(backend, a) : a;
    const right = transposeB ? transposed(backend, b) : b;
    const result = native({
      inputs: { a: left, b: right },
      attrs: { ...attrs, transposeA: false, transposeB: false },
      backend,
    });
    if (transposeA) backend.disposeData(left.dataId);
    if (transposeB) backend.disposeData(right.dataId);
    return result;
  };
}

function transposed(backend: BackendWasm, matrices: tf.TensorInfo): tf.TensorInfo {
  const { shape } = matrices;
  const [rows, columns] = shape.slice(-2) as [number, number];
  const result = backend.makeOutput([...shape.slice(0, -2), columns, rows], 'float32');
  const source = floats(backend, matrices);
  const target = floats(backend, result);
  for (let at = 0; at < source.length; at += rows * columns) transpose(source, at, rows, columns, target, at);
  return result;
}
