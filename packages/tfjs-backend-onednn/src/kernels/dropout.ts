import { type Draw, seedWords } from '../draw.js';
import { type Inputs, isFloat, registerNative, runOne } from './register.js';

export interface DropoutAttrs {
  /** Probability of an element to become 0, in [0, 1). */
  readonly rate: number;
  /** Any number: each gives a mask of its own. */
  readonly seed: number;
}

/** Of a layer, which has another seed the next time. */
export interface DrawnDropoutAttrs extends DropoutAttrs {
  readonly draw?: Draw;
}

/** Kernel `Dropout`: x -> y of the same shape; which elements vanish follows from the seed and their position alone. */
export function registerDropout(): void {
  registerNative<Inputs<'x'>, DrawnDropoutAttrs>('Dropout', (backend, { x }, { rate, seed, draw }) => {
    if (!isFloat(x)) return undefined;
    const output = { shape: x.shape, dtype: 'float32' as const };
    const y = runOne(backend, 'dropout', [x], [output], [rate, ...seedWords(seed)]);
    if (draw !== undefined) backend.recorder?.drawn(draw);
    return y;
  });
}
