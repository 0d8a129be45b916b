import * as tf from '@tensorflow/tfjs';
import type { WasmKernel } from './heap.js';

/**
 * Repeats a tensor along its axes, in whole blocks. The gradient of BatchNorm repeats a vector over all pixels; the wasm
 * backend's own kernel computes the place of every single element, and takes longer than the convolutions.
 */
export function fastTile(native: WasmKernel): WasmKernel {
  return ({ inputs, attrs, backend }) => {
    const { x } = inputs as { x: tf.TensorInfo };
    const { reps } = attrs as unknown as { reps: number[] };
    const shape = x.shape.map((size, i) => size * reps[i]!);
    if (x.dtype === 'string' || tf.util.sizeFromShape(shape) === 0) return native({ inputs, attrs, backend });
    const result = backend.makeOutput(shape, x.dtype);
    const target = backend.typedArrayFromHeap(result);
    target.set(backend.typedArrayFromHeap(x));

    // What is finished lies at the start of the target; each axis spreads it, the last blocks first.
    let inner = 1;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const block = x.shape[axis]! * inner;
      const times = reps[axis]!;
      const outer = tf.util.sizeFromShape(x.shape.slice(0, axis));
      for (let o = outer - 1; o >= 0 && times > 1; o--) {
        const start = o * times * block;
        target.copyWithin(start, o * block, (o + 1) * block);
        // Doubling: two copies become four.
        for (let done = 1; done < times; done *= 2) {
          const more = Math.min(done, times - done);
          target.copyWithin(start + done * block, start, start + more * block);
        }
      }
      inner = block * times;
    }
    return result;
  };
}
