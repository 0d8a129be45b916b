import * as tf from '@tensorflow/tfjs';
import '@proj/tfjs-backend-onednn';

// One number in the part of each of seven threads, such that their sum depends on its order.
await tf.setBackend('onednn');
const values = new Float32Array(7 * 50_000);
for (const [part, value] of [1e17, 1, -1e17, 3, 1e17, 5, -1e17].entries()) values[(part + 0.5) * 50_000] = value;
const x = tf.tensor1d(values);
const sums = new Set();
for (let i = 0; i < 2000; i++) sums.add(tf.tidy(() => x.sum().dataSync()[0]));
process.stdout.write(`${[...sums].join(' ')}\n`);
