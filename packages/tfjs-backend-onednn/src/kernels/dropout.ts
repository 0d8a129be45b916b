import { type Inputs, isFloat, registerNative, runOne } from './register.js';

export interface DropoutAttrs {
  /** Probability of an element to become 0, in [0, 1). */
  readonly rate: number;
  /** Any number: each gives a mask of its own. */
  readonly seed: number;
}

/** Kernel `Dropout`: x -> y of the same shape; which elements vanish follows from the seed and their position alone. */
export function registerDropout(): void {
  registerNative<Inputs<'x'>, DropoutAttrs>('Dropout', (backend, { x }, { rate, seed }) =>
    isFloat(x)
      ? runOne(backend, 'dropout', [x], [{ shape: x.shape, dtype: 'float32' }], [rate, ...words(seed)])
      : undefined,
  );
}

/** A number's 64 bits as two words. */
function words(seed: number): Uint32Array {
  return new Uint32Array(new Float64Array([seed]).buffer);
}
