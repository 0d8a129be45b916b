import { isAvailable } from '@proj/tfjs-backend-onednn';
import * as tf from '@tensorflow/tfjs';

if (!isAvailable().available) throw new Error(isAvailable().reason);
await tf.setBackend('onednn');
const values = tf.tidy(() => {
  const x = tf.tensor2d(
    Float32Array.from({ length: 57 * 33 }, (_, i) => Math.sin(i) * 3),
    [57, 33],
  );
  const results = [x.softmax(), x.exp(), x.sigmoid(), x.tanh(), x.abs().log(), x.square().sum(0), x.mean(1), x.max(0)];
  return results.flatMap((tensor) => Array.from(tensor.dataSync()));
});
const { isa } = tf.backend().info;
process.stdout.write(JSON.stringify({ isa, values }));
