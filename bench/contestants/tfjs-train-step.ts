// A contestant of train-step.ts: one of our backends. Arguments: model, batch, float32 | bfloat16, backend.
import { Rng } from '@proj/core';
import { modelVariables, sgd } from '@proj/optimizers';
import { trace } from '@proj/tfjs-backend-onednn';
import { softmaxCrossEntropyPerPosition } from '@proj/trainer';
import * as tf from '@tensorflow/tfjs';
import { contest } from '../support/contestant.js';
import { CASES } from '../support/models.js';
import { pictures } from '../support/pictures.js';
import { beginProfile, describeBackend, endProfile, openModel } from '../support/tfjs-contestant.js';

const [name = '', batchText, precision = '', backend = ''] = process.argv.slice(2);
const batch = Number(batchText);
const { build, input, positions, classes } = CASES[name]!;

const model = await openModel(build, backend, precision);
const optimizer = sgd({ momentum: 0.9 });
const variables = modelVariables(model);
const random = new Rng(2);
const x = tf.tensor4d(pictures(batch, input), [batch, ...input]);
const y = tf.tensor2d(
  Int32Array.from({ length: batch * positions }, () => random.int(classes)),
  [batch, positions],
  'int32',
);

const names = Object.values(variables).map(({ name }) => name);

/** The loss, then the gradients of `names`. */
const gradientsOf = trace((pictures: tf.Tensor, labels: tf.Tensor) => {
  const { value, grads } = tf.variableGrads(() => {
    const logits = model.apply(pictures, { training: true }) as tf.Tensor;
    return softmaxCrossEntropyPerPosition(logits.reshape([batch, positions, classes]), labels);
  }, Object.values(variables));
  return [value, ...names.map((each) => grads[each]!)] as tf.Tensor[];
});

async function step(): Promise<void> {
  const loss = tf.tidy(() => {
    const [value, ...gradients] = gradientsOf(x, y);
    const grads = Object.fromEntries(gradients.map((gradient, i) => [names[i]!, gradient]));
    optimizer.apply(grads, { learningRate: 1e-3, variables });
    return value!;
  });
  await loss.data();
  loss.dispose();
}

await contest({
  description: describeBackend(),
  run: step,
  begin: beginProfile,
  end: endProfile,
});
