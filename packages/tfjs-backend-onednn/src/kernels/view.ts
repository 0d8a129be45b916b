import type { ExpandDimsAttrs, ReshapeAttrs } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { type Inputs, registerNative } from './register.js';

/** Kernels that give the same data another shape; nothing is copied. */
export function registerView(): void {
  registerNative<Inputs<'x'>>('Identity', (backend, { x }) => backend.alias(x));

  registerNative<Inputs<'x'>, ReshapeAttrs>('Reshape', (backend, { x }, { shape }) => {
    const size = tf.util.sizeFromShape(x.shape);
    const wanted = tf.util.inferFromImplicitShape(shape, size);
    tf.util.assert(
      size === tf.util.sizeFromShape(wanted),
      () =>
        `The new shape (${wanted}) has ${tf.util.sizeFromShape(wanted)} elements and the old shape (${x.shape}) has ${size} elements. The new shape and old shape must have the same number of elements.`,
    );
    return backend.alias(x, wanted);
  });

  registerNative<Inputs<'input'>, ExpandDimsAttrs>('ExpandDims', (backend, { input }, { dim }) => {
    const { shape } = input;
    tf.util.assert(
      -(shape.length + 1) <= dim,
      () => `Axis must be in the interval [${-(shape.length + 1)}, ${shape.length}]`,
    );
    const at = dim < 0 ? shape.length + dim + 1 : dim;
    return backend.alias(input, shape.toSpliced(at, 0, 1));
  });
}
