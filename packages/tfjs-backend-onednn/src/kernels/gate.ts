import type { SumAttrs, TensorInfo } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import type { OnednnBackend } from '../backend.js';
import { autocast } from '../precision.js';
import { Storage } from '../storage.js';
import { isEmpty, isFloat, runOne } from './register.js';

// Squeeze-and-excitation multiplies a map x by a gate s that the means of its channels decide. The gradient of s is the sum of
// dy * x, that of x is dy * s plus what comes back through the means, the same for all pixels of a channel. These products,
// that repetition and their sum are deferred, so that none of them need ever be in memory.

/** Whether `gate` has a number for each channel of each picture of `map`: [B, 1, 1, C] beside [B, H, W, C]. */
function isGate(map: readonly number[], gate: readonly number[]): boolean {
  return map.length === 4 && tf.util.arraysEqual([map[0]!, 1, 1, map[3]!], [...gate]) && map[1]! * map[2]! > 1;
}

/** Whether there is one number for all of `map`, or one for each of its channels: so are pictures rescaled. */
function isScale(map: readonly number[], scale: readonly number[]): boolean {
  const rest = scale.slice(0, -1);
  return scale.length <= map.length && rest.every((size) => size === 1) && [1, map.at(-1)].includes(scale.at(-1) ?? 1);
}

/** The product of two maps, or of a map and a gate or a scale: deferred. */
export function mapProduct(backend: OnednnBackend, a: TensorInfo, b: TensorInfo): TensorInfo | undefined {
  if (!isFloat(a, b)) return undefined;
  for (const [map, factor] of [
    [a, b],
    [b, a],
  ] as const) {
    if (map.shape.length !== 4 || isEmpty(map.shape)) continue;
    const isFactor = isGate(map.shape, factor.shape) || isScale(map.shape, factor.shape);
    if (isFactor || tf.util.arraysEqual(map.shape, factor.shape)) {
      return backend.defer('multiply', [map, factor], map.shape, []);
    }
  }
  return undefined;
}

/** The sum of a map times a scale, which is not computed yet, and a shift like it: as pictures are rescaled, in one pass. */
export function addToScaled(backend: OnednnBackend, a: TensorInfo, b: TensorInfo): TensorInfo | undefined {
  for (const [product, shift] of [
    [a, b],
    [b, a],
  ] as const) {
    const scaled = backend.deferredCall(product, 'multiply');
    if (scaled === undefined || !isScale(scaled.shape, shift.shape)) continue;
    const [map, scale] = scaled.inputs;
    // In bfloat16 the product is rounded before the sum, which one pass would not do.
    if (!isScale(scaled.shape, scale!.shape) || map!.buffer.storage !== Storage.float32) continue;
    const output = { shape: [...scaled.shape], dtype: 'float32' as const };
    return autocast(scaled.precision, () => runOne(backend, 'scale_shift', [map, scale, shift], [output]));
  }
  return undefined;
}

/** Whether repeating `x` to `shape` gives each channel of each picture one number. */
export function isSpread(x: TensorInfo, shape: readonly number[]): boolean {
  return isFloat(x) && isGate(shape, x.shape) && !isEmpty(shape);
}

/** The sum of a map times a gate and of what a gate's shape spreads to, where neither is computed yet: deferred as well. */
export function addToGated(backend: OnednnBackend, a: TensorInfo, b: TensorInfo): TensorInfo | undefined {
  for (const [product, spread] of [
    [a, b],
    [b, a],
  ] as const) {
    const scaled = backend.deferredCall(product, 'multiply');
    const repeated = backend.deferredCall(spread, 'copy_strided');
    if (scaled === undefined || repeated === undefined) continue;
    const [map, scale] = scaled.inputs;
    const [shift] = repeated.inputs;
    if (!isGate(scaled.shape, scale!.shape) || !isGate(scaled.shape, shift!.shape)) continue;
    return autocast(scaled.precision, () => backend.defer('scale_shift', [map, scale, shift], scaled.shape, []));
  }
  return undefined;
}

/** The sum over rows and columns of the product of two maps that is not computed yet. */
export function sumOfProduct(
  backend: OnednnBackend,
  x: TensorInfo,
  { axis, keepDims }: SumAttrs,
): TensorInfo | undefined {
  const product = backend.deferredCall(x, 'multiply');
  if (product === undefined || !tf.util.arraysEqual([...product.inputs[1]!.shape], x.shape)) return undefined;
  if (!tf.util.arraysEqual(tf.util.parseAxisParam(axis, x.shape), [1, 2])) return undefined;
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  const output = { shape: keepDims ? [batch, 1, 1, channels] : [batch, channels], dtype: 'float32' as const };
  const view = [batch, height * width, channels];
  return autocast(product.precision, () => runOne(backend, 'sum_products', product.inputs, [output], view));
}
