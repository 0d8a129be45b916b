import * as tf from '@tensorflow/tfjs';
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { autocast, nativeCalls, resetNativeCalls, trace } from '../src/index.js';
import { available, noise } from './reference.js';
import { callsOf, native, take } from './tracing.js';

type Gradients = (x: tf.Tensor, y: tf.Tensor) => tf.Tensor[];

function smallModel(): tf.LayersModel {
  const input = tf.input({ shape: [12, 12, 3] });
  let x = tf.layers.conv2d({ filters: 16, kernelSize: 3, padding: 'same', useBias: false }).apply(input);
  x = tf.layers.reLU().apply(tf.layers.batchNormalization().apply(x));
  const y = tf.layers.conv2d({ filters: 16, kernelSize: 3, padding: 'same' }).apply(x) as tf.SymbolicTensor;
  const sum = tf.layers
    .add()
    .apply([tf.layers.batchNormalization().apply(y) as tf.SymbolicTensor, x as tf.SymbolicTensor]);
  const pooled = tf.layers.globalAveragePooling2d({}).apply(tf.layers.reLU().apply(sum));
  const output = tf.layers.dense({ units: 10, activation: 'softmax' }).apply(pooled) as tf.SymbolicTensor;
  return tf.model({ inputs: input, outputs: output });
}

