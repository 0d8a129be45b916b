import * as tf from '@tensorflow/tfjs';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { floats, transpose, type WasmKernel } from './heap.js';

interface Attributes {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/**
 * Matrix product for the gradients of dense layers. The wasm backend multiplies transposed operands with a plain loop, at
 * a twentieth of the rate of others, so they are laid out anew first. Where that means less copying, for instance with a
 * small batch before a large matrix of weights, it is the transpose of the result that is computed: `(B'A')'` for `AB`.
 *
 * `a [..., M, K]` (or `[..., K, M]`), `b [..., K, N]` (or `[..., N, K]`) give `[..., M, N]`.
 */
export function fastTransposedMatMul(native: WasmKernel): WasmKernel {
  return ({ inputs, attrs, backend }) => {
    const { a, b } = inputs as { a: tf.TensorInfo; b: tf.TensorInfo };
    const { transposeA, transposeB } = attrs as unknown as Attributes;
    const transposes = transposeA || transposeB;
    if (!transposes || a.dtype !== 'float32' || b.dtype !== 'float32') return native({ inputs, attrs, backend });

    const temporary: tf.TensorInfo[] = [];
    const laidOut = (matrices: tf.TensorInfo, asTransposed: boolean): tf.TensorInfo => {
      if (!asTransposed) return matrices;
      const result = transposed(backend, matrices);
      temporary.push(result);
      return result;
    };
    const multiply = (left: tf.TensorInfo, right: tf.TensorInfo): tf.TensorInfo =>
      native({ inputs: { a: left, b: right }, attrs: { transposeA: false, transposeB: false }, backend });

    const size = (tensor: tf.TensorInfo) => tf.util.sizeFromShape(tensor.shape);
    const rows = a.shape.at(transposeA ? -1 : -2)!;
    const columns = b.shape.at(transposeB ? -2 : -1)!;
    const batch = Math.max(...[a, b].map(({ shape }) => tf.util.sizeFromShape(shape.slice(0, -2))));
    const copied = (transposeA ? size(a) : 0) + (transposeB ? size(b) : 0);
    const copiedSwapped = (transposeA ? 0 : size(a)) + (transposeB ? 0 : size(b)) + batch * rows * columns;

    let result: tf.TensorInfo;
    if (copied <= copiedSwapped) {
      result = multiply(laidOut(a, transposeA), laidOut(b, transposeB));
    } else {
      const product = multiply(laidOut(b, !transposeB), laidOut(a, !transposeA)); // [..., N, M]
      temporary.push(product);
      result = transposed(backend, product); // [..., M, N]
    }
    for (const { dataId } of temporary) backend.disposeData(dataId);
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
