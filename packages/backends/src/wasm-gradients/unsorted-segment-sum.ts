import * as tf from '@tensorflow/tfjs';
import type { WasmKernelCall } from './heap.js';

/**
 * Sums the slices of `x [N..., D...]` that `segmentIds [N...]` give the same number: the gradient of `gather`. Numbers
 * outside `0..numSegments - 1` are dropped. The result has shape `[numSegments, D...]`.
 */
export function unsortedSegmentSum({ inputs, attrs, backend }: WasmKernelCall): tf.TensorInfo {
  const { x, segmentIds } = inputs as { x: tf.TensorInfo; segmentIds: tf.TensorInfo };
  const { numSegments } = attrs as unknown as { numSegments: number };
  const shape = [numSegments, ...x.shape.slice(segmentIds.shape.length)];
  const result = backend.makeOutput(shape, x.dtype);
  const ids = backend.typedArrayFromHeap(segmentIds);
  const source = backend.typedArrayFromHeap(x);
  const target = backend.typedArrayFromHeap(result).fill(0);
  const length = tf.util.sizeFromShape(shape.slice(1));
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i]!;
    if (id < 0 || id >= numSegments) continue;
    for (let j = 0; j < length; j++) target[id * length + j]! += source[i * length + j]!;
  }
  return result;
}
