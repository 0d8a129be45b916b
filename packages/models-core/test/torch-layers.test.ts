import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { activation, dropout, globalAveragePool, kaimingFanOut, maxPool, relu, torchLayers } from '../src/index.js';
import { useTestBackend } from './backend.ts';
import { type ForwardGolden, loadTorchWeights, pictures } from './torch-goldens.ts';

interface LayerGolden extends ForwardGolden {
  readonly kind: string;
  readonly options: Record<string, number | boolean>;
}

const { cases } = JSON.parse(readFileSync(new URL('./goldens/layers.json', import.meta.url), 'utf8')) as {
  cases: LayerGolden[];
};

useTestBackend();

/** A model of what `layer` makes of an input of `shape`. */
function modelOf(shape: readonly number[], layer: (x: tf.SymbolicTensor) => tf.SymbolicTensor): tf.LayersModel {
  const input = tf.input({ shape: [...shape] });
  return tf.model({ inputs: input, outputs: layer(input) });
}

const weightsOf = (model: tf.LayersModel, name: string) =>
  model
    .getLayer(name)
    .getWeights()
    .map((weight) => [...weight.dataSync()]);

describe('a layer computes what it does in PyTorch', () => {
  const builders: Record<string, (x: tf.SymbolicTensor, options: Record<string, never>) => tf.SymbolicTensor> = {
    conv: (x, { bias, ...options }) =>
      torchLayers(0).conv('layer', x, 2, { ...options, ...(bias === false && { bias }) }),
    depthwiseConv: (x, options) => torchLayers(0).depthwiseConv('layer', x, { ...options, bias: false }),
    maxPool: (x, options) => maxPool('layer', relu('relu', x), options),
    batchNorm: (x) => torchLayers(0).batchNorm('layer', x),
    globalAveragePool: (x) => globalAveragePool('layer', x),
    swish: (x) => activation('layer', x, 'swish'),
  };

  it.each(cases.map((golden) => [golden.kind, JSON.stringify(golden.options), golden] as const))(
    '%s %s',
    (kind, _, { options, inputShape, tensors, logits: reference }) => {
      const model = modelOf(inputShape.slice(1), (x) => builders[kind]!(x, options as Record<string, never>));
      expect(loadTorchWeights(model, tensors).sort()).toEqual(Object.keys(tensors).sort());
      tf.tidy(() => {
        const x = pictures(inputShape).div(255).sub(0.5);
        const y = model.apply(x) as tf.Tensor;
        const channelsFirst = y.rank === 4 ? y.transpose([0, 3, 1, 2]) : y;
        expect(channelsFirst.size).toBe(reference.length);
        channelsFirst.dataSync().forEach((value, i) => {
          expect(Math.abs(value - reference[i]!)).toBeLessThan(2e-6);
        });
      });
      model.dispose();
    },
  );
});

describe('initial weights', () => {
  it('lie in U(+-1/sqrt(fanIn)) unless told otherwise', () => {
    const model = modelOf([8, 8, 16], (x) => {
      const y = torchLayers(1).conv('conv', x, 32, { kernelSize: 5 });
      return torchLayers(1).dense('dense', torchLayers(1).depthwiseConv('depthwise', y, { kernelSize: 5 }), 64);
    });
    for (const [name, fanIn] of Object.entries({ conv: 25 * 16, depthwise: 25, dense: 32 })) {
      const bound = 1 / Math.sqrt(fanIn);
      for (const values of weightsOf(model, name)) {
        const largest = Math.max(...values.map(Math.abs));
        expect(largest).toBeLessThanOrEqual(Math.fround(bound));
        expect(largest).toBeGreaterThan(0.9 * bound);
      }
    }
    model.dispose();
  });

  it('have the deviation asked for, also beyond twice of it', () => {
    const weight = kaimingFanOut(5, 64);
    expect(weight).toEqual({ normal: Math.sqrt(2 / (25 * 64)) });
    const model = modelOf([8, 8, 64], (x) =>
      torchLayers(1).conv('conv', x, 64, { kernelSize: 5, weight, bias: 'zeros' }),
    );
    const [kernel, bias] = weightsOf(model, 'conv') as [number[], number[]];
    const deviation = Math.sqrt(kernel.reduce((sum, x) => sum + x * x, 0) / kernel.length);
    // 102,400 numbers: the deviation's own deviation is 0.22%.
    expect(Math.abs(deviation / Math.sqrt(2 / 1600) - 1)).toBeLessThan(0.01);
    const beyond = kernel.filter((x) => Math.abs(x) > 2 * deviation).length / kernel.length;
    expect(Math.abs(beyond - 0.0455)).toBeLessThan(0.003);
    expect(new Set(bias)).toEqual(new Set([0]));
    model.dispose();
  });

  it('depend on the seed and the name alone', () => {
    const kernels = ([7, 7, 8] as const).map((seed) => {
      const model = modelOf([4, 4, 2], (x) => {
        const { conv } = torchLayers(seed);
        return conv('b', conv('a', x, 2), 2);
      });
      const weights = { a: weightsOf(model, 'a'), b: weightsOf(model, 'b') };
      model.dispose();
      return weights;
    });
    expect(kernels[0]).toEqual(kernels[1]);
    expect(kernels[0]!.a).not.toEqual(kernels[2]!.a);
    expect(kernels[0]!.a).not.toEqual(kernels[0]!.b);
  });

  it('of a batch normalisation may begin with 0', () => {
    const model = modelOf([2, 2, 3], (x) => torchLayers(0).batchNorm('norm', x, { gamma: 0 }));
    expect(weightsOf(model, 'norm')).toEqual([
      [0, 0, 0],
      [0, 0, 0],
      [0, 0, 0],
      [1, 1, 1],
    ]);
    model.dispose();
  });
});

describe('dropout', () => {
  /** What becomes of ones `[2000, 2, 2, 2]` in training, after saving and loading; each example as one string. */
  async function examples(rate: number, wholeExamples: boolean): Promise<string[]> {
    const model = modelOf([2, 2, 2], (x) => dropout('drop', relu('relu', x), rate, { wholeExamples }));
    const loaded = await tf.models.modelFromJSON(model.toJSON(null, false) as unknown as tf.io.ModelJSON);
    Object.assign(loaded.getLayer('drop'), { seed: 3 });
    const rows = tf.tidy(() => {
      const x = tf.ones([2000, 2, 2, 2]);
      expect((loaded.apply(x) as tf.Tensor).dataSync()).toEqual(x.dataSync());
      return (loaded.apply(x, { training: true }) as tf.Tensor).reshape([2000, 8]).arraySync() as number[][];
    });
    model.dispose();
    loaded.dispose();
    return rows.map((row) => row.join(' '));
  }

  it('of whole examples keeps or drops each as a whole, in training only', async () => {
    const rows = await examples(0.2, true);
    const dropped = rows.filter((row) => row === Array(8).fill(0).join(' ')).length;
    expect(rows.filter((row) => row === Array(8).fill(1.25).join(' '))).toHaveLength(2000 - dropped);
    expect(Math.abs(dropped / 2000 - 0.2)).toBeLessThan(0.03);
  });

  it('of single numbers does not', async () => {
    const rows = await examples(0.2, false);
    expect(new Set(rows).size).toBeGreaterThan(100);
    const dropped = rows.flatMap((row) => row.split(' ')).filter((x) => x === '0').length;
    expect(Math.abs(dropped / 16_000 - 0.2)).toBeLessThan(0.015);
  });

  it('of rate 0 makes no layer', () => {
    const x = tf.input({ shape: [4] });
    expect(dropout('drop', x, 0)).toBe(x);
  });
});