describe.skipIf(!available)('trace', () => {
  beforeAll(() => tf.setBackend('onednn'));

  it('repeats a prediction natively, with the same values for other pictures, and keeps nothing of them', () => {
    const model = smallModel();
    const predict = (x: tf.Tensor) => model.predictOnBatch(x) as tf.Tensor;
    const traced = trace(predict);
    const pictures = [1, 2, 3].map((seed) => noise([2, 12, 12, 3], seed));
    for (let i = 0; i < 3; i++) traced(pictures[0]!).dispose();
    const before = native();
    for (const x of pictures) {
      const expected = take(predict(x));
      expect(take(traced(x))).toEqual(expected);
    }
    expect(native()).toEqual(before);
    expect(callsOf(() => predict(pictures[0]!))).toBeGreaterThan(8);
    expect(callsOf(() => traced(pictures[0]!))).toBe(0);

    traced.dispose();
    model.dispose();
    tf.dispose(pictures);
  });

  it('records anew for other shapes, another precision, changed weights, and those of another model in their place', () => {
    const model = smallModel();
    const predict = (x: tf.Tensor) => model.predictOnBatch(x) as tf.Tensor;
    const traced = trace(predict);
    const check = (x: tf.Tensor) => {
      const expected = take(predict(x));
      for (let i = 0; i < 4; i++) expect(take(traced(x))).toEqual(expected);
    };
    const [one, three] = [noise([1, 12, 12, 3], 1), noise([3, 12, 12, 3], 2)];
    check(one);
    check(three);
    const inFloat32 = take(traced(one));
    autocast('bfloat16', () => check(one));
    expect(take(traced(one))).toEqual(inFloat32);

    for (let round = 0; round < 3; round++) {
      const weights = model.getWeights().map((weight, i) => noise(weight.shape, 10 * round + i).abs());
      model.setWeights(weights);
      check(one);
      expect(take(traced(one))).not.toEqual(inFloat32);
    }
    traced.dispose();
    model.dispose();
    tf.dispose([one, three]);
  });

  it('sees a variable that training has assigned', () => {
    const scale = tf.variable(tf.scalar(2));
    const traced = trace((x: tf.Tensor) => x.mul(scale));
    const x = tf.tensor([1, 2, 3]);
    for (const value of [2, 5, 7]) {
      scale.assign(tf.scalar(value)); // The old value lives on as a tensor.
      for (let i = 0; i < 3; i++) expect([...take(traced(x))]).toEqual([value, 2 * value, 3 * value]);
    }
    traced.dispose();
    tf.dispose([x, scale]);
  });

  it('repeats the gradients of a training step, which go on with what the optimizer and the normalisation assigned', () => {
    const weightsAfter = (traceOrNot: typeof trace | ((f: Gradients) => Gradients)) => {
      const model = smallModel();
      model.setWeights(model.getWeights().map((weight, i) => noise(weight.shape, i).abs()));
      const variables = model.trainableWeights.map((weight) => (weight as unknown as { val: tf.Variable }).val);
      const optimizer = tf.train.momentum(0.01, 0.9);
      const gradients = (traceOrNot as typeof trace)((x: tf.Tensor, y: tf.Tensor) => {
        const { value, grads } = tf.variableGrads(() => {
          const probabilities = model.apply(x, { training: true }) as tf.Tensor;
          return tf.losses.softmaxCrossEntropy(y, probabilities) as tf.Scalar;
        }, variables);
        return [value, ...variables.map(({ name }) => grads[name]!)];
      });
      let calls = 0;
      for (let step = 0; step < 5; step++) {
        const [x, y] = [noise([4, 12, 12, 3], step), noise([4, 10], 50 + step).abs()];
        resetNativeCalls();
        const [loss, ...grads] = gradients(x, y);
        calls = nativeCalls().Conv2DBackpropFilter ?? 0;
        optimizer.applyGradients(grads.map((tensor, i) => ({ name: variables[i]!.name, tensor })));
        tf.dispose([x, y, loss!, ...grads]);
      }
      if ('dispose' in gradients) (gradients.dispose as () => void)();
      const weights = model.getWeights().map((weight) => [...weight.dataSync()]);
      model.dispose();
      optimizer.dispose();
      return { weights, calls };
    };
    const direct = weightsAfter((f: Gradients) => f);
    const traced = weightsAfter(trace);
    expect(traced.weights).toEqual(direct.weights);
    expect({ traced: traced.calls, direct: direct.calls }).toEqual({ traced: 0, direct: 2 });
  });

  it('keeps apart what shares data: variables of two models, a variable and its clone, an input and a tensor outside', () => {
    const [a, b] = [tf.variable(tf.tensor([1, 2])), tf.variable(tf.tensor([0, 0]))];
    b.assign(a);
    const clone = a.clone();
    const x = tf.tensor([10, 20]);
    const ofA = trace((t: tf.Tensor) => t.add(a));
    const ofB = trace((t: tf.Tensor) => t.add(b));
    const ofClone = trace((t: tf.Tensor) => t.add(clone));
    for (let i = 0; i < 4; i++) {
      if (i === 2) a.assign(tf.tensor([5, 5]));
      expect([...take(ofA(x))]).toEqual(i < 2 ? [11, 22] : [15, 25]);
      expect([...take(ofB(x))]).toEqual([11, 22]);
      expect([...take(ofClone(x))]).toEqual([11, 22]);
    }
    const difference = trace((t: tf.Tensor) => t.sub(x));
    for (let i = 0; i < 3; i++) expect([...take(difference(x))]).toEqual([0, 0]);
    expect([...take(difference(clone))]).toEqual([-9, -18]);
    const sum = trace((t: tf.Tensor, u: tf.Tensor) => t.add(u));
    for (let i = 0; i < 3; i++) expect([...take(sum(x, x))]).toEqual([20, 40]);
    expect([...take(sum(x, clone))]).toEqual([11, 22]);
    for (const traced of [ofA, ofB, ofClone, difference, sum]) traced.dispose();
    tf.dispose([a, b, clone, x]);
  });

  it('computes from weights that it computes itself, each convolution from its own', () => {
    const x = noise([1, 8, 8, 16], 1);
    const scales = [2, 3, 5, 7].map((value) => tf.scalar(value));
    const w = noise([3, 3, 16, 16], 2);
    const f = (t: tf.Tensor) =>
      scales.map((scale) => tf.conv2d(t as tf.Tensor4D, w.mul(scale) as tf.Tensor4D, 1, 'same').sum());
    const traced = trace(f);
    const valuesOf = (tensors: tf.Tensor[]) => tensors.map((tensor) => take(tensor)[0]);
    const expected = valuesOf(f(x));
    for (let i = 0; i < 20; i++) expect(valuesOf(traced(x))).toEqual(expected);
    traced.dispose();
    tf.dispose([x, w, ...scales]);
  });

  it('returns a tensor or an array as the function does for each shape', () => {
    const traced = trace((a: tf.Tensor): tf.Tensor | tf.Tensor[] => (a.size > 2 ? [a.neg()] : a.neg()));
    for (let i = 0; i < 4; i++) {
      for (const values of [[1], [1, 2, 3]]) {
        const x = tf.tensor(values);
        const result = traced(x) as tf.Tensor | tf.Tensor[];
        expect(Array.isArray(result)).toBe(values.length > 2);
        tf.dispose([x, ...[result].flat()]);
      }
    }
    traced.dispose();
  });

  it('records anew once an outside tensor has gone', () => {
    let outside = tf.tensor([1, 2]);
    const traced = trace((a: tf.Tensor) => a.add(outside));
    const x = tf.tensor([10, 10]);
    for (let i = 0; i < 8; i++) {
      if (i === 4) {
        outside.dispose();
        outside = tf.tensor([3, 4]);
      }
      expect([...take(traced(x))]).toEqual(i < 4 ? [11, 12] : [13, 14]);
    }
    traced.dispose();
    tf.dispose([outside, x]);
  });

  it('gives back all it held', () => {
    const outside = noise([64], 1);
    const x = noise([64], 2);
    const before = native();
    const traced = trace((a: tf.Tensor) =>
      a
        .add(outside)
        .mul(tf.tensor1d(new Float32Array(64).fill(3)))
        .relu(),
    );
    for (let i = 0; i < 4; i++) traced(x).dispose();
    expect(native().liveBuffers).toBe(before.liveBuffers + 1);
    traced.dispose();
    traced.dispose();
    expect(native()).toEqual(before);
    traced(x).dispose();
    traced.dispose();
    tf.dispose([outside, x]);
  });

  it('holds the programs of eight shapes and no more', () => {
    const before = native();
    const traced = trace((a: tf.Tensor) => a.add(tf.scalar(1)));
    for (let n = 1; n <= 20; n++) {
      const x = tf.ones([n]);
      for (let i = 0; i < 2; i++) expect([...take(traced(x))]).toEqual(new Array(n).fill(2));
      x.dispose();
    }
    expect(native().liveBuffers - before.liveBuffers).toBe(8);
    traced.dispose();
    expect(native()).toEqual(before);
  });

  it('records a shape that others kept out, once it is used again', () => {
    let calls = 0;
    const traced = trace((a: tf.Tensor) => {
      calls += 1;
      return a.add(1);
    });
    const inputs = Array.from({ length: 9 }, (_, i) => tf.ones([i + 1]));
    for (let round = 0; round < 5; round++) for (const x of inputs) traced(x).dispose();
    const before = calls;
    for (let i = 0; i < 6; i++) traced(inputs[0]!).dispose();
    expect(calls - before).toBe(2);
    traced.dispose();
    tf.dispose(inputs);
  });

  it("returns several tensors, inputs, parts of one buffer and constants, each the caller's own", () => {
    const constant = tf.tensor([7, 8]);
    const traced = trace((a: tf.Tensor, b: tf.Tensor) => {
      const sum = a.add(b);
      return [sum, sum.reshape([2, 1]), b, constant.clone(), tf.tensor([9])];
    });
    const before = native();
    for (const start of [1, 2, 3, 4]) {
      const [a, b] = [tf.tensor([start, 2]), tf.tensor([10, 20])];
      const results = traced(a, b);
      a.dispose();
      b.dispose();
      const values = results.map((tensor) => [...tensor.dataSync()]);
      expect(values).toEqual([[start + 10, 22], [start + 10, 22], [10, 20], [7, 8], [9]]);
      expect(results.map(({ shape }) => shape)).toEqual([[2], [2, 1], [2], [2], [1]]);
      for (const tensor of results) tensor.dispose();
    }
    expect(native().tensors).toBe(before.tensors);
    traced.dispose();
    expect(native()).toEqual(before);
    constant.dispose();
  });

  it('runs the function as it is where a recording would be wrong', () => {
    const traced = trace((a: tf.Tensor, b: tf.Tensor) => a.mul(b));
    const [x, y] = [tf.tensor([2, 3]), tf.tensor([5, 7])];
    for (let i = 0; i < 2; i++) {
      expect([...take(traced(x, x))]).toEqual([4, 9]);
      expect([...take(traced(x, y))]).toEqual([10, 21]);
    }
    const gradient = tf.grad((a) => traced(a, y).sum());
    for (let i = 0; i < 2; i++) expect([...take(gradient(x))]).toEqual([5, 7]);
    const nested = trace((a: tf.Tensor) => traced(a, y).add(1));
    for (let i = 0; i < 3; i++) expect([...take(nested(x))]).toEqual([11, 22]);
    traced.dispose();
    nested.dispose();
    tf.dispose([x, y]);
  });

  it('refuses indices that do not exist in a repetition as in a call, and tells of computed ones at the next read', () => {
    const table = noise([3, 2], 1);
    const one = tf.scalar(1, 'int32');
    const look = (indices: tf.Tensor) => tf.gather(table, indices.reshape([-1]) as tf.Tensor1D);
    const given = trace(look);
    const computed = trace((indices: tf.Tensor) => look(indices.add(one)));
    const indices = (...values: number[]) => tf.tensor2d(values, [1, values.length], 'int32');
    const [right, wrong] = [indices(0, 1), indices(1, 7)];
    const rows = table.dataSync();
    for (let i = 0; i < 3; i++) {
      expect(take(given(right))).toEqual(rows.slice(0, 4));
      expect(take(computed(right))).toEqual(rows.slice(2, 6));
    }
    const before = native();
    const refused = expect.objectContaining({ code: 'index-out-of-range', received: '7' });
    expect(() => given(wrong)).toThrow(refused);
    expect(native()).toEqual(before);
    const result = computed(wrong);
    expect(() => result.dataSync()).toThrow(/gather \[3,2\] \[2\] \[2,2\]: index 8 is not in \[0, 2\]/);
    result.dispose();
    expect(native()).toEqual(before);
    expect(take(given(right))).toEqual(rows.slice(0, 4));
    expect(take(computed(right))).toEqual(rows.slice(2, 6));
    for (const traced of [given, computed]) traced.dispose();
    tf.dispose([table, one, right, wrong]);
  });

  it('gives what it gives alone where other work is under way, and where another call waits for it', async () => {
    const x = noise([1, 8, 8, 4], 1);
    const filter = noise([3, 3, 4, 8], 2) as tf.Tensor4D;
    const traced = trace((a: tf.Tensor) => tf.conv2d(a as tf.Tensor4D, filter, 1, 'same').relu());
    const expected = [0, 1, 2].map(() => take(traced(x)))[0]!;
    const large = noise([600, 600], 3) as tf.Tensor2D;
    const busy = tf.tidy(() => tf.matMul(tf.matMul(large, large), large));
    const results = [traced(x), traced(x)];
    const after = tf.tidy(() => results[1]!.add(1));
    expect(await results[0]!.data()).toEqual(expected);
    expect(await after.data()).toEqual(expected.map((value) => value + 1));
    traced.dispose();
    tf.dispose([x, filter, large, busy, after, ...results]);
  });

  it('works in the debug mode of tfjs, which reads all values, without a recording', async () => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
    tf.env().set('DEBUG', true);
    try {
      const traced = trace((a: tf.Tensor) => a.square());
      const x = tf.tensor([2, 3]);
      for (let i = 0; i < 3; i++) expect([...take(traced(x))]).toEqual([4, 9]);
      await new Promise((resolve) => setTimeout(resolve, 20)); // What nobody caught would come now.
      x.dispose();
    } finally {
      tf.env().set('DEBUG', false);
      log.mockRestore();
    }
  });

  it('works on another backend, without a recording', async () => {
    await tf.setBackend('cpu');
    const traced = trace((a: tf.Tensor) => a.square());
    const x = tf.tensor([2, 3]);
    for (let i = 0; i < 2; i++) expect([...take(traced(x))]).toEqual([4, 9]);
    x.dispose();
    await tf.setBackend('onednn');
  });

  describe('refuses', () => {
    const x = () => tf.tensor([1, -2, 3]);
    beforeEach(() => tf.setBackend('onednn'));

    it.each([
      ['a read', (a: tf.Tensor) => a.mul(a.dataSync()[0]!), /reads values/],
      [
        'what only JavaScript computes',
        (a: tf.Tensor) => tf.unique(a as tf.Tensor1D).values as tf.Tensor,
        /reads values/,
      ],
      ['a promise', (async (a: tf.Tensor) => a) as unknown as (a: tf.Tensor) => tf.Tensor, /promise/],
      ['a complex tensor', (a: tf.Tensor) => tf.complex(a, a), /complex64/],
      ['a number', (() => 3) as unknown as (a: tf.Tensor) => tf.Tensor, /received: 3|3/],
    ])('%s, and leaves nothing', (_, f, message) => {
      const input = x();
      const before = native();
      const traced = trace((a: tf.Tensor) => f(a.add(tf.tensor([1, 1, 1]))));
      expect(() => traced(input)).toThrow(expect.objectContaining({ code: 'not-traceable' }));
      expect(() => traced(input)).toThrow(message);
      expect(native()).toEqual(before);
      const after = trace((a: tf.Tensor) => a.add(1));
      expect([...take(after(input))]).toEqual([2, -1, 4]);
      after.dispose();
      input.dispose();
    });
  });
});
