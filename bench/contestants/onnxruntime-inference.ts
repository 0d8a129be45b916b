// A contestant of inference.ts: onnxruntime-node. Arguments: its folder, the model's file, batch, height, width, channels.
import { availableParallelism } from 'node:os';
import { contest } from '../support/contestant.js';
import { loadOnnxruntime, openSession } from '../support/onnxruntime.js';
import { pictures } from '../support/pictures.js';

const [folder = '', path = '', ...sizes] = process.argv.slice(2);
const [batch, ...shape] = sizes.map(Number) as [number, number, number, number];

const onnxruntime = loadOnnxruntime(folder);
const { Tensor, env } = onnxruntime;
const threads = availableParallelism();
const session = await openSession(onnxruntime, path, {
  executionProviders: ['cpu'],
  graphOptimizationLevel: 'all',
  intraOpNumThreads: threads,
});
const pixels = pictures(batch, shape);

async function predict(): Promise<Float32Array> {
  const x = new Tensor('float32', pixels, [batch, ...shape]);
  const outputs = await session.run({ [session.inputNames[0]!]: x });
  return outputs[session.outputNames[0]!]!.data;
}

await contest({
  description: `onnxruntime-node ${env.versions.node}, ${threads} threads`,
  run: predict,
  outputs: predict,
});
