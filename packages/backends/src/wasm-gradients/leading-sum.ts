import * as tf from '@tensorflow/tfjs';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { floats, runNative, type WasmKernel } from './heap.js';

interface Attributes {
  readonly axis: number | number[];
  readonly keepDims: boolean;
}

/** Rows that one average takes in: few enough for single precision to stay exact. */
const MAX_ROWS = 1024;

/**
 * Sum or mean over leading axes, as the gradients of biases and of BatchNorm take it over batch, height and width:
 * average pooling of groups of rows, which the wasm backend does fast, then the groups in double precision. Anything
 * else goes to the backend's own kernel, which would transpose first.
 *
 * `x [N..., C...]` gives `[C...]`, with `keepDims` `[1..., C...]`.
 */
export function fastLeadingSum(native: WasmKernel, mean: boolean): WasmKernel {
  return ({ inputs, attrs, backend }) => {
    const { x } = inputs as { x: tf.TensorInfo };
    const { axis, keepDims } = attrs as unknown as Attributes;
    const axes = tf.util.parseAxisParam(axis, x.shape).sort((a, b) => a - b);
    const leading = axes.every((value, i) => value === i) && axes.length > 0 && axes.length < x.shape.length;
    const rows = tf.util.sizeFromShape(x.shape.slice(0, axes.length));
    const columns = tf.util.sizeFromShape(x.shape.slice(axes.length));
    const group = groupSize(rows);
    if (!leading || x.dtype !== 'float32' || columns === 0 || group === 1) return native({ inputs, attrs, backend });

    const sums = sumOfRows(backend, x, rows, columns, group);
    const scale = mean ? 1 / rows : 1;
    const shape = [...(keepDims ? axes.map(() => 1) : []), ...x.shape.slice(axes.length)];
    return backend.makeOutput(
      shape,
      'float32',
      undefined,
      Float32Array.from(sums, (sum) => sum * scale),
    );
  };
}

/** The largest divisor of `rows` that is at most {@link MAX_ROWS}. */
function groupSize(rows: number): number {
  let size = Math.min(rows, MAX_ROWS);
  while (size > 1 && rows % size !== 0) size--;
  return Math.max(1, size);
}

function sumOfRows(backend: BackendWasm, x: tf.TensorInfo, rows: number, columns: number, group: number): Float64Array {
  const groups = rows / group;
  const means = runNative(
    'AvgPool',
    backend,
    { x: { ...x, shape: [groups, group, 1, columns] } },
    { filterSize: [group, 1], strides: 1, pad: 'valid' },
  ); // [groups, 1, 1, columns]
  const values = floats(backend, means);
  const sums = new Float64Array(columns);
  for (let i = 0, at = 0; i < groups; i++) {
    for (let c = 0; c < columns; c++) sums[c]! += values[at++]! * group;
  }
  backend.disposeData(means.dataId);
  return sums;
}
