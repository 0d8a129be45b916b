// What the contestants that compute on a backend of TensorFlow.js have in common.
import { type BackendName, chooseBackend } from '@proj/backends';
import { OnednnBackend, type Precision, profile, resetProfile, setPrecision } from '@proj/tfjs-backend-onednn';
import * as tf from '@tensorflow/tfjs';
import type { Ended } from './contestant.js';

/** A model on a backend; what follows computes there in `precision`. */
export async function openModel(
  build: () => tf.LayersModel,
  backend: string,
  precision: string,
): Promise<tf.LayersModel> {
  await chooseBackend({ backend: backend as BackendName });
  const model = build();
  if (precision !== 'float32') setPrecision(precision as Precision);
  return model;
}

export function describeBackend(): string {
  const active = tf.backend();
  if (!(active instanceof OnednnBackend)) return `tfjs ${tf.version.tfjs}, ${tf.getBackend()}`;
  const { isa, threads, onednn } = active.info;
  return `onednn (${isa}, oneDNN ${onednn}), ${threads} threads`;
}

/** Starts a new profile, where the backend keeps one. */
export function beginProfile(): void {
  if (tf.backend() instanceof OnednnBackend) resetProfile();
}

/** What {@link beginProfile} has led to, and what the machine could do at this moment. */
export function endProfile(): Pick<Ended, 'profile' | 'peakFlops'> {
  if (!(tf.backend() instanceof OnednnBackend)) return {};
  const operations = profile().map(({ op, calls, milliseconds, flops }) => ({ op, calls, milliseconds, flops }));
  return { profile: operations, peakFlops: measurePeak() };
}

function measurePeak(): number {
  const a = tf.ones([1024, 1024]);
  const rates = Array.from({ length: 12 }, () => {
    resetProfile();
    tf.matMul(a, a).dispose();
    const product = profile().find(({ op }) => op === 'matmul')!;
    return (1000 * product.flops) / product.milliseconds;
  });
  a.dispose();
  return Math.max(...rates);
}
