import type { TensorInfo } from '@tensorflow/tfjs';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { floats, runNative } from './heap.js';

interface Sizes {
  /** Of the sum. */
  readonly rows: number;
  readonly columns: number;
  /** Over which it goes. */
  readonly positions: number;
  /** A strip has a multiple of so many positions. Default 1. */
  readonly unit?: number;
  /** Values behind the left matrix that stay from strip to strip. Default 0. */
  readonly more?: number;
}

/** Positions summed by one product: longer ones leave the cache, shorter ones are mostly overhead. */
const POSITIONS = 1536;

/**
 * `[rows, columns]`, the product of a matrix `[rows, positions]` with `right [positions, columns]`, summed over strips of
 * positions. `fill` writes the left matrix of a strip, `[rows, count]`, to the beginning of `target`.
 */
export function sumOfStrips(
  backend: BackendWasm,
  { rows, columns, positions, unit = 1, more = 0 }: Sizes,
  right: TensorInfo,
  fill: (first: number, count: number, target: Float32Array) => void,
): Float32Array {
  const strips = Math.ceil(positions / POSITIONS);
  const strip = Math.ceil(positions / strips / unit) * unit;
  const sum = new Float32Array(rows * columns);
  const left = backend.makeOutput([rows * strip + more], 'float32');
  for (let first = 0; first < positions; first += strip) {
    const count = Math.min(strip, positions - first);
    const part = backend.makeOutput([count, columns], 'float32');
    floats(backend, part).set(floats(backend, right).subarray(first * columns, (first + count) * columns));
    fill(first, count, floats(backend, left));
    const factors = { a: { ...left, shape: [rows, count] }, b: part };
    const product = runNative('BatchMatMul', backend, factors, { transposeA: false, transposeB: false });
    const values = floats(backend, product);
    for (let i = 0; i < sum.length; i++) sum[i]! += values[i]!;
    backend.disposeData(product.dataId);
    backend.disposeData(part.dataId);
  }
  backend.disposeData(left.dataId);
  return sum;
}
