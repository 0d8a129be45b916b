import type { AvgPoolAttrs, AvgPoolGradAttrs, backend_util, MaxPoolAttrs, MaxPoolGradAttrs } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { assertFits, type Inputs, isEmpty, isFloat, registerNative, runOne } from './register.js';

type PoolAttrs = Pick<MaxPoolAttrs, 'filterSize' | 'strides' | 'pad'> & Partial<Pick<MaxPoolAttrs, 'dimRoundingMode'>>;

function infoOf(shape: readonly number[], { filterSize, strides, pad, dimRoundingMode }: PoolAttrs) {
  const dilations = 1;
  return assertFits(
    tf.backend_util.computePool2DInfo(
      shape as [number, number, number, number],
      filterSize,
      strides,
      dilations,
      pad,
      dimRoundingMode,
    ),
  );
}

/** The numbers that the native pools take, in the order of `native/kernels/pool.cc`. */
function numbersOf(info: backend_util.Conv2DInfo): number[] {
  return [
    info.filterHeight,
    info.filterWidth,
    info.strideHeight,
    info.strideWidth,
    info.dilationHeight,
    info.dilationWidth,
    info.padInfo.top,
    info.padInfo.left,
  ];
}

export function registerPool(): void {
  for (const [kernelName, op] of [
    ['MaxPool', 'max_pool'],
    ['AvgPool', 'avg_pool'],
  ] as const) {
    registerNative<Inputs<'x'>, MaxPoolAttrs | AvgPoolAttrs>(kernelName, (backend, { x }, attrs) => {
      if (!isFloat(x) || isEmpty(x.shape)) return undefined;
      const info = infoOf(x.shape, attrs);
      // As every tfjs backend has it, whatever stride and padding say.
      const single = info.filterHeight === 1 && info.filterWidth === 1;
      if (single && tf.util.arraysEqual(info.inShape, info.outShape)) return backend.alias(x);
      return runOne(backend, op, [x], [{ shape: info.outShape, dtype: 'float32' }], numbersOf(info));
    });
  }
  registerNative<Inputs<'dy' | 'input'>, MaxPoolGradAttrs>('MaxPoolGrad', (backend, { dy, input }, attrs) => {
    if (!isFloat(dy, input) || isEmpty(dy.shape, input.shape)) return undefined;
    const spec = { shape: input.shape, dtype: 'float32' as const };
    return runOne(backend, 'max_pool_grad', [dy, input], [spec], numbersOf(infoOf(input.shape, attrs)));
  });
  registerNative<Inputs<'dy' | 'input'>, AvgPoolGradAttrs>('AvgPoolGrad', (backend, { dy, input }, attrs) => {
    if (!isFloat(dy) || isEmpty(dy.shape, input.shape)) return undefined;
    const spec = { shape: input.shape, dtype: 'float32' as const };
    return runOne(backend, 'avg_pool_grad', [dy], [spec], numbersOf(infoOf(input.shape, attrs)));
  });
}
