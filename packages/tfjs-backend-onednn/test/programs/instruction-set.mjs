import { isAvailable } from '@proj/tfjs-backend-onednn';
import * as tf from '@tensorflow/tfjs';

if (!isAvailable().available) throw new Error(isAvailable().reason);
await tf.setBackend('onednn');
const values = tf.tidy(() => {
  const x = tf.tensor2d(
    Float32Array.from({ length: 57 * 33 }, (_, i) => Math.sin(i) * 3),
    [57, 33],
  );
  // Sums of positive numbers, whose rounding errors are small beside them.
  const positive = (shape, seed) => tf.randomUniform(shape, 0.5, 1, 'float32', seed);
  const scales = [1, 2, 3, 4].map((seed) => positive([40], seed));
  const convolved = tf.conv2d(positive([2, 7, 6, 4], 5), positive([3, 3, 4, 40], 6), 1, 'same');
  const residual = positive(convolved.shape, 7).mul(50);
  const results = [
    tf
      .batchNorm(convolved, ...scales)
      .add(residual)
      .relu(),
    x.softmax(),
    x.exp(),
    x.sigmoid(),
    x.tanh(),
    x.abs().log(),
    x.square().sum(0),
    x.mean(1),
    x.max(0),
  ];
  return results.flatMap((tensor) => Array.from(tensor.dataSync()));
});
const { isa } = tf.backend().info;
process.stdout.write(JSON.stringify({ isa, values }));
