// Trains a small model as a program does that has installed the package, and prints what came of it: the losses, and the
// shared libraries that the training brought into the process.
import { fallbackCalls, isAvailable } from '@proj/tfjs-backend-onednn';
import * as tf from '@tensorflow/tfjs';

const libraries = () => process.report.getReport().sharedObjects;
process.report.excludeNetwork = true;

if (!(await tf.setBackend('onednn'))) throw new Error(isAvailable().reason);
const model = tf.sequential({
  layers: [
    tf.layers.conv2d({
      inputShape: [12, 12, 1],
      filters: 8,
      kernelSize: 3,
      useBias: false,
      kernelInitializer: tf.initializers.heNormal({ seed: 1 }),
    }),
    tf.layers.batchNormalization(),
    tf.layers.activation({ activation: 'relu' }),
    tf.layers.maxPooling2d({ poolSize: 2 }),
    tf.layers.flatten(),
    tf.layers.dense({
      units: 2,
      activation: 'softmax',
      kernelInitializer: tf.initializers.glorotUniform({ seed: 2 }),
    }),
  ],
});
model.compile({ optimizer: tf.train.adam(0.02), loss: 'categoricalCrossentropy' });
// Bright above or bright below the middle, under noise.
const classes = Array.from({ length: 32 }, (_, i) => i % 2);
const pixel = (i) => Math.sin(i * 12.9898) + Number(i % 144 < 72 === (classes[Math.floor(i / 144)] === 0));
const x = tf.tensor(
  Float32Array.from({ length: 32 * 144 }, (_, i) => pixel(i)),
  [32, 12, 12, 1],
);
const y = tf.oneHot(classes, 2);
const { history } = await model.fit(x, y, { epochs: 8, batchSize: 16, shuffle: false, verbose: 0 });

const { onednn, isa } = tf.backend().info;
const result = { node: process.version, onednn, isa, loss: history.loss, fallbackCalls: fallbackCalls() };
process.stdout.write(JSON.stringify({ ...result, libraries: libraries() }));
