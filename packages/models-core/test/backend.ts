import { isAvailable } from '@proj/tfjs-backend-onednn';
import * as tf from '@tensorflow/tfjs';

/** Whether the native backend is here. */
export const isNative = isAvailable().available;

/** The native backend where it is built, because the plain JS one takes minutes. Goldens and laws are the same for both. */
export async function setTestBackend(): Promise<void> {
  await tf.setBackend(isNative ? 'onednn' : 'cpu');
}
