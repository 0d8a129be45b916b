import { autocast, isAvailable } from '@proj/tfjs-backend-onednn';
import * as tf from '@tensorflow/tfjs';

if (!isAvailable().available) throw new Error(isAvailable().reason);
await tf.setBackend('onednn');
const noise = (shape, seed) => tf.randomUniform(shape, -1, 1, 'float32', seed);

/**
 * The gradients of a loss of five convolutions, and maps of one that is dilated, of one of few pixels and many channels, of one
 * of one pixel over many and of one of each channel by itself, each divided by its largest number.
 */
const step = () => {
  const filters = [
    [3, 3, 4, 32],
    [3, 3, 32, 40],
    [3, 3, 40, 32],
    [5, 3, 32, 33],
    [3, 3, 33, 5],
  ].map((shape, i) => noise(shape, i + 1));
  const gradients = tf.grads((x, first, ...rest) => {
    const y = rest.reduce(
      (map, filter, i) => tf.conv2d(map, filter, i === 2 ? [2, 3] : 1, 'same'),
      tf.conv2d(x, first, 1, 'valid'),
    );
    return y.mul(noise(y.shape, 9)).mean();
  })([noise([2, 13, 15, 4], 8), ...filters]);
  const dilated = tf.conv2d(noise([2, 13, 15, 4], 8), filters[0], 1, 'same', 'NHWC', 2);
  const small = tf.conv2d(noise([1, 7, 7, 512], 8), noise([3, 3, 512, 64], 7), 1, 'same');
  const onePixel = tf.conv2d(noise([2, 17, 19, 40], 8), noise([1, 1, 40, 120], 7), 1, 'same');
  const depthwise = tf.depthwiseConv2d(noise([2, 17, 19, 40], 8), noise([5, 5, 40, 1], 7), 1, 'same');
  return [...gradients, dilated, small, onePixel, depthwise].flatMap((gradient) =>
    Array.from(gradient.div(gradient.abs().max()).dataSync()),
  );
};
const float32 = tf.tidy(step);
const bfloat16 = tf.tidy(() => autocast('bfloat16', step));
process.stdout.write(JSON.stringify({ float32, bfloat16 }));
