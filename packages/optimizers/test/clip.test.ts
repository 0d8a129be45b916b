import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { clipByGlobalNorm } from '../src/index.js';
import { golden, gradientsOf, names, relativeError } from './golden.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
  await tf.ready();
});

describe('clipByGlobalNorm', () => {
  it.each(golden.clip)('equals clip_grad_norm_ at $maxNorm', ({ maxNorm, norm, gradients }) => {
    const given = gradientsOf(0);
    const before = tf.memory().numTensors;
    const clipped = clipByGlobalNorm(given, maxNorm);
    expect(tf.memory().numTensors).toBe(before + names.length + 1);
    expect(relativeError(clipped.norm.dataSync(), [norm])).toBeLessThan(1e-6);
    for (const name of names) {
      expect(relativeError(clipped.gradients[name]!.dataSync(), gradients[name]!)).toBeLessThan(1e-6);
    }
    tf.dispose([given, clipped as unknown as tf.TensorContainer]);
  });

  it('never leaves a norm above the limit, nor changes a direction', () => {
    const values = fc.array(fc.float({ min: -1000, max: 1000, noNaN: true }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(values, values, fc.double({ min: 0.01, max: 100, noNaN: true }), (a, b, maxNorm) => {
        tf.tidy(() => {
          const { gradients } = clipByGlobalNorm({ a: tf.tensor1d(a), b: tf.tensor1d(b) }, maxNorm);
          const clipped = [...gradients.a!.dataSync(), ...gradients.b!.dataSync()];
          const given = [...new Float32Array([...a, ...b])];
          expect(Math.hypot(...clipped)).toBeLessThan(maxNorm * (1 + 1e-5));
          const factor = Math.min(1, maxNorm / (Math.hypot(...given) + 1e-6));
          clipped.forEach((x, i) => {
            expect(Math.abs(x - given[i]! * factor)).toBeLessThanOrEqual(1e-5 * Math.abs(given[i]!) * factor + 1e-30);
          });
        });
      }),
    );
  });

  it('takes no gradients at all, and refuses a limit of zero', () => {
    const { gradients, norm } = clipByGlobalNorm({}, 1);
    expect(gradients).toEqual({});
    expect(norm.dataSync()[0]).toBe(0);
    expect(() => clipByGlobalNorm({}, 0)).toThrow(/maxNorm to be a finite number > 0/);
  });
});
