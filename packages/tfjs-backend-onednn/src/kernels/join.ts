import type { ConcatAttrs, PackAttrs, SplitVAttrs, TensorInfo, UnpackAttrs } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import type { OnednnBackend } from '../backend.js';
import { type Inputs, isPlain, registerNative, runOne } from './register.js';

/** Tensors of one dtype side by side along `axis`. */
function concat(backend: OnednnBackend, inputs: TensorInfo[], axis: number, shape: number[]): TensorInfo {
  const outer = tf.util.sizeFromShape(shape.slice(0, axis));
  return runOne(backend, 'concat', inputs, [{ shape, dtype: inputs[0]!.dtype }], [outer]);
}

function split(backend: OnednnBackend, x: TensorInfo, axis: number, shapes: number[][]): TensorInfo[] {
  const outer = tf.util.sizeFromShape(x.shape.slice(0, axis));
  const outputs = shapes.map((shape) => ({ shape, dtype: x.dtype }));
  return backend.run('split', [x], outputs, [outer]);
}

function allPlain(inputs: readonly TensorInfo[]): boolean {
  return inputs.every((input) => isPlain(input) && input.dtype === inputs[0]!.dtype);
}

export function registerJoin(): void {
  registerNative<Record<string, TensorInfo>, ConcatAttrs>('Concat', (backend, tensors, { axis }) => {
    const inputs = Object.values(tensors);
    if (!allPlain(inputs)) return undefined;
    const at = tf.util.parseAxisParam(axis, inputs[0]!.shape)[0]!;
    const shapes = inputs.map(({ shape }) => shape);
    tf.backend_util.assertParamsConsistent(shapes, at);
    const shape = tf.backend_util.computeOutShape(shapes, at);
    const full = inputs.filter((input) => tf.util.sizeFromShape(input.shape) > 0);
    if (full.length === 1) return backend.alias(full[0]!);
    return concat(backend, full.length > 0 ? full : inputs, at, shape);
  });

  registerNative<Record<string, TensorInfo>, PackAttrs>('Pack', (backend, tensors, { axis }) => {
    const inputs = Object.values(tensors);
    if (!allPlain(inputs) || inputs[0]!.shape.length >= 8) return undefined;
    const shape = inputs[0]!.shape;
    for (const input of inputs) {
      tf.util.assertShapesMatch(shape, input.shape, 'All tensors passed to stack must have matching shapes');
    }
    const at = tf.util.parseAxisParam(axis, [...shape, 1])[0]!;
    return concat(backend, inputs, at, [...shape.slice(0, at), inputs.length, ...shape.slice(at)]);
  });

  registerNative<Inputs<'x'>, SplitVAttrs>('SplitV', (backend, { x }, { numOrSizeSplits, axis }) => {
    if (!isPlain(x)) return undefined;
    const at = tf.util.parseAxisParam(axis, x.shape)[0]!;
    const sizes = tf.backend_util.prepareSplitSize(x as tf.Tensor, numOrSizeSplits, at);
    return split(
      backend,
      x,
      at,
      sizes.map((size) => x.shape.with(at, size)),
    );
  });

  registerNative<Inputs<'value'>, UnpackAttrs>('Unpack', (backend, { value }, { axis }) => {
    if (!isPlain(value)) return undefined;
    const at = tf.util.parseAxisParam(axis, value.shape)[0]!;
    const shape = value.shape.toSpliced(at, 1);
    return split(
      backend,
      value,
      at,
      Array.from({ length: value.shape[at]! }, () => shape),
    );
  });
}
