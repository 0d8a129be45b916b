// Runs short traced programs, which run on the thread of JavaScript, while a CPU profiler interrupts it all the time; prints how
// many came out as the first.
import { Session } from 'node:inspector/promises';
import { trace } from '@proj/tfjs-backend-onednn';
import * as tf from '@tensorflow/tfjs';

await tf.setBackend('onednn');
const [x, w] = [tf.randomUniform([4, 1024], 0, 1, 'float32', 1), tf.randomUniform([1024, 62], 0, 1, 'float32', 2)];
const product = trace((x) => tf.matMul(x, w));

async function run() {
  const y = product(x);
  const values = await y.data();
  y.dispose();
  return values;
}

const first = await run();
const session = new Session();
session.connect();
await session.post('Profiler.enable');
await session.post('Profiler.setSamplingInterval', { interval: 50 });
await session.post('Profiler.start');
let same = 0;
for (let i = 0; i < 20_000; i++) {
  const values = await run();
  if (values.every((value, j) => value === first[j])) same += 1;
}
const { profile } = await session.post('Profiler.stop');
console.log(JSON.stringify({ same, profiled: profile.samples.length > 100 }));
process.exit(0);
