import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { trace } from '../src/index.js';
import { available, noise } from './reference.js';
import { callsOf, native, take } from './tracing.js';

describe.skipIf(!available)('trace, where numbers are drawn or change,', () => {
  beforeAll(() => tf.setBackend('onednn'));

  describe('draws the masks of dropout layers at each repetition', () => {
    /** Two masks of a layer, each with the gradient that has it too; and how often they were asked for in JavaScript. */
    const masksOf = (settings: { seed?: number } = {}) => {
      const layer = tf.layers.dropout({ rate: 0.5, ...settings }) as tf.layers.Layer as tf.layers.Layer & {
        seed?: number;
      };
      let calls = 0;
      const twice = (x: tf.Tensor) => {
        calls += 1;
        const { value, grad } = tf.valueAndGrad((a: tf.Tensor) => {
          const [left, right] = tf.split(a, 2);
          return tf.concat([left!, right!].map((half) => layer.apply(half, { training: true }) as tf.Tensor));
        })(x, tf.onesLike(x));
        return [value, grad];
      };
      return { layer, twice, calls: () => calls };
    };
    const x = () => tf.ones([800]);
    const halves = (values: number[]) => [values.slice(0, 400).join(), values.slice(400).join()];

    it('others for each use of a layer without a seed, the same in its gradient', () => {
      const { twice, calls } = masksOf();
      const traced = trace(twice);
      const masks = Array.from({ length: 6 }, () => {
        const [value, gradient] = traced(x()).map((tensor) => [...tensor.dataSync()]);
        expect(gradient).toEqual(value);
        expect(new Set(value)).toEqual(new Set([0, 2]));
        return halves(value!);
      }).flat();
      expect(new Set(masks).size).toBe(12);
      expect(calls()).toBe(2);
      traced.dispose();
    });

    it('those of the seed that a layer has at the time', () => {
      const { layer, twice, calls } = masksOf({ seed: 1 });
      const traced = trace(twice);
      for (const seed of [1, 1, 7, 2 ** 31, 0.3, 1]) {
        layer.seed = seed;
        const [actual, expected] = [traced, twice].map((f) => f(x()).map((tensor) => [...tensor.dataSync()]));
        expect(actual).toEqual(expected);
        const [left, right] = halves(actual![0]!);
        expect(left).toBe(right);
      }
      expect(calls()).toBe(6 + 2);
      delete layer.seed;
      const [first, second] = [0, 1].map(() => traced(x())[0]!.dataSync().join());
      expect(first).not.toBe(second);
      traced.dispose();
    });

    it('with a noise shape', () => {
      const layer = tf.layers.spatialDropout1d({ rate: 0.5 });
      const traced = trace((a: tf.Tensor) => layer.apply(a, { training: true }) as tf.Tensor);
      const results = Array.from({ length: 5 }, () => take(traced(tf.ones([2, 3, 100]))));
      expect(new Set(results.map((result) => result.join())).size).toBe(5);
      for (const result of results) expect(result.slice(0, 100)).toEqual(result.slice(100, 200));
      traced.dispose();
    });
  });

  it('draws the seeds of layers in the order in which the function does, and the same mask for the gradient', () => {
    const results = [true, false].map((isTraced) => {
      const [one, spatial, other] = [
        tf.layers.dropout({ rate: 0.5 }),
        tf.layers.spatialDropout1d({ rate: 0.3 }),
        tf.layers.dropout({ rate: 0.2, seed: 4 }),
      ];
      const drop = (x: tf.Tensor, layer: tf.layers.Layer) => layer.apply(x, { training: true }) as tf.Tensor;
      let calls = 0;
      const f = (x: tf.Tensor) => {
        calls += 1;
        const { value, grad } = tf.valueAndGrad((a: tf.Tensor) => [one, spatial, other, one].reduce(drop, a).mul(a))(
          x,
          tf.onesLike(x),
        );
        return [value, grad];
      };
      const traced = trace(f);
      let state = 7;
      const random = vi.spyOn(Math, 'random').mockImplementation(() => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return state / 2 ** 32;
      });
      const values = [1, 2, 3, 4, 5, 6].map((i) => {
        const x = noise([4, 5, 20], i);
        const values = (isTraced ? traced : f)(x).map((tensor) => [...take(tensor)]);
        x.dispose();
        return values;
      });
      random.mockRestore();
      traced.dispose();
      expect(calls).toBe(isTraced ? 2 : 6);
      return values;
    });
    expect(results[0]).toEqual(results[1]);
    expect(new Set(results[0]!.map(String)).size).toBe(6);
  });

  it.each<[string, (x: tf.Tensor) => tf.Tensor]>([
    ['Math.random', (x) => (Math.random() < 0.5 ? x.mul(2) : x.add(0))],
    ['tf.randomUniformInt', (x) => x.add(tf.randomUniformInt([1], 0, 2).toFloat())],
    ['a mask of two', (x) => x.mul(tf.randomUniform([2], 0, 2, 'bool').toFloat())],
    ['GaussianNoise', (x) => tf.layers.gaussianNoise({ stddev: 1 }).apply(x, { training: true }) as tf.Tensor],
  ])('runs the function each time where chance decides by %s, however few its outcomes', (_, f) => {
    let calls = 0;
    const traced = trace((x: tf.Tensor) => {
      calls += 1;
      return f(x);
    });
    const x = tf.ones([2]);
    for (let i = 0; i < 12; i++) traced(x).dispose();
    expect(calls).toBe(12);
    traced.dispose();
    x.dispose();
  });

  it('repeats a function that drew its weights once', () => {
    let [calls, weights] = [0, undefined as tf.Variable | undefined];
    const traced = trace((x: tf.Tensor) => {
      calls += 1;
      weights ??= tf.variable(tf.randomNormal([2]));
      return x.mul(weights);
    });
    const x = tf.ones([2]);
    const results = [1, 2, 3, 4, 5].map(() => take(traced(x)));
    expect(results).toEqual(results.map(() => weights!.dataSync()));
    expect(calls).toBe(3);
    traced.dispose();
    tf.dispose([x, weights!]);
  });

  it('leaves Math.random and the memory as they were where the function throws after a draw', () => {
    const { random } = Math;
    const layer = tf.layers.dropout({ rate: 0.5 });
    let fails = true;
    const traced = trace((x: tf.Tensor) => {
      const y = layer.apply(x, { training: true }) as tf.Tensor;
      if (fails) throw new Error('after the draw');
      return y;
    });
    const x = tf.ones([400]);
    const before = native();
    for (let i = 0; i < 3; i++) expect(() => traced(x)).toThrow('after the draw');
    expect(Math.random).toBe(random);
    expect(native()).toEqual(before);
    fails = false;
    expect(new Set([0, 1, 2, 3].map(() => take(traced(x)).join())).size).toBe(4);
    expect(callsOf(() => traced(x))).toBe(0);
    traced.dispose();
    x.dispose();
  });

  it('runs the function each time where two recordings differ: new layers, random numbers, a counter', () => {
    const x = tf.ones([400]);
    let count = 0;
    const scales = [1, 2, 3, 4, 5].map((value) => tf.variable(tf.scalar(value)));
    const functions = [
      (a: tf.Tensor) => tf.layers.dropout({ rate: 0.5 }).apply(a, { training: true }) as tf.Tensor,
      (a: tf.Tensor) => tf.dropout(a, 0.5),
      (a: tf.Tensor) => a.add(tf.randomNormal([400])),
      (a: tf.Tensor) => a.add(count++),
      (a: tf.Tensor) => a.clipByValue(0, 1 / ++count),
      (a: tf.Tensor) => a.mul(scales[count++ % 5]!),
      (a: tf.Tensor) => scales[count++ % 5]!.add(0).sum().add(a.slice(0, 1).mul(0)),
    ];
    for (const f of functions) {
      const traced = trace(f);
      const results = Array.from({ length: 5 }, () => take(traced(x)).join());
      expect(new Set(results).size).toBe(5);
      traced.dispose();
    }
    tf.dispose([x, ...scales]);
  });
});
