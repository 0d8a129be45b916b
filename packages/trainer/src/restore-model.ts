import { ProjError } from '@proj/core';
import type * as tf from '@tensorflow/tfjs';
import { checkpointStore } from './checkpoint-store.js';
import { writeWeights } from './model-weights.js';

/**
 * Puts the weights of a run's checkpoint into a model of the same architecture.
 *
 * @param options.dir the run's `checkpoint.dir`.
 * @param options.which the newest that verifies (default), or `best.safetensors`.
 * @returns which file it was and how many steps were done.
 * @throws ProjError `no-checkpoint` when there is none, `no-valid-checkpoint` or `invalid-checkpoint` when what is there
 *   is damaged, `model-mismatch` when it does not fit the model.
 */
export async function restoreModel({
  model,
  dir,
  which = 'newest',
}: {
  readonly model: tf.LayersModel;
  readonly dir: string;
  readonly which?: 'newest' | 'best' | undefined;
}): Promise<{ path: string; step: number }> {
  const store = checkpointStore(dir, 1);
  const found = which === 'best' ? await store.loadBest() : await store.loadNewest(() => undefined);
  if (found === undefined) {
    throw new ProjError(`There is no ${which} checkpoint in ${dir}`, {
      code: 'no-checkpoint',
      expected: which === 'best' ? 'best.safetensors' : 'files named step-*.safetensors',
      fix: 'Check the folder; a best checkpoint is kept only where checkpoint.best was set',
    });
  }
  writeWeights(model, found.checkpoint.weights, found.path);
  return { path: found.path, step: found.checkpoint.run.step };
}
