import * as tf from '@tensorflow/tfjs';
import '@proj/tfjs-backend-onednn';

// With room for three such batches, each of which waiting calls still use when the next one comes.
const batch = new Float32Array(5_000_000); // 20 MB
await tf.setBackend('onednn');
const sums = [];
for (let i = 0; i < 12; i++) {
  tf.tidy(() => {
    let x = tf.fill([500, 500], 1 / 500);
    for (let k = 0; k < 10; k++) x = tf.matMul(x, x);
  });
  const x = tf.tensor1d(batch.fill(i));
  sums.push(x.mean());
  x.dispose();
}
process.stdout.write(`${sums.map((sum) => sum.dataSync()[0]).join(' ')}\n`);
try {
  tf.tensor1d(new Float32Array(20_000_000));
} catch (error) {
  process.stdout.write(`${error.code}\n`);
}

// What large tensors had is there for small ones once they have gone, and the other way round.
const fill = (length) => {
  const tensors = [];
  try {
    for (;;) tensors.push(tf.fill([length], 1));
  } catch {}
  tf.dispose(tensors);
  return Math.round((tensors.length * length * 4) / 1e6);
};
process.stdout.write(`${[5_000_000, 15_000, 2_500_000, 15_000].map(fill).join(' ')} MB\n`);
