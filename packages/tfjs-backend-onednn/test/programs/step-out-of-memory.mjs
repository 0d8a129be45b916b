import * as tf from '@tensorflow/tfjs';
import '@proj/tfjs-backend-onednn';

// A training step that does not fit leaves nothing behind, and the next, smaller one is as if it had not been tried.
await tf.setBackend('onednn');
const filter = tf.variable(tf.fill([3, 3, 3, 8], 0.01));
const optimizer = tf.train.sgd(0.1);
const step = (batch) =>
  tf.tidy(() => {
    const x = tf.ones([batch, 32, 32, 3]);
    const loss = optimizer.minimize(() => x.conv2d(filter, 1, 'same').relu().square().mean(), true, [filter]);
    return loss.dataSync()[0].toFixed(6);
  });

const { numTensors } = tf.memory();
const { liveBytes } = tf.backend().nativeMemory();
try {
  step(1500); // outputs of 49 MB each
} catch (error) {
  process.stdout.write(`${error.code}: ${error.message.split('\n')[0]}\n`);
}
const leaked = [tf.memory().numTensors - numTensors, tf.backend().nativeMemory().liveBytes - liveBytes];
process.stdout.write(`left over: ${leaked}\n${step(4)}\n`);
