// A contestant of train-step.ts: one of our backends. Arguments: model, batch, float32 | bfloat16, backend.
import { type BackendName, chooseBackend } from '@proj/backends';
import { Rng } from '@proj/core';
import { modelVariables, sgd } from '@proj/optimizers';
import { OnednnBackend, profile, resetProfile, setPrecision } from '@proj/tfjs-backend-onednn';
import { softmaxCrossEntropyPerPosition } from '@proj/trainer';
import * as tf from '@tensorflow/tfjs';
import { contest } from '../support/contestant.js';
import { CASES } from '../support/models.js';

const [name = '', batchText, precision, backend = ''] = process.argv.slice(2);
const batch = Number(batchText);
const { build, input, positions, classes } = CASES[name]!;

await chooseBackend({ backend: backend as BackendName });
const model = build();
if (precision === 'bfloat16') setPrecision('bfloat16');
const optimizer = sgd({ momentum: 0.9 });
const variables = modelVariables(model);
const random = new Rng(1);
const x = tf.tensor4d(
  Float32Array.from({ length: batch * input[0] * input[1] * input[2] }, () => random.int(256)),
  [batch, ...input],
);
const y = tf.tensor2d(
  Int32Array.from({ length: batch * positions }, () => random.int(classes)),
  [batch, positions],
  'int32',
);

async function step(): Promise<void> {
  const loss = tf.tidy(() => {
    const { value, grads } = tf.variableGrads(() => {
      const logits = model.apply(x, { training: true }) as tf.Tensor;
      return softmaxCrossEntropyPerPosition(logits.reshape([batch, positions, classes]), y);
    }, Object.values(variables));
    optimizer.apply(grads, { learningRate: 1e-3, variables });
    return value;
  });
  await loss.data();
  loss.dispose();
}

await step();
await step();
const native = tf.backend() instanceof OnednnBackend;
if (native) resetProfile();
await contest({
  ready: describe(),
  run: step,
  end: () => (native ? { profile: profile().map(({ op, calls, milliseconds }) => ({ op, calls, milliseconds })) } : {}),
});

function describe(): string {
  const active = tf.backend();
  if (!(active instanceof OnednnBackend)) return `tfjs ${tf.version.tfjs}, ${tf.getBackend()}`;
  const { isa, threads, onednn } = active.info;
  return `onednn (${isa}, oneDNN ${onednn}), ${threads} threads`;
}
