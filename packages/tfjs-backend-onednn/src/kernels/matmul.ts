import type { _FusedMatMulAttrs, BatchMatMulAttrs, TensorInfo } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import type { OnednnBackend } from '../backend.js';
import { type Epilogue, planEpilogue } from './activation.js';
import { spread } from './copy.js';
import { type Inputs, isFloat, registerNative, runOne } from './register.js';

/** The product of two tensors' last dimensions; undefined where the native side cannot, or need not, compute it. */
export function product(
  backend: OnednnBackend,
  a: TensorInfo,
  b: TensorInfo,
  { transposeA, transposeB }: BatchMatMulAttrs,
  epilogue: Epilogue,
): TensorInfo | undefined {
  const [rankA, rankB] = [a.shape.length, b.shape.length];
  const [m, innerA] = lastTwo(a.shape, transposeA);
  const [innerB, n] = lastTwo(b.shape, transposeB);
  tf.util.assert(
    innerA === innerB,
    () =>
      `Error in matMul: inner shapes (${innerA}) and (${innerB}) of Tensors with shapes ${a.shape} and ${b.shape} and transposeA=${transposeA} and transposeB=${transposeB} must match.`,
  );
  const outerA = a.shape.slice(0, rankA - 2);
  const outerB = b.shape.slice(0, rankB - 2);
  const outer = tf.broadcast_util.assertAndGetBroadcastShape(outerA, outerB);
  const [batchA, batchB, batch] = [outerA, outerB, outer].map((dims) => tf.util.sizeFromShape(dims)) as [
    number,
    number,
    number,
  ];
  if (batch * m * n * innerA === 0) return undefined;
  // Natively all products have a matrix of their own, or share one; the plain JS backend takes wrong ones between these.
  if ((batchA !== batch && batchA !== 1) || (batchB !== batch && batchB !== 1)) {
    const fullA = spread(backend, a, [...outer, ...a.shape.slice(-2)]);
    const fullB = spread(backend, b, [...outer, ...b.shape.slice(-2)]);
    const y = product(backend, fullA, fullB, { transposeA, transposeB }, epilogue);
    for (const full of [fullA, fullB]) backend.disposeIntermediateTensorInfo(full);
    return y;
  }
  const plan = planEpilogue(backend, epilogue, n);
  const spec = { shape: [batch, m, n], dtype: 'float32' as const };
  const y = runOne(
    backend,
    'matmul',
    [
      { dataId: a.dataId, shape: [batchA, ...a.shape.slice(rankA - 2)] },
      { dataId: b.dataId, shape: [batchB, ...b.shape.slice(rankB - 2)] },
      plan.bias,
    ],
    [spec],
    [transposeA ? 1 : 0, transposeB ? 1 : 0, ...plan.numbers],
  );
  return plan.finish({ ...y, shape: [...outer, m, n] });
}

function lastTwo(shape: readonly number[], transposed: boolean): [number, number] {
  const [rows, columns] = [shape.at(-2)!, shape.at(-1)!];
  return transposed ? [columns, rows] : [rows, columns];
}

export function registerMatMul(): void {
  registerNative<Inputs<'a' | 'b'>, BatchMatMulAttrs>('BatchMatMul', (backend, { a, b }, attrs) =>
    isFloat(a, b) ? product(backend, a, b, attrs, { activation: 'linear' }) : undefined,
  );
  registerNative<Inputs<'a' | 'b', 'bias' | 'preluActivationWeights'>, _FusedMatMulAttrs>(
    '_FusedMatMul',
    (backend, inputs, attrs) => {
      const { a, b, bias, preluActivationWeights } = inputs;
      if (!isFloat(a, b, bias, preluActivationWeights)) return undefined;
      return product(backend, a, b, attrs, { bias, preluActivationWeights, ...attrs });
    },
  );
}
