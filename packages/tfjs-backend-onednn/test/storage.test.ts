import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { OnednnBackend, silu } from '../src/index.js';
import type { NativeBuffer } from '../src/storage.js';
import { available } from './reference.js';

const native = () => (tf.backend() as OnednnBackend).nativeMemory();

describe.skipIf(!available)('storage', () => {
  beforeAll(() => tf.setBackend('onednn'));

  it('is the backend tfjs prefers', () => {
    expect(tf.backend()).toBeInstanceOf(OnednnBackend);
    expect((tf.backend() as OnednnBackend).info).toMatchObject({
      threads: expect.any(Number),
      onednn: expect.any(String),
    });
  });

  const numbers = [0, 1, 2, 100, 255];
  const arrays = [
    Float32Array,
    Float64Array,
    Int8Array,
    Int16Array,
    Int32Array,
    Uint8Array,
    Uint8ClampedArray,
    Uint16Array,
    Uint32Array,
  ];
  it.each(arrays.map((type) => [type.name, type] as const))('takes part of a larger %s for every dtype', (_, type) => {
    const values = type.from([9, ...numbers, 9]).subarray(1, 6);
    const expected = Array.from(values);
    // Below tf.tensor, which converts by itself.
    const upload = (dtype: tf.DataType) => tf.engine().makeTensor(values as Float32Array, [5], dtype);
    tf.tidy(() => {
      expect(Array.from(upload('float32').dataSync())).toEqual(expected);
      expect(Array.from(upload('int32').dataSync())).toEqual(expected);
      expect(upload('float32').dataSync()).toBeInstanceOf(Float32Array);
      expect(upload('int32').dataSync()).toBeInstanceOf(Int32Array);
      expect(Array.from(upload('bool').dataSync(), Boolean)).toEqual(expected.map(Boolean));
    });
  });

  it('counts a data id once, however often what it keeps for it changes', () => {
    const { data } = tf.backend() as OnednnBackend;
    const before = data.numDataIds();
    const x = tf.tensor1d([1, 2, 3], 'int32');
    data.set(x.dataId, { ...data.get(x.dataId) });
    expect(data.numDataIds()).toBe(before + 1);
    x.dispose();
    expect(data.numDataIds()).toBe(before);
    expect(data.has(x.dataId)).toBe(false);
  });

  it('keeps data of two backends apart', async () => {
    const second = new OnednnBackend();
    tf.registerBackend('onednn-second', () => second);
    try {
      const x = tf.tensor1d([1, 2, 3]);
      const [first, before] = [tf.backend() as OnednnBackend, (tf.backend() as OnednnBackend).data.numDataIds()];
      const { dataId } = second.makeTensorInfo([2], 'float32', new Float32Array([4, 5]));
      expect([first.data.has(dataId), second.data.has(dataId), second.data.has(x.dataId)]).toEqual([
        false,
        true,
        false,
      ]);
      second.disposeData(dataId);
      x.dispose();
      expect([first.data.numDataIds(), second.data.numDataIds()]).toEqual([before - 1, 0]);
    } finally {
      tf.removeBackend('onednn-second');
      await tf.setBackend('onednn');
    }
  });

  describe('holds what an operation reads, where computing another of its inputs ends its last use', () => {
    const map = (value: number) => tf.fill([1, 2, 100, 1], value).add(0) as tf.Tensor4D;
    const product = () => tf.tidy(() => map(3).mul(map(2)));
    const normalised = () => tf.tidy(() => tf.batchNorm(map(3), [1], [1], [0], [1], 1e-9)); // 2

    it.each<[string, () => tf.Tensor, (x: tf.Tensor) => tf.Tensor, number]>([
      ['a product and itself', product, (x) => x.add(x), 12],
      ['a normalisation and itself', normalised, (x) => x.add(x), 4],
      ['a normalisation and its square', normalised, (x) => x.mul(x).add(x), 6],
      ['the gradient of ReLU', normalised, (x) => tf.grad((z: tf.Tensor) => z.relu())(x, x), 2],
      ['the gradient of SiLU', normalised, (x) => tf.grad(silu)(x, x), 2.1815686],
    ])('%s', (_, make, f, expected) => {
      const before = native().liveBuffers;
      const freed: NativeBuffer[] = [];
      const backend = tf.backend() as OnednnBackend;
      const { release } = backend;
      backend.release = (buffer) => {
        release.call(backend, buffer);
        if (buffer.uses <= 0) freed.push(buffer);
      };
      try {
        const [x, y] = tf.tidy(() => {
          const input = make();
          return [input, f(input)] as const;
        });
        for (const value of y.dataSync()) expect(value).toBeCloseTo(expected, 6);
        tf.dispose([x, y]);
      } finally {
        backend.release = release;
      }
      expect(new Set(freed).size).toBe(freed.length); // none twice
      expect(native().liveBuffers).toBe(before);
    });
  });

  it('keeps nothing of an operation one of whose inputs cannot be had', () => {
    const backend = tf.backend() as OnednnBackend;
    const before = native().liveBuffers;
    const x = tf.ones([2, 2]);
    const gone = { dataId: {}, shape: [2, 2] };
    expect(() => backend.run('sub', [x, gone], [{ shape: [2, 2], dtype: 'float32' }])).toThrow();
    expect(() => backend.defer('multiply', [x, gone], [2, 2], [])).toThrow();
    x.dispose();
    expect(native().liveBuffers).toBe(before);
  });

  it('copies what it is given and what it gives', () => {
    const values = new Float32Array([1, 2, 3]);
    const x = tf.tensor1d(values);
    values[0] = 9;
    const first = x.dataSync();
    first[1] = 9;
    expect(Array.from(x.dataSync())).toEqual([1, 2, 3]);
    x.dispose();
  });

  it('keeps strings, complex numbers, scalars and empty tensors', async () => {
    const before = tf.memory();
    const tensors = [
      tf.tensor1d(['a', 'ö', '']),
      tf.complex([1, 2], [3, 4]),
      tf.scalar(7, 'int32'),
      tf.scalar(true),
      tf.tensor2d([], [0, 4]),
    ];
    expect(
      await Promise.all(tensors.map((tensor) => tensor.data().then((data) => Array.from(data as Float32Array)))),
    ).toEqual([['a', 'ö', ''], [1, 3, 2, 4], [7], [1], []]);
    tf.dispose(tensors);
    expect(tf.memory().numTensors).toBe(before.numTensors);
    expect(tf.memory().numDataBuffers).toBe(before.numDataBuffers);
  });

  it('moves tensors from and to another backend', async () => {
    await tf.setBackend('cpu');
    const tensors = [tf.tensor1d([1.5, 2.5]), tf.complex([1], [2]), tf.tensor1d(['x']), tf.tensor1d([1, 0], 'bool')];
    await tf.setBackend('onednn');
    const moved = tensors.map((tensor) => tensor.clone());
    expect(moved.map((tensor) => Array.from(tensor.dataSync() as Float32Array))).toEqual([
      [1.5, 2.5],
      [1, 2],
      ['x'],
      [1, 0],
    ]);
    const doubled = moved[0]!.mul(2);
    await tf.setBackend('cpu');
    expect(Array.from(doubled.add(1).dataSync())).toEqual([4, 6]);
    await tf.setBackend('onednn');
    tf.dispose([...tensors, ...moved, doubled]);
  });

  it('frees native memory with the last reference, and uses it again', () => {
    const before = native();
    const x = tf.fill([1000, 1000], 1);
    const view = x.reshape([1000000]);
    expect(native().liveBytes - before.liveBytes).toBe(4_000_000);
    x.dispose();
    expect(native().liveBytes - before.liveBytes).toBe(4_000_000);
    view.dispose();
    expect(native().liveBytes).toBe(before.liveBytes);
    const { highWaterBytes } = native();
    for (let i = 0; i < 20; i++) tf.fill([500 + i, 1000], i).dispose();
    expect(native().highWaterBytes).toBe(highWaterBytes);
    expect(native().liveBuffers).toBe(before.liveBuffers);
  });

  it('copies nothing for a slice that is all, and for a transposition that moves no elements', () => {
    const x = tf.tensor3d([1, 2, 3, 4, 5, 6], [1, 2, 3]);
    const before = native().liveBuffers;
    const views = [
      x.slice([0, 0, 0], [1, 2, 3]),
      x.transpose([1, 0, 2]),
      x.transpose([0, 1, 2]),
      x.transpose([1, 2, 0]),
    ];
    expect(native().liveBuffers).toBe(before);
    expect(views.map(({ shape }) => shape)).toEqual([
      [1, 2, 3],
      [2, 1, 3],
      [1, 2, 3],
      [2, 3, 1],
    ]);
    x.dispose();
    for (const view of views) expect(Array.from(view.dataSync())).toEqual([1, 2, 3, 4, 5, 6]);
    tf.dispose(views);
    expect(native().liveBuffers).toBe(before - 1);
  });

  it('never writes an upload over memory that waiting calls still use', async () => {
    // Many rounds in which an upload follows the disposal of a buffer of the same size that the queue still reads.
    const size = 50_000;
    const sums: tf.Tensor[] = [];
    for (let round = 0; round < 50; round++) {
      const x = tf.tensor1d(new Float32Array(size).fill(round));
      const y = x.add(0).add(0);
      sums.push(y.mean());
      tf.dispose([x, y]);
    }
    const means = await Promise.all(sums.map(async (sum) => (await sum.data())[0]));
    expect(means).toEqual(Array.from({ length: 50 }, (_, round) => round));
    tf.dispose(sums);
  });
});
