import { Rng } from '@proj/core';
import { modelVariables, sgd } from '@proj/optimizers';
import { trace } from '@proj/tfjs-backend-onednn';
import { softmaxCrossEntropyPerPosition } from '@proj/trainer';
import * as tf from '@tensorflow/tfjs';
import type { Case } from './models.js';

/**
 * A whole training step of `model` (forward, loss, gradients, SGD with momentum), which ends when its loss is known.
 * Takes pictures `[B, H, W, C]` and classes `[B, positions]`.
 */
export function trainStep(
  model: tf.LayersModel,
  { positions, classes }: Pick<Case, 'positions' | 'classes'>,
): (x: tf.Tensor, y: tf.Tensor) => Promise<void> {
  const optimizer = sgd({ momentum: 0.9 });
  const variables = modelVariables(model);
  const names = Object.values(variables).map(({ name }) => name);

  /** The loss, then the gradients of `names`. */
  const gradientsOf = trace((pictures: tf.Tensor, labels: tf.Tensor) => {
    const { value, grads } = tf.variableGrads(() => {
      const logits = model.apply(pictures, { training: true }) as tf.Tensor;
      return softmaxCrossEntropyPerPosition(logits.reshape([-1, positions, classes]), labels);
    }, Object.values(variables));
    return [value, ...names.map((each) => grads[each]!)] as tf.Tensor[];
  });

  return async (x, y) => {
    const loss = tf.tidy(() => {
      const [value, ...gradients] = gradientsOf(x, y);
      const grads = Object.fromEntries(gradients.map((gradient, i) => [names[i]!, gradient]));
      optimizer.apply(grads, { learningRate: 1e-3, variables });
      return value!;
    });
    await loss.data();
    loss.dispose();
  };
}

/** Classes `[batch, positions]` drawn from a seed. */
export function randomLabels(batch: number, { positions, classes }: Pick<Case, 'positions' | 'classes'>): tf.Tensor {
  const random = new Rng(2);
  const labels = Int32Array.from({ length: batch * positions }, () => random.int(classes));
  return tf.tensor2d(labels, [batch, positions], 'int32');
}
