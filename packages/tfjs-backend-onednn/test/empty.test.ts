import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { OnednnBackend, TensorSpec } from '../src/index.js';
import { available, expectClose, on } from './reference.js';

type Shape = [number, number, number, number];

/** Pictures [B, H, W, C] with one dimension after the other of no size. */
const EMPTY: Shape[] = [
  [0, 4, 4, 3],
  [1, 0, 4, 3],
  [1, 4, 0, 3],
  [1, 4, 4, 0],
];

interface Call {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly numbers: readonly number[];
}

/** The native call of `op` for such a picture; undefined where JavaScript sends none. */
function callOf(op: string, shape: Shape): Call | undefined {
  const [b, h, w, c] = shape;
  const float = (...shape: number[]): TensorSpec => ({ shape, dtype: 'float32' });
  const int = (...shape: number[]): TensorSpec => ({ shape, dtype: 'int32' });
  const [x, pooled, channels, gate] = [float(...shape), float(b, h / 2, w / 2, c), float(c), float(b, 1, 1, c)];
  const [sequence, gates, state] = [float(b, h * w, c), float(b, h * w, 4 * c), float(b, c)];
  const window = [2, 2, 2, 2, 1, 1, 0, 0];
  const view = [b, h * w, c];
  const call = (inputs: TensorSpec[], outputs: TensorSpec[], numbers: number[] = []) => ({ inputs, outputs, numbers });
  switch (op) {
    case 'conv2d':
    case 'conv2d_norm':
    case 'conv2d_backward_data':
    case 'conv2d_backward_weights':
    case 'matmul':
      return undefined;
    case 'max_pool':
    case 'avg_pool':
      return call([x], [pooled], window);
    case 'max_pool_grad':
      return call([pooled, x], [x], window);
    case 'avg_pool_grad':
      return call([pooled], [x], window);
    case 'resize_bilinear':
    case 'resize_bilinear_grad':
      return call([x], [x], [1, 1, 0]);
    case 'batch_norm':
      return call([x, channels, channels, channels, channels, x], [x], [1e-3, 1]);
    case 'batch_norm_statistics':
      return call([x], [channels, channels]);
    case 'batch_norm_grad':
      return call([x, x, x, channels, channels, channels, channels, gate, gate], [x, channels, channels], [1e-3, 2]);
    case 'batch_norm_silu_grad':
      return call([x, x, channels, channels, channels, channels, gate, gate], [x], [1e-3]);
    case 'scale_shift':
      return call([x, gate, gate], [x]);
    case 'sum_products':
      return call([x, x], [gate], view);
    case 'sum':
    case 'mean':
    case 'max':
    case 'min':
    case 'prod':
    case 'all':
    case 'any':
      return call([x], [float(b, c)], view);
    case 'arg_max':
    case 'arg_min':
      return call([x], [int(b, c)], view);
    case 'cumsum':
    case 'cumprod':
      return call([x], [x], [...view, 0, 0]);
    case 'gather': {
      const m = h * w === 0 ? 0 : 2;
      return call([x, int(m)], [float(b, m, c)], [1, ...view, m]);
    }
    case 'one_hot':
      return call([int(b, h, w)], [x], [1, 0, c]);
    case 'segment_sum':
      return call([x, int(b, h, w)], [float(2, c)], [2, c]);
    case 'select':
      return call([{ shape, dtype: 'bool' }, x, x], [x], [1]);
    case 'copy_strided':
      return call([x], [x], [0, 4, ...shape, h * w * c, w * c, c, 1]);
    case 'pad':
      return call([x], [float(b + 1, h + 1, w + 1, c + 1)], [1, 0, 0, 0, 0]);
    case 'concat':
      return call([x, x], [float(2 * b, h, w, c)], [1]);
    case 'split':
      return call([x], [x], [1]);
    case 'fill':
      return call([], [x], [1]);
    case 'range':
      return call([], [float(0)], [0, 1]);
    case 'dropout':
      return call([x], [x], [0.5, 1, 2]);
    case 'adamw':
      return call([x, x, x, x], [x, x, x], [1e-3, 0.9, 0.999, 1e-8, 0, 0.1, 0.001, 0]);
    case 'sgd':
      return call([x, x, x], [x, x], [0.1, 0.9, 0, 0, 0, 0]);
    case 'lstm':
      return call([gates, float(c, 4 * c), state, state], [sequence, state, state, sequence, gates], [0, 1]);
    case 'lstm_grad':
      return call(
        [float(c, 4 * c), state, state, sequence, sequence, gates, sequence, state, state],
        [gates, sequence, state, state],
        [1, 0],
      );
    default:
      // Elementwise, of one tensor or two.
      return call([x, x], [x], [0, 1]);
  }
}

