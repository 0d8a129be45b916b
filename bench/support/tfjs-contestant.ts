// What the contestants that compute on a backend of TensorFlow.js have in common.
import { type BackendName, chooseBackend } from '@proj/backends';
import { OnednnBackend, type Precision, profile, resetProfile, setPrecision } from '@proj/tfjs-backend-onednn';
import * as tf from '@tensorflow/tfjs';
import type { OperationShare } from './contestant.js';

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

export function endProfile(): OperationShare[] | undefined {
  if (!(tf.backend() instanceof OnednnBackend)) return undefined;
  return profile().map(({ op, calls, milliseconds }) => ({ op, calls, milliseconds }));
}
