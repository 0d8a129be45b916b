import type { CastAttrs, DataType, TensorInfo } from '@tensorflow/tfjs';
import type { OnednnBackend } from '../backend.js';
import { type Inputs, isPlain, registerNative, runOne } from './register.js';

/** `x` in another dtype of native storage; the same data when nothing changes. */
export function castTo(backend: OnednnBackend, x: TensorInfo, dtype: DataType): TensorInfo {
  if (x.dtype === dtype) return backend.alias(x);
  return runOne(backend, 'cast', [x], [{ shape: x.shape, dtype }]);
}

/** A copy with its own buffer. */
function copyOf(backend: OnednnBackend, x: TensorInfo): TensorInfo {
  return runOne(backend, 'cast', [x], [{ shape: x.shape, dtype: x.dtype }]);
}

export function registerCast(): void {
  registerNative<Inputs<'x'>, CastAttrs>('Cast', (backend, { x }, { dtype }) => {
    if (x.dtype === dtype) return backend.alias(x);
    return isPlain(x) && dtype !== 'complex64' && dtype !== 'string' ? castTo(backend, x, dtype) : undefined;
  });
  registerNative<Inputs<'real' | 'imag'>>('Complex', (backend, { real, imag }) =>
    backend.makeComplex(copyOf(backend, real), copyOf(backend, imag)),
  );
  for (const [kernelName, part] of [
    ['Real', 'real'],
    ['Imag', 'imag'],
  ] as const) {
    registerNative<Inputs<'input'>>(kernelName, (backend, { input }) => {
      const { complex } = backend.data.get(input.dataId);
      return complex === undefined ? undefined : copyOf(backend, { ...complex[part], shape: input.shape });
    });
  }
}
