import type { DataType, TensorInfo } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import type { OnednnBackend } from '../backend.js';
import { addToGated, addToScaled, mapProduct } from './gate.js';
import { addToNormalised } from './normalize.js';
import { type Inputs, isFloat, isPlain, registerNative, runOne } from './register.js';

/** Kernels on two float32 or two int32 that keep the dtype. */
const NUMBER: Readonly<Record<string, string>> = {
  Sub: 'subtract',
  Maximum: 'maximum',
  Minimum: 'minimum',
  SquaredDifference: 'squared_difference',
  Mod: 'modulo',
};

const REAL: Readonly<Record<string, string>> = { RealDiv: 'divide', Pow: 'power', Atan2: 'atan2' };

/** Comparisons, of equal dtypes. */
const COMPARISON: Readonly<Record<string, string>> = {
  Equal: 'equal',
  NotEqual: 'not_equal',
  Greater: 'greater',
  GreaterEqual: 'greater_equal',
  Less: 'less',
  LessEqual: 'less_equal',
};

const LOGICAL: Readonly<Record<string, string>> = { LogicalAnd: 'logical_and', LogicalOr: 'logical_or' };

/** An elementwise operation with broadcasting. */
export function elementwise(
  backend: OnednnBackend,
  op: string,
  a: TensorInfo,
  b: TensorInfo,
  dtype: DataType,
): TensorInfo {
  const shape = tf.broadcast_util.assertAndGetBroadcastShape(a.shape, b.shape);
  return runOne(backend, op, [a, b], [{ shape, dtype }]);
}

function areNumbers(a: TensorInfo, b: TensorInfo): boolean {
  return isPlain(a, b) && a.dtype === b.dtype && a.dtype !== 'bool';
}

export function registerBinary(): void {
  registerNative<Inputs<'a' | 'b'>>('Add', (backend, { a, b }) =>
    areNumbers(a, b)
      ? (addToNormalised(backend, a, b) ??
        addToGated(backend, a, b) ??
        addToScaled(backend, a, b) ??
        elementwise(backend, 'add', a, b, a.dtype))
      : undefined,
  );
  registerNative<Inputs<'a' | 'b'>>('Multiply', (backend, { a, b }) =>
    areNumbers(a, b) ? (mapProduct(backend, a, b) ?? elementwise(backend, 'multiply', a, b, a.dtype)) : undefined,
  );
  for (const [kernelName, op] of Object.entries(NUMBER)) {
    registerNative<Inputs<'a' | 'b'>>(kernelName, (backend, { a, b }) =>
      areNumbers(a, b) ? elementwise(backend, op, a, b, a.dtype) : undefined,
    );
  }
  for (const [kernelName, op] of Object.entries(REAL)) {
    registerNative<Inputs<'a' | 'b'>>(kernelName, (backend, { a, b }) =>
      isFloat(a, b) ? elementwise(backend, op, a, b, 'float32') : undefined,
    );
  }
  for (const [kernelName, op] of Object.entries(COMPARISON)) {
    registerNative<Inputs<'a' | 'b'>>(kernelName, (backend, { a, b }) =>
      isPlain(a, b) && a.dtype === b.dtype ? elementwise(backend, op, a, b, 'bool') : undefined,
    );
  }
  for (const [kernelName, op] of Object.entries(LOGICAL)) {
    registerNative<Inputs<'a' | 'b'>>(kernelName, (backend, { a, b }) =>
      a.dtype === 'bool' && b.dtype === 'bool' && isPlain(a, b) ? elementwise(backend, op, a, b, 'bool') : undefined,
    );
  }
  registerNative<Inputs<'a' | 'b'>>('FloorDiv', (backend, { a, b }) =>
    a.dtype === 'int32' && areNumbers(a, b) ? elementwise(backend, 'floor_divide', a, b, 'int32') : undefined,
  );
  registerNative<Inputs<'x' | 'alpha'>>('Prelu', (backend, { x, alpha }) =>
    isFloat(x, alpha) ? elementwise(backend, 'prelu', x, alpha, 'float32') : undefined,
  );
  registerNative<Inputs<'dy' | 'y'>>('EluGrad', (backend, { dy, y }) =>
    isFloat(dy, y) ? elementwise(backend, 'elu_grad', dy, y, 'float32') : undefined,
  );
  registerNative<Record<string, TensorInfo>>('AddN', (backend, inputs) => {
    const tensors = Object.values(inputs);
    if (!tensors.every((tensor) => areNumbers(tensor, tensors[0]!))) return undefined;
    return tensors.slice(1).reduce((sum, tensor) => {
      const next = elementwise(backend, 'add', sum, tensor, tensor.dtype);
      backend.disposeIntermediateTensorInfo(sum);
      return next;
    }, backend.alias(tensors[0]!));
  });
}
