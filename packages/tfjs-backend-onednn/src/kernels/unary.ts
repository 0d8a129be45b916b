import type { ClipByValueAttrs, LeakyReluAttrs, StepAttrs } from '@tensorflow/tfjs';
import { activatedNormalised, gradientOfActivated } from './normalize.js';
import { type Inputs, isFloat, registerNative, runOne } from './register.js';

/** Kernels from float32 to float32, by the operation that does them. */
const REAL: Readonly<Record<string, string>> = {
  Exp: 'exp',
  Log: 'log',
  Sigmoid: 'sigmoid',
  Tanh: 'tanh',
  Sqrt: 'sqrt',
  Rsqrt: 'rsqrt',
  Reciprocal: 'reciprocal',
  Floor: 'floor',
  Ceil: 'ceil',
  Round: 'round',
  Relu6: 'relu6',
  Elu: 'elu',
  Selu: 'selu',
  Log1p: 'log1p',
  Expm1: 'expm1',
  Sin: 'sin',
  Cos: 'cos',
  Tan: 'tan',
  Asin: 'asin',
  Acos: 'acos',
  Atan: 'atan',
  Sinh: 'sinh',
  Cosh: 'cosh',
  Asinh: 'asinh',
  Acosh: 'acosh',
  Atanh: 'atanh',
  Erf: 'erf',
  Softplus: 'softplus',
};

/** Kernels on float32 or int32 that keep the dtype. */
const NUMBER: Readonly<Record<string, string>> = {
  Abs: 'abs',
  Neg: 'negate',
  Square: 'square',
  Sign: 'sign',
};

/** Tests of float32. */
const TEST: Readonly<Record<string, string>> = { IsNan: 'is_nan', IsInf: 'is_infinite', IsFinite: 'is_finite' };

export function registerUnary(): void {
  for (const [kernelName, op] of Object.entries(REAL)) {
    registerNative<Inputs<'x'>>(kernelName, (backend, { x }) =>
      isFloat(x) ? runOne(backend, op, [x], [{ shape: x.shape, dtype: 'float32' }]) : undefined,
    );
  }
  for (const [kernelName, op] of Object.entries(NUMBER)) {
    registerNative<Inputs<'x'>>(kernelName, (backend, { x }) =>
      isFloat(x) || x.dtype === 'int32' ? runOne(backend, op, [x], [{ shape: x.shape, dtype: x.dtype }]) : undefined,
    );
  }
  for (const [kernelName, op] of Object.entries(TEST)) {
    registerNative<Inputs<'x'>>(kernelName, (backend, { x }) =>
      isFloat(x) ? runOne(backend, op, [x], [{ shape: x.shape, dtype: 'bool' }]) : undefined,
    );
  }
  registerNative<Inputs<'x'>>('LogicalNot', (backend, { x }) =>
    x.dtype === 'bool' ? runOne(backend, 'logical_not', [x], [{ shape: x.shape, dtype: 'bool' }]) : undefined,
  );
  registerNative<Inputs<'x'>, StepAttrs>('Step', (backend, { x }, { alpha }) =>
    isFloat(x) ? runOne(backend, 'step', [x], [{ shape: x.shape, dtype: 'float32' }], [alpha]) : undefined,
  );
  registerNative<Inputs<'x'>, LeakyReluAttrs>('LeakyRelu', (backend, { x }, { alpha }) =>
    isFloat(x) ? runOne(backend, 'leaky_relu', [x], [{ shape: x.shape, dtype: 'float32' }], [alpha]) : undefined,
  );
  registerNative<Inputs<'x'>>('Relu', (backend, { x }) =>
    isFloat(x) || x.dtype === 'int32'
      ? (activatedNormalised(backend, x, 'relu') ?? runOne(backend, 'relu', [x], [{ shape: x.shape, dtype: x.dtype }]))
      : undefined,
  );
  // dy where the output y of a ReLU is positive. Deferred: the gradient of a batch normalisation does it along.
  registerNative<Inputs<'dy' | 'y'>>('ReluGrad', (backend, { dy, y }) =>
    backend.defer('relu_grad', [dy, y], y.shape, []),
  );
  registerNative<Inputs<'x'>>('Silu', (backend, { x }) =>
    isFloat(x)
      ? (activatedNormalised(backend, x, 'silu') ??
        runOne(backend, 'silu', [x], [{ shape: x.shape, dtype: 'float32' }]))
      : undefined,
  );
  // From dy of its output and the input x; deferred as that of a ReLU is.
  registerNative<Inputs<'dy' | 'x'>>(
    'SiluGrad',
    (backend, { dy, x }) => gradientOfActivated(backend, dy, x) ?? backend.defer('silu_grad', [dy, x], x.shape, []),
  );
  registerNative<Inputs<'x'>, ClipByValueAttrs>('ClipByValue', (backend, { x }, { clipValueMin, clipValueMax }) =>
    isFloat(x) || x.dtype === 'int32'
      ? runOne(backend, 'clip', [x], [{ shape: x.shape, dtype: x.dtype }], [clipValueMin, clipValueMax])
      : undefined,
  );
}
