import { isAvailable } from '@proj/tfjs-backend-onednn';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, beforeEach, expect } from 'vitest';

/** Whether the native backend is here. */
export const isNative = isAvailable().available;

/**
 * The tests of the file that calls this run on the native backend where it is built, because the plain JS one takes minutes;
 * goldens and laws are the same for both. None of them may leave a tensor behind.
 */
export function useTestBackend(): void {
  beforeAll(async () => {
    await tf.setBackend(isNative ? 'onednn' : 'cpu');
  });

  let tensorsBefore: number;
  beforeEach(() => {
    tensorsBefore = tf.memory().numTensors;
  });
  afterEach(() => expect(tf.memory().numTensors, 'tensors left over').toBe(tensorsBefore));
}
