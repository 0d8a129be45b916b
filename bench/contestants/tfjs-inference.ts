// A contestant of inference.ts: one of our backends. Arguments: model, batch, float32 | bfloat16, backend.
import { trace } from '@proj/tfjs-backend-onednn';
import * as tf from '@tensorflow/tfjs';
import { contest } from '../support/contestant.js';
import { buildWithWeights, CASES } from '../support/models.js';
import { pictures } from '../support/pictures.js';
import { beginProfile, describeBackend, endProfile, openModel } from '../support/tfjs-contestant.js';

const [name = '', batchText, precision = '', backend = ''] = process.argv.slice(2);
const batch = Number(batchText);
const theCase = CASES[name]!;

const model = await openModel(() => buildWithWeights(theCase), backend, precision);
const pixels = pictures(batch, theCase.input);
const logitsOf = trace((x: tf.Tensor) => model.predictOnBatch(x) as tf.Tensor);
let askingMilliseconds = 0;

async function predict(): Promise<Float32Array> {
  const start = performance.now();
  const x = tf.tensor4d(pixels, [batch, ...theCase.input]);
  const logits = logitsOf(x);
  askingMilliseconds += performance.now() - start;
  const data = await logits.data<'float32'>();
  tf.dispose([x, logits]);
  return data;
}

await contest({
  description: describeBackend(),
  run: predict,
  outputs: predict,
  begin: () => {
    askingMilliseconds = 0;
    beginProfile();
  },
  end: () => ({ askingMilliseconds, ...endProfile() }),
});
