import { ProjError } from '@proj/core';
import type { GatherV2Attrs, OneHotAttrs, TensorInfo, UnsortedSegmentSumAttrs } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import type { OnednnBackend } from '../backend.js';
import { type Inputs, isFloat, isPlain, registerNative, runOne } from './register.js';

/**
 * Refuses indices that the host made and that do not exist in a dimension of `size`. Those that were computed are checked
 * where the kernel runs, and reported by the next read.
 *
 * @throws ProjError `index-out-of-range`
 */
export function assertInRange(backend: OnednnBackend, indices: Pick<TensorInfo, 'dataId'>, size: number): void {
  const { range } = backend.data.get(indices.dataId);
  if (range === undefined || (range.min >= 0 && range.max < size)) return;
  const wrong = range.min < 0 ? range.min : range.max;
  throw new ProjError(`GatherV2: the index value ${wrong} is not in [0, ${size - 1}]`, {
    code: 'index-out-of-range',
    expected: `indices from 0 to ${size - 1}`,
    received: String(wrong),
  });
}

/** Kernels that look up or place elements by index or condition. */
export function registerIndexOps(): void {
  registerNative<Inputs<'x' | 'indices'>, GatherV2Attrs>('GatherV2', (backend, { x, indices }, { axis, batchDims }) => {
    if (!isPlain(x) || indices.dtype !== 'int32') return undefined;
    const at = tf.util.parseAxisParam(axis, x.shape)[0]!;
    assertInRange(backend, indices, x.shape[at]!);
    backend.recorder?.lookup(backend.bufferOf(indices), x.shape[at]!);
    const info = tf.backend_util.segment_util.collectGatherOpShapeInfo(
      x as tf.Tensor,
      indices as tf.Tensor,
      at,
      batchDims ?? 0,
    );
    const shape = info.outputShape;
    const m = tf.util.sizeFromShape(indices.shape) / info.batchSize;
    const numbers = [info.batchSize, info.outerSize, info.dimSize, info.sliceSize, m];
    return runOne(backend, 'gather', [x, indices], [{ shape, dtype: x.dtype }], numbers);
  });

  registerNative<Inputs<'indices'>, OneHotAttrs>(
    'OneHot',
    (backend, { indices }, { depth, onValue, offValue, dtype }) => {
      if (indices.dtype !== 'int32' || !isPlain({ ...indices, dtype })) return undefined;
      return runOne(
        backend,
        'one_hot',
        [indices],
        [{ shape: [...indices.shape, depth], dtype }],
        [onValue, offValue, depth],
      );
    },
  );

  registerNative<Inputs<'condition' | 't' | 'e'>>('Select', (backend, { condition, t, e }) => {
    if (!isPlain(t, e) || t.dtype !== e.dtype || condition.dtype !== 'bool') return undefined;
    const size = tf.util.sizeFromShape(t.shape);
    const decisions = tf.util.sizeFromShape(condition.shape);
    const rank = condition.shape.length;
    const width = rank === 0 || rank > 1 || t.shape.length === 1 ? 1 : tf.util.sizeFromShape(t.shape.slice(1));
    if (decisions * width !== size) return undefined;
    return runOne(backend, 'select', [condition, t, e], [{ shape: t.shape, dtype: t.dtype }], [width]);
  });

  registerNative<Inputs<'x' | 'segmentIds'>, UnsortedSegmentSumAttrs>(
    'UnsortedSegmentSum',
    (backend, { x, segmentIds }, { numSegments }) => {
      if (!(isFloat(x) || x.dtype === 'int32') || segmentIds.dtype !== 'int32') return undefined;
      const rank = segmentIds.shape.length;
      const shape = [numSegments, ...x.shape.slice(rank)];
      const inner = tf.util.sizeFromShape(x.shape.slice(rank));
      return runOne(backend, 'segment_sum', [x, segmentIds], [{ shape, dtype: x.dtype }], [numSegments, inner]);
    },
  );
}