describe.skipIf(!available).each(EMPTY.map((shape) => [shape]))('a tensor of shape %j', (shape) => {
  beforeAll(() => tf.setBackend('onednn'));

  it('goes through every native operation', () => {
    const backend = tf.backend() as OnednnBackend;
    for (const op of backend.info.ops) {
      const call = callOf(op, shape);
      if (call === undefined) continue;
      const inputs = call.inputs.map(({ shape, dtype }) => tf.zeros([...shape], dtype as 'float32'));
      const outputs = backend.run(op, inputs, call.outputs, call.numbers);
      expect(() => backend.sync(), op).not.toThrow();
      tf.dispose(inputs);
      for (const output of outputs) backend.disposeData(output.dataId);
    }
  });

  const [b, h, w, c] = shape;
  const x = () => tf.zeros<tf.Rank.R4>(shape);
  it.each<[string, () => tf.Tensor | tf.Tensor[]]>([
    ['maxPool', () => tf.maxPool(x(), 2, 2, 'valid')],
    ['maxPool, same', () => tf.maxPool(x(), 3, 2, 'same')],
    ['avgPool', () => tf.avgPool(x(), 2, 2, 'valid')],
    ['gradient of maxPool', () => tf.grad((x: tf.Tensor) => tf.maxPool(x as tf.Tensor4D, 2, 2, 'valid'))(x())],
    ['gradient of avgPool', () => tf.grad((x: tf.Tensor) => tf.avgPool(x as tf.Tensor4D, 2, 2, 'valid'))(x())],
    ['conv2d', () => tf.conv2d(x(), tf.zeros([1, 1, c, 2]), 1, 'same')],
    [
      'conv2d and batchNorm',
      () => tf.batchNorm(tf.conv2d(x(), tf.zeros([1, 1, c, 2]), 1, 'same'), tf.zeros([2]), tf.ones([2])),
    ],
    ['matMul', () => tf.matMul(x().reshape([b * h, w * c]), tf.zeros([w * c, 2]))],
    ['batchNorm', () => tf.batchNorm(x(), tf.zeros([c]), tf.ones([c]), tf.zeros([c]), tf.ones([c]))],
    ['softmax', () => [x().softmax(), x().logSoftmax()]],
    ['sum', () => [x().sum(), x().sum([1, 2]), x().sum(3)]],
    ['cumsum', () => [x().cumsum(1), x().cumsum(3)]],
    ['oneHot', () => (c === 0 ? [] : tf.oneHot(tf.zeros([b, h, w], 'int32'), c))],
    [
      'pad',
      () =>
        x().pad(
          [
            [1, 0],
            [0, 1],
            [0, 0],
            [2, 1],
          ],
          7,
        ),
    ],
    ['concat, stack and split', () => [tf.concat([x(), x()], 1), tf.stack([x(), x()]), ...tf.split(x(), [0, h], 1)]],
    [
      'slice, transpose, tile',
      () => [x().slice([0, 0, 0, 0], shape), x().transpose([3, 0, 2, 1]), x().tile([2, 1, 3, 1])],
    ],
    ['where', () => tf.where(x().greater(0), x(), x())],
    ['broadcast', () => x().add(tf.ones([c]))],
  ])('%s is as on the plain JS backend', async (_, f) => {
    const native = await on('onednn', f);
    const reference = await on('cpu', f);
    await tf.setBackend('onednn');
    expect(native.length).toBe(reference.length);
    for (const [i, expected] of reference.entries()) expectClose(native[i]!, expected);
  });
});
