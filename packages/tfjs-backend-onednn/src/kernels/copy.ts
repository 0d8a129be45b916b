import type {
  PadV2Attrs,
  ReverseAttrs,
  SliceAttrs,
  StridedSliceAttrs,
  TensorInfo,
  TileAttrs,
  TransposeAttrs,
} from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import type { OnednnBackend } from '../backend.js';
import { isSpread } from './gate.js';
import { innerGradient } from './padded-conv.js';
import { type Inputs, isFloat, isPlain, registerNative, runOne } from './register.js';

/** One walk over `x`: dimension i has `dims[i]` elements that lie `strides[i]` apart, starting at `offset`. */
interface Walk {
  readonly offset: number;
  readonly dims: readonly number[];
  readonly strides: readonly number[];
}

/** Elements between neighbours in each dimension of a dense tensor. */
function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let i = shape.length - 2; i >= 0; i--) strides[i] = strides[i + 1]! * shape[i + 1]!;
  return strides;
}

function numbersOf({ offset, dims, strides }: Walk): number[] {
  return [offset, dims.length, ...dims, ...strides];
}

function copy(backend: OnednnBackend, x: TensorInfo, shape: number[], walk: Walk): TensorInfo {
  return runOne(backend, 'copy_strided', [x], [{ shape, dtype: x.dtype }], numbersOf(walk));
}

/** `x` with its dimensions in the order of `perm`; the same data where that moves no dimension but those of one element. */
export function transpose(backend: OnednnBackend, x: TensorInfo, perm: readonly number[]): TensorInfo {
  const strides = stridesOf(x.shape);
  const shape = perm.map((i) => x.shape[i]!);
  const moved = perm.filter((i) => x.shape[i] !== 1);
  if (moved.every((i, at) => at === 0 || moved[at - 1]! < i)) return backend.alias(x, shape);
  return copy(backend, x, shape, { offset: 0, dims: shape, strides: perm.map((i) => strides[i]!) });
}

/** The box of `size` at `begin`; the same data where that is all. */
export function slice(backend: OnednnBackend, x: TensorInfo, begin: readonly number[], size: number[]): TensorInfo {
  if (tf.util.arraysEqual(x.shape, size)) return backend.alias(x);
  const strides = stridesOf(x.shape);
  const offset = begin.reduce((sum, at, i) => sum + at * strides[i]!, 0);
  return copy(backend, x, size, { offset, dims: size, strides });
}

/** `x` repeated to `shape`, to which it broadcasts. */
export function spread(backend: OnednnBackend, x: TensorInfo, shape: number[]): TensorInfo {
  if (tf.util.arraysEqual(x.shape, shape)) return backend.alias(x);
  const added = shape.length - x.shape.length;
  const strides = stridesOf(x.shape);
  const steps = shape.map((_, i) => ((x.shape[i - added] ?? 1) === 1 ? 0 : strides[i - added]!));
  return copy(backend, x, shape, { offset: 0, dims: shape, strides: steps });
}

export function registerCopy(): void {
  registerNative<Inputs<'x'>, TransposeAttrs>('Transpose', (backend, { x }, { perm }) =>
    isPlain(x) ? transpose(backend, x, perm) : undefined,
  );

  registerNative<Inputs<'x'>, SliceAttrs>('Slice', (backend, { x }, { begin, size }) => {
    if (!isPlain(x)) return undefined;
    const [$begin, $size] = tf.slice_util.parseSliceParams(x as tf.Tensor, begin, size) as [number[], number[]];
    tf.slice_util.assertParamsValid(x as tf.Tensor, $begin, $size);
    return innerGradient(backend, x, $begin, $size) ?? slice(backend, x, $begin, $size);
  });

  registerNative<Inputs<'x'>, StridedSliceAttrs>('StridedSlice', (backend, { x }, attrs) => {
    if (!isPlain(x)) return undefined;
    const info = tf.slice_util.sliceInfo(
      x.shape,
      attrs.begin,
      attrs.end,
      attrs.strides,
      attrs.beginMask,
      attrs.endMask,
      attrs.ellipsisMask,
      attrs.newAxisMask,
      attrs.shrinkAxisMask,
    );
    if (info.isIdentity) return backend.alias(x, info.finalShape);
    const strides = stridesOf(x.shape);
    const offset = info.begin.reduce((sum, at, i) => sum + at * strides[i]!, 0);
    const steps = info.strides.map((step, i) => step * strides[i]!);
    const dims = tf.slice_util.computeOutShape(info.begin, info.end, info.strides);
    return copy(backend, x, info.finalShape, { offset, dims, strides: steps });
  });

  registerNative<Inputs<'x'>, ReverseAttrs>('Reverse', (backend, { x }, { dims }) => {
    if (!isPlain(x)) return undefined;
    const axes = new Set(tf.util.parseAxisParam(dims, x.shape));
    const strides = stridesOf(x.shape);
    if (x.shape.length === 0) return backend.alias(x);
    const offset = strides.reduce((sum, stride, i) => (axes.has(i) ? sum + stride * (x.shape[i]! - 1) : sum), 0);
    const turned = strides.map((stride, i) => (axes.has(i) ? -stride : stride));
    return copy(backend, x, x.shape, { offset, dims: x.shape, strides: turned });
  });

  registerNative<Inputs<'x'>, TileAttrs>('Tile', (backend, { x }, { reps }) => {
    if (!isPlain(x)) return undefined;
    const strides = stridesOf(x.shape);
    const shape = x.shape.map((size, i) => size * reps[i]!);
    const walk = {
      offset: 0,
      dims: x.shape.flatMap((size, i) => [reps[i]!, size]),
      strides: strides.flatMap((stride) => [0, stride]),
    };
    // The gradient of a mean, which may be added to that of a gated map.
    if (isSpread(x, shape)) return backend.defer('copy_strided', [x], shape, numbersOf(walk));
    return copy(backend, x, shape, walk);
  });

  registerNative<Inputs<'x'>, PadV2Attrs>('PadV2', (backend, { x }, { paddings, constantValue }) => {
    if (!isPlain(x)) return undefined;
    const shape = x.shape.map((size, i) => size + paddings[i]![0] + paddings[i]![1]);
    if (shape.length === 0) return backend.alias(x);
    const numbers = [constantValue, ...paddings.map(([first]) => first)];
    // A convolution may come next, which pads by itself.
    if (isFloat(x) && x.shape.length === 4 && constantValue === 0) return backend.defer('pad', [x], shape, numbers);
    return runOne(backend, 'pad', [x], [{ shape, dtype: x.dtype }], numbers);
  });
}
