// Convolutions in bfloat16 and what follows them, of the cases that come as JSON, on the backend in a module that is named.
import { text } from 'node:stream/consumers';
import * as tf from '@tensorflow/tfjs';

const { autocast } = await import(process.argv[2]);
await tf.setBackend('onednn');

const base64 = (tensor) => Buffer.from(Float32Array.from(tensor.dataSync()).buffer).toString('base64');
const all = (tensors) => Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, base64(tensor)]));

/** Numbers that bfloat16 has, in -1..1: fractions of 64. */
const noise = (shape, seed) => tf.randomUniform(shape, -1, 1, 'float32', seed).mul(64).round().div(64);

/** In bfloat16, as what comes from another layer. */
const low = (map) => {
  const matrix = map.reshape([-1, map.shape[3]]);
  return autocast('bfloat16', () => tf.matMul(matrix, tf.eye(matrix.shape[1]))).reshape(map.shape);
};

function results({ x: shape, filter: filterShape, strides, pad, dilations, follows }) {
  const [x, filter] = [noise(shape, 1), noise(filterShape, 2)];
  const padding = [[0, 0], ...pad, [0, 0]];
  const convolve = (a, b) => tf.conv2d(a, b, strides, padding, 'NHWC', dilations);
  // Pictures come in float32.
  const map = shape[3] <= 4 ? x : low(x);
  const perChannel = (seed) => noise([filterShape[3]], seed);
  if (follows === 'bias') {
    const bias = perChannel(3);
    const fused = { x: map, filter, strides, pad: padding, dilations, bias, activation: 'relu' };
    const y = autocast('bfloat16', () => tf.fused.conv2d(fused));
    return all({ x, filter, bias, y });
  }
  if (follows === 'normalisation') {
    const [mean, variance, offset, scale] = [perChannel(3), perChannel(4).abs().add(0.5), perChannel(5), perChannel(6)];
    const residual = noise(convolve(x, filter).shape, 7);
    const beside = low(residual);
    const y = autocast('bfloat16', () =>
      tf.batchNorm(convolve(map, filter), mean, variance, offset, scale, 0.001).add(beside).relu(),
    );
    return all({ x, filter, mean, variance, offset, scale, residual, y });
  }
  const y = autocast('bfloat16', () => convolve(map, filter));
  const dy = noise(y.shape, 8);
  const [dx, dw] = autocast('bfloat16', () => tf.grads(convolve)([map, filter], low(dy)));
  return all({ x, filter, dy, y, dx, dw });
}

const cases = JSON.parse(await text(process.stdin));
process.stdout.write(JSON.stringify(cases.map((one) => tf.tidy(() => results(one)))));
