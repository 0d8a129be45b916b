import { type Batch, ProjError, Rng } from '@proj/core';
import { clipByGlobalNorm, type Optimizer } from '@proj/optimizers';
import * as tf from '@tensorflow/tfjs';
import { namedVariables } from './model-weights.js';

/** `(logits, labels) -> scalar`, differentiable; e.g. {@link softmaxCrossEntropyPerPosition}. */
export type Loss = (logits: tf.Tensor, labels: tf.Tensor) => tf.Scalar;

/**
 * A batch as tensors: pictures `[B, H, W, C]` in float32 with the values they have, labels `[B, L]` or `[B]` in int32.
 *
 * @throws ProjError `shape-mismatch` when the pictures are not of the size the model takes.
 */
export function batchTensors(model: tf.LayersModel, { inputs, labels }: Batch): { x: tf.Tensor; y: tf.Tensor } {
  const expected = model.inputs[0]!.shape;
  const fits = expected.length === inputs.shape.length && expected.every((n, i) => n === null || n === inputs.shape[i]);
  if (!fits) {
    throw new ProjError(`A batch does not fit model "${model.name}"`, {
      code: 'shape-mismatch',
      expected: `inputs of shape [${expected.map((n) => n ?? 'any')}]`,
      received: `[${inputs.shape}]`,
      fix: 'Load the pictures at the size and with the channels the model was built for',
    });
  }
  return {
    x: tf.tensor(inputs.data, [...inputs.shape], 'float32'),
    y: tf.tensor(labels.data, [...labels.shape], 'int32'),
  };
}

/**
 * The model's output and, where a loss is given, its value plus the penalties of the layers' regularizers.
 *
 * @throws ProjError `unsupported-model` for more than one output, `invalid-loss` when the loss is not a scalar.
 */
export function forward(
  model: tf.LayersModel,
  loss: Loss | undefined,
  x: tf.Tensor,
  y: tf.Tensor,
  training: boolean,
): { logits: tf.Tensor; loss?: tf.Scalar } {
  const logits = model.apply(x, { training }) as tf.Tensor | tf.Tensor[];
  if (Array.isArray(logits)) {
    throw new ProjError(`Cannot train or evaluate model "${model.name}"`, {
      code: 'unsupported-model',
      expected: 'a model with one output',
      received: `${model.outputs.length} outputs`,
    });
  }
  if (loss === undefined) return { logits };
  const value = loss(logits, y);
  if (value.rank !== 0) {
    throw new ProjError('Cannot use this loss', {
      code: 'invalid-loss',
      expected: 'a scalar, e.g. the mean over the batch',
      received: `shape [${value.shape}]`,
    });
  }
  const penalties = model.calculateLosses();
  return { logits, loss: penalties.reduce<tf.Scalar>((sum, penalty) => tf.add(sum, penalty), value) };
}

/**
 * Makes a function that does what another does, cheaper from some call on; `trace` of `@proj/tfjs-backend-onednn` is one. It
 * must notice by itself where it cannot: the function assigns variables and may draw random numbers.
 */
export type Trace = (
  f: (x: tf.Tensor, y: tf.Tensor) => tf.Tensor[],
) => ((x: tf.Tensor, y: tf.Tensor) => tf.Tensor[]) & { dispose(): void };

/** Makes training steps of a model. */
export interface Stepper {
  /**
   * One update. Loss and logits are as before the update; they are the caller's to dispose. Nothing is waited for: on a
   * backend with a thread of its own this returns while it computes.
   */
  run(batch: Batch, step: number, learningRate: number): { readonly loss: tf.Scalar; readonly logits: tf.Tensor };
  /** Gives random layers back the seeds they had. */
  dispose(): void;
}

/**
 * @param seed decides the masks of dropout layers: each layer gets a new one at every step, and the same at the same
 *   step of a run that was resumed. (tfjs itself repeats one mask for ever where a layer has a seed, and draws masks
 *   that cannot be repeated where it has none.)
 * @throws ProjError `nothing-to-train` when the model has no trainable weight.
 */
export function makeStepper({
  model,
  loss,
  optimizer,
  clipGlobalNorm,
  trace,
  seed,
}: {
  model: tf.LayersModel;
  loss: Loss;
  optimizer: Optimizer;
  clipGlobalNorm: number | undefined;
  trace: Trace | undefined;
  seed: number;
}): Stepper {
  const variables = namedVariables(model, model.trainableWeights);
  const list = Object.values(variables);
  if (list.length === 0) {
    throw new ProjError(`Cannot train model "${model.name}"`, {
      code: 'nothing-to-train',
      expected: 'at least one trainable weight',
      received: 'none',
      fix: 'Set `trainable` to true on the layers to train',
    });
  }
  const random = new Rng(seed).split('layers');
  const seeded = layersWithSeed(model);
  const ownSeeds = seeded.map((layer) => layer.seed);

  let names: readonly string[] = [];
  /** Loss, logits, and the gradients of the variables that `names` then names. */
  function gradientsOf(x: tf.Tensor, y: tf.Tensor): tf.Tensor[] {
    let logits: tf.Tensor | undefined;
    try {
      const { value, grads } = tf.variableGrads(() => {
        const output = forward(model, loss, x, y, true);
        logits = tf.keep(output.logits.clone()); // outlives the tape
        return output.loss!;
      }, list);
      const gradients = clipGlobalNorm === undefined ? grads : clipByGlobalNorm(grads, clipGlobalNorm).gradients;
      names = Object.keys(gradients);
      return [value, logits!, ...Object.values(gradients)];
    } catch (error) {
      logits?.dispose();
      throw error;
    }
  }
  const traced = trace?.(gradientsOf);

  return {
    run(batch, step, learningRate) {
      seeded.forEach((layer, i) => {
        layer.seed = 1 + random.split(step, i).int(0x7fffffff); // tfjs takes 0 for "no seed"
      });
      let logits: tf.Tensor | undefined;
      try {
        return tf.tidy(() => {
          const { x, y } = batchTensors(model, batch);
          const [value, output, ...values] = (traced ?? gradientsOf)(x, y);
          logits = output!;
          const gradients = Object.fromEntries(values.map((gradient, i) => [names[i]!, gradient]));
          optimizer.apply(gradients, { learningRate, variables });
          return { loss: value as tf.Scalar, logits };
        });
      } catch (error) {
        logits?.dispose();
        throw error;
      }
    },
    dispose() {
      traced?.dispose();
      seeded.forEach((layer, i) => {
        layer.seed = ownSeeds[i];
      });
    },
  };
}

interface SeededLayer {
  seed: number | undefined;
}

/** Layers that draw random numbers by a `seed` of their own, also inside nested models and wrappers. */
function layersWithSeed(layer: object): SeededLayer[] {
  const inner = 'layers' in layer ? (layer.layers as object[]) : 'layer' in layer ? [layer.layer as object] : [];
  return [...(Object.hasOwn(layer, 'seed') ? [layer as SeededLayer] : []), ...inner.flatMap(layersWithSeed)];
}
