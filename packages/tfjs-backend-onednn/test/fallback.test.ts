import * as tf from '@tensorflow/tfjs';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { fallbackCalls, registerFallbacks, resetFallbackCalls, runFallback } from '../src/fallback.js';

type Values = ReturnType<tf.KernelBackend['readSync']>;
type DataId = tf.TensorInfo['dataId'];

/** The least that the fallback asks of a backend: typed storage by id with a count of references. */
class StoreBackend extends tf.KernelBackend {
  readonly data = new tf.DataStorage<{ values: Values; dtype: tf.DataType; refs: number }>(this, tf.engine());

  override write(values: Values, _shape: number[], dtype: tf.DataType): DataId {
    const dataId = {};
    this.data.set(dataId, { values: dtype === 'string' ? values : values.slice(), dtype, refs: 1 });
    return dataId;
  }
  override move(dataId: DataId, values: Values, _shape: number[], dtype: tf.DataType, refs: number): void {
    this.data.set(dataId, { values, dtype, refs });
  }
  override readSync(dataId: DataId): Values {
    return this.data.get(dataId).values;
  }
  override async read(dataId: DataId): Promise<Values> {
    return this.readSync(dataId);
  }
  override incRef(dataId: DataId): void {
    this.data.get(dataId).refs++;
  }
  override refCount(dataId: DataId): number {
    return this.data.has(dataId) ? this.data.get(dataId).refs : 0;
  }
  override disposeData(dataId: DataId, force = false): boolean {
    if (!this.data.has(dataId)) return true;
    const entry = this.data.get(dataId);
    if (--entry.refs > 0 && !force) return false;
    this.data.delete(dataId);
    return true;
  }
  override numDataIds(): number {
    return this.data.numDataIds();
  }
  override memory() {
    return { unreliable: false };
  }
  override floatPrecision(): 16 | 32 {
    return 32;
  }
  override dispose(): void {}
}

const backend = new StoreBackend();
const dataIds = () => backend.numDataIds();

beforeAll(async () => {
  tf.registerBackend('store', () => backend);
  tf.registerKernel({
    kernelName: 'Neg',
    backendName: 'store',
    kernelFunc: ({ inputs, attrs, backend }) =>
      runFallback('Neg', { inputs, attrs, backend: backend as tf.KernelBackend }),
  });
  registerFallbacks('store');
  await tf.setBackend('store');
});

beforeEach(resetFallbackCalls);

describe('registerFallbacks', () => {
  it('covers every kernel of the plain JS backend', () => {
    const names = (name: string) => tf.getKernelsForBackend(name).map(({ kernelName }) => kernelName);
    expect(new Set(names('store'))).toEqual(new Set(names('cpu')));
  });

  it('leaves kernels alone that are registered already', () => {
    const before = tf.getKernel('Neg', 'store');
    registerFallbacks('store');
    expect(tf.getKernel('Neg', 'store')).toBe(before);
  });
});

describe('runFallback', () => {
  it('counts calls by kernel', () => {
    tf.tidy(() => tf.neg(tf.neg(tf.exp(1))).dataSync());
    expect(fallbackCalls()).toMatchObject({ Neg: 2, Exp: 1 });
    resetFallbackCalls();
    expect(fallbackCalls()).toEqual({});
  });

  it.each([
    ['one tensor', () => tf.exp([[0, 1]])],
    ['an optional input left out', () => tf.batchNorm(tf.ones([2, 2, 2, 3]), [1, 2, 3], [1, 1, 4])],
    ['a list of tensors', () => tf.concat([tf.ones([2, 1]), tf.zeros([2, 2])], 1)],
    ['several outputs', () => tf.concat(tf.split(tf.range(0, 6), 3).reverse())],
    ['bool', () => tf.logicalNot(tf.tensor1d([true, false, true]))],
    ['int32', () => tf.cast(tf.tensor1d([1.7, -2.2]), 'int32')],
    ['a cast without loss', () => tf.cast(tf.tensor1d([3, 4], 'int32'), 'float32')],
    ['string', () => tf.concat([tf.tensor1d(['a', 'é']), tf.tensor1d([''])])],
    ['complex64', () => tf.spectral.fft(tf.complex([1, 2, 3, 4], [0, 1, 0, -1]))],
    [
      'parts of a complex tensor',
      () => tf.add(tf.real(tf.complex([1, 2], [3, 4])), tf.imag(tf.complex([1, 2], [3, 4]))),
    ],
    ['no elements', () => tf.exp(tf.zeros([0, 3]))],
    ['a scalar', () => tf.abs(-3)],
  ])('agrees with the plain JS backend: %s', async (_, compute) => {
    const run = () => {
      const result = tf.tidy(compute);
      const { shape, dtype } = result;
      const values = Array.from(result.dataSync());
      result.dispose();
      return { shape, dtype, values };
    };
    const [tensors, ids] = [tf.memory().numTensors, dataIds()];
    const ours = run();
    expect(tf.memory().numTensors).toBe(tensors);
    expect(dataIds()).toBe(ids);

    await tf.setBackend('cpu');
    const theirs = run();
    await tf.setBackend('store');
    expect(ours).toEqual(theirs);
  });

  it('shares the data of an input that comes out again, until both are disposed', () => {
    const ids = dataIds();
    const x = tf.tensor1d([1, 2, 3, 4]);
    const y = x.reshape([2, 2]);
    const z = y.clone();
    expect(dataIds()).toBe(ids + 1);
    x.dispose();
    y.dispose();
    expect(Array.from(z.dataSync())).toEqual([1, 2, 3, 4]);
    z.dispose();
    expect(dataIds()).toBe(ids);
  });

  it('does not share data between dtypes', () => {
    tf.tidy(() => {
      const x = tf.tensor1d([1, 2], 'int32');
      const y = x.cast('float32');
      expect(y.dataId).not.toBe(x.dataId);
      expect(y.dataSync()).toBeInstanceOf(Float32Array);
    });
  });

  it('reads a tensor that another backend owns, once, without taking it for a copy', async () => {
    await tf.setBackend('cpu');
    const x = tf.tensor1d([1, 2]);
    await tf.setBackend('store');
    const y = tf.neg(x);
    expect(Array.from(y.dataSync())).toEqual([-1, -2]);
    y.dispose();
    expect(Array.from(x.dataSync())).toEqual([1, 2]);
    x.dispose();
  });

  it('passes on what the kernel throws', () => {
    const ids = dataIds();
    const x = tf.tensor1d([1, 2, 3]);
    expect(() => tf.engine().runKernel('Reshape', { x }, { shape: [2, 2] })).toThrow('must match the product of shape');
    x.dispose();
    expect(dataIds()).toBe(ids);
  });

  it('names a kernel that does not exist', () => {
    expect(() => runFallback('NoSuchKernel', { inputs: {}, backend })).toThrow(
      expect.objectContaining({ code: 'kernel-missing', received: 'NoSuchKernel' }),
    );
  });
});
