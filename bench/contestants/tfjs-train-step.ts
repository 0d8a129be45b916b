// A contestant of train-step.ts: one of our backends. Arguments: model, batch, float32 | bfloat16, backend.
import * as tf from '@tensorflow/tfjs';
import { contest } from '../support/contestant.js';
import { CASES } from '../support/models.js';
import { pictures } from '../support/pictures.js';
import { beginProfile, describeBackend, endProfile, openModel } from '../support/tfjs-contestant.js';
import { randomLabels, trainStep } from '../support/train-step.js';

const [name = '', batchText, precision = '', backend = ''] = process.argv.slice(2);
const batch = Number(batchText);
const { build, input, ...task } = CASES[name]!;

const step = trainStep(await openModel(build, backend, precision), task);
const x = tf.tensor4d(pictures(batch, input), [batch, ...input]);
const y = randomLabels(batch, task);

await contest({
  description: describeBackend(),
  run: () => step(x, y),
  begin: beginProfile,
  end: endProfile,
});
