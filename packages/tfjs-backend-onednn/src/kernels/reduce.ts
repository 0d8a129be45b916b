import type { CumsumAttrs, DataType, MaxAttrs, SumAttrs, TensorInfo } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import type { OnednnBackend } from '../backend.js';
import { castTo } from './cast.js';
import { transpose } from './copy.js';
import { sumOfProduct } from './gate.js';
import { type Inputs, isPlain, registerNative, runOne } from './register.js';

/** A tensor seen as [outer, n, inner], to be reduced over n. */
interface View {
  readonly outer: number;
  readonly n: number;
  readonly inner: number;
}

/** The view in which `axes` are the middle one, if they lie together; dimensions of 1 are in nobody's way. */
function viewOf(shape: readonly number[], axes: ReadonlySet<number>): View | undefined {
  let [outer, n, inner] = [1, 1, 1];
  let phase: 'outer' | 'n' | 'inner' = 'outer';
  for (const [axis, size] of shape.entries()) {
    if (size === 1) continue;
    if (axes.has(axis)) {
      if (phase === 'inner') return undefined;
      phase = 'n';
      n *= size;
    } else if (phase === 'outer') {
      outer *= size;
    } else {
      phase = 'inner';
      inner *= size;
    }
  }
  return { outer, n, inner };
}

/** Reduces `x` over `axis`; what does not lie together is transposed first. */
export function reduce(
  backend: OnednnBackend,
  op: string,
  x: TensorInfo,
  { axis, keepDims }: SumAttrs,
  dtype: DataType,
): TensorInfo {
  const axes = new Set(tf.util.parseAxisParam(axis, x.shape));
  const kept = x.shape.map((size, i) => (axes.has(i) ? 1 : size));
  const shape = keepDims ? kept : x.shape.filter((_, i) => !axes.has(i));
  const view = viewOf(x.shape, axes);
  if (view !== undefined) {
    return runOne(backend, op, [x], [{ shape, dtype }], [view.outer, view.n, view.inner]);
  }
  const order = x.shape.map((_, i) => i);
  const permutation = [...order.filter((i) => !axes.has(i)), ...order.filter((i) => axes.has(i))];
  const turned = transpose(backend, x, permutation);
  const outer = tf.util.sizeFromShape(kept);
  const n = order.reduce((product, i) => (axes.has(i) ? product * x.shape[i]! : product), 1);
  const result = runOne(backend, op, [turned], [{ shape, dtype }], [outer, n, 1]);
  backend.disposeIntermediateTensorInfo(turned);
  return result;
}

export function registerReduce(): void {
  registerNative<Inputs<'x'>, SumAttrs>('Sum', (backend, { x }, attrs) =>
    isPlain(x)
      ? (sumOfProduct(backend, x, attrs) ?? reduce(backend, 'sum', x, attrs, x.dtype === 'bool' ? 'int32' : x.dtype))
      : undefined,
  );
  registerNative<Inputs<'x'>, SumAttrs>('Mean', (backend, { x }, attrs) => {
    if (!isPlain(x)) return undefined;
    const real = castTo(backend, x, 'float32');
    const result = reduce(backend, 'mean', real, attrs, 'float32');
    backend.disposeIntermediateTensorInfo(real);
    return result;
  });
  registerNative<Inputs<'x'>, MaxAttrs>('Max', (backend, { x }, { reductionIndices, keepDims }) =>
    isPlain(x) && x.dtype !== 'bool'
      ? reduce(backend, 'max', x, { axis: reductionIndices, keepDims }, x.dtype)
      : undefined,
  );
  for (const [kernelName, op] of [
    ['Min', 'min'],
    ['Prod', 'prod'],
  ] as const) {
    registerNative<Inputs<'x'>, SumAttrs>(kernelName, (backend, { x }, attrs) =>
      isPlain(x) && x.dtype !== 'bool' ? reduce(backend, op, x, attrs, x.dtype) : undefined,
    );
  }
  for (const [kernelName, op] of [
    ['All', 'all'],
    ['Any', 'any'],
  ] as const) {
    registerNative<Inputs<'x'>, SumAttrs>(kernelName, (backend, { x }, attrs) =>
      x.dtype === 'bool' && isPlain(x) ? reduce(backend, op, x, attrs, 'bool') : undefined,
    );
  }
  for (const [kernelName, op] of [
    ['ArgMax', 'arg_max'],
    ['ArgMin', 'arg_min'],
  ] as const) {
    registerNative<Inputs<'x'>, { axis: number }>(kernelName, (backend, { x }, { axis }) =>
      isPlain(x) && tf.util.sizeFromShape(x.shape) > 0
        ? reduce(backend, op, x, { axis, keepDims: false }, 'int32')
        : undefined,
    );
  }
  for (const [kernelName, op] of [
    ['Cumsum', 'cumsum'],
    ['Cumprod', 'cumprod'],
  ] as const) {
    registerNative<Inputs<'x'>, CumsumAttrs>(kernelName, (backend, { x }, { axis, exclusive, reverse }) => {
      if (!isPlain(x) || x.dtype === 'bool') return undefined;
      const at = tf.util.parseAxisParam([axis], x.shape)[0]!;
      const outer = tf.util.sizeFromShape(x.shape.slice(0, at));
      const n = x.shape[at] ?? 1;
      const inner = tf.util.sizeFromShape(x.shape.slice(at + 1));
      const numbers = [outer, n, inner, exclusive ? 1 : 0, reverse ? 1 : 0];
      return runOne(backend, op, [x], [{ shape: x.shape, dtype: x.dtype }], numbers);
    });
  }
}
