import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { OnednnBackend } from '../src/index.js';
import { available, expectClose, on } from './reference.js';

const native = () => (tf.backend() as OnednnBackend).nativeMemory();

describe.skipIf(!available)('dtypes', () => {
  beforeAll(() => tf.setBackend('onednn'));

  it('takes nested lists, booleans, and memory that threads share', () => {
    tf.tidy(() => {
      const lists = tf.tensor([
        [
          [1, 2],
          [3, 4],
        ],
      ]);
      expect(lists.shape).toEqual([1, 2, 2]);
      expect(Array.from(lists.dataSync())).toEqual([1, 2, 3, 4]);
      expect(tf.tensor1d([true, false]).dtype).toBe('bool');
      expect(tf.tensor1d([true, false]).arraySync()).toEqual([1, 0]);
      const shared = new Float32Array(new SharedArrayBuffer(8));
      shared.set([5, 6]);
      expect(Array.from(tf.tensor1d(shared).dataSync())).toEqual([5, 6]);
    });
  });

  it('keeps every int32, also what float32 cannot hold', () => {
    const extremes = [2147483647, -2147483648, 16777217, -16777217, 0];
    tf.tidy(() => {
      const x = tf.tensor1d(extremes, 'int32');
      expect(Array.from(x.dataSync())).toEqual(extremes);
      const same = [x.clone(), x.reshape([5, 1]), x.reverse().reverse(), tf.concat([x]), x.add(tf.scalar(0, 'int32'))];
      for (const y of same) expect(Array.from(y.dataSync())).toEqual(extremes);
      // Sums wrap, as TensorFlow's do.
      expect(x.slice(0, 1).add(tf.scalar(1, 'int32')).arraySync()).toEqual([-2147483648]);
    });
  });

  it('floats become integers as in an Int32Array', () => {
    const values = [1.9, -1.9, Number.NaN, Number.POSITIVE_INFINITY, 3e9, -0.5];
    tf.tidy(() => {
      expect(Array.from(tf.tensor1d(values).toInt().dataSync())).toEqual(Array.from(Int32Array.from(values)));
      expect(Array.from(tf.tensor1d(values).toBool().dataSync())).toEqual([1, 1, 1, 1, 1, 1]);
    });
  });

  it('keeps what is special among floats', () => {
    const values = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 1e-45, 3.4028234663852886e38];
    const [x] = [tf.tensor1d(values)];
    const back = x!.clone().dataSync();
    for (const [i, value] of back.entries()) expect(Object.is(value, Math.fround(values[i]!))).toBe(true);
    x!.dispose();
  });

  const tensors: Record<tf.DataType, (shape: number[]) => tf.Tensor> = {
    float32: (shape) => tf.zeros(shape),
    int32: (shape) => tf.zeros(shape, 'int32'),
    bool: (shape) => tf.zeros(shape, 'bool'),
    complex64: (shape) => tf.complex(tf.zeros(shape), tf.ones(shape)),
    string: (shape) => tf.tensor(new Array(tf.util.sizeFromShape(shape)).fill('é'), shape, 'string'),
  };
  it.each(Object.entries(tensors))(
    '%s: data and dataSync give the same, of any shape, and all is freed',
    async (_, make) => {
      for (const shape of [[], [5], [2, 3], [0], [3, 0, 2], [1, 1, 1, 1, 1, 7]]) {
        const before = native();
        const tensors = { numTensors: tf.memory().numTensors, numDataBuffers: tf.memory().numDataBuffers };
        const x = tf.tidy(() => make(shape));
        const [sync, later] = [x.dataSync(), await x.data()];
        expect(sync.constructor).toBe(later.constructor);
        expect(Array.from(sync as Float32Array)).toEqual(Array.from(later as Float32Array));
        expect(sync).toHaveLength(x.size * (x.dtype === 'complex64' ? 2 : 1));
        const view = x.reshape([-1, ...(x.size === 0 ? [0] : [])].slice(x.size === 0 ? 1 : 0));
        x.dispose();
        expect(view.dataSync()).toHaveLength(sync.length);
        view.dispose();
        expect(native()).toMatchObject({ liveBuffers: before.liveBuffers, liveBytes: before.liveBytes });
        const { numTensors, numDataBuffers } = tf.memory();
        expect({ numTensors, numDataBuffers }).toEqual(tensors);
      }
    },
  );

  it('memory() counts as on the plain JS backend', async () => {
    const counts = async (backend: string) => {
      await tf.setBackend(backend);
      const before = tf.memory();
      const made = [
        tf.zeros([10, 10]),
        tf.zeros([7], 'int32'),
        tf.zeros([5], 'bool'),
        tf.tensor1d(['abc', 'é']),
        tf.complex([1, 2, 3], [4, 5, 6]),
      ];
      made.push(made[0]!.reshape([100]));
      const after = tf.memory();
      tf.dispose(made);
      expect(tf.memory()).toEqual(before);
      return (['numTensors', 'numDataBuffers', 'numBytes'] as const).map((key) => after[key] - before[key]);
    };
    const expected = await counts('cpu');
    expect(await counts('onednn')).toEqual(expected);
    expect(tf.memory().unreliable).toBe(false);
  });

  it.each<[string, () => tf.Tensor | tf.Tensor[]]>([
    [
      'complex64',
      () => {
        const a = tf.complex([1, -2, 3, 0.5], [0, 1, -1, 2]);
        const b = tf.complex([2, 2, 0, 1], [1, 0, 3, -1]);
        const all = [tf.add(a, b), tf.sub(a, b), tf.mul(a, b), tf.concat([a, b])];
        const parts = all.flatMap((z) => [tf.real(z), tf.imag(z)]);
        return [...parts, tf.abs(a), tf.real(tf.spectral.ifft(tf.spectral.fft(a))), tf.imag(tf.spectral.fft(b))];
      },
    ],
    [
      'bool',
      () => {
        const [a, b] = [tf.tensor1d([true, true, false, false]), tf.tensor1d([true, false, true, false])];
        const logic = [tf.logicalAnd(a, b), tf.logicalOr(a, b), tf.logicalXor(a, b), tf.logicalNot(a)];
        return [...logic, tf.equal(a, b), a.any(), a.all(), a.sum(), a.toFloat(), a.tile([2]), tf.where(a, b, a)];
      },
    ],
    [
      'int32',
      () => {
        const [a, b] = [tf.tensor1d([7, -7, 5, 0], 'int32'), tf.tensor1d([2, 2, -3, 4], 'int32')];
        const sums = [a.add(b), a.sub(b), a.mul(b), a.floorDiv(b), a.mod(b), a.maximum(b), a.squaredDifference(b)];
        const bits = [tf.bitwiseAnd(a, b), a.topk(2).values, a.topk(2).indices, a.cumsum(), a.max(), a.prod(), a.abs()];
        return [...sums, ...bits, a.div(b), a.mean(), a.pow(tf.scalar(2, 'int32'))];
      },
    ],
  ])('%s goes through operations as on the plain JS backend', async (_, f) => {
    const [ours, theirs] = [await on('onednn', f), await on('cpu', f)];
    await tf.setBackend('onednn');
    expect(ours.length).toBe(theirs.length);
    for (const [i, expected] of theirs.entries()) expectClose(ours[i]!, expected);
  });

  it('strings go through operations', () => {
    tf.tidy(() => {
      const x = tf.tensor2d(['a b', 'c', 'ö', ''], [2, 2]);
      expect(x.slice([0, 1], [2, 1]).reshape([2]).arraySync()).toEqual(['c', '']);
      expect(tf.concat([x, x], 1).shape).toEqual([2, 4]);
      expect(tf.tile(x, [1, 2]).arraySync()[1]).toEqual(['ö', '', 'ö', '']);
      expect(tf.string.stringSplit(tf.tensor1d(['a b', 'c']), ' ').values!.arraySync()).toEqual(['a', 'b', 'c']);
      expect(tf.equal(x, tf.tensor2d(['a b', 'x', 'ö', ''], [2, 2])).arraySync()).toEqual([
        [1, 0],
        [1, 1],
      ]);
    });
  });
});
