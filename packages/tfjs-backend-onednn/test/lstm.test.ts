import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  autocast,
  fallbackCalls,
  type LstmAttrs,
  type LstmInputs,
  lstm,
  nativeCalls,
  type OnednnBackend,
  resetFallbackCalls,
  resetNativeCalls,
} from '../src/index.js';
import { available, expectClose, expectSame, noise } from './reference.js';

type Layer = tf.layers.Layer;
type LstmArgs = Parameters<typeof tf.layers.lstm>[0];

const { lstm: golden } = JSON.parse(readFileSync(new URL('goldens/torch.json', import.meta.url), 'utf8')) as {
  lstm: Record<string, number[]>;
};

const SIGMOID: LstmAttrs = { recurrentActivation: 'sigmoid', goBackwards: false };

/** The stock layer; its own orthogonal weights need a decomposition that has no native kernels. */
const stock = (args: Partial<LstmArgs> = {}) =>
  tf.layers.lstm({ units: 6, recurrentInitializer: 'glorotNormal', ...args } as LstmArgs) as tf.RNN;

const bidirectional = (args: Partial<LstmArgs>, mergeMode: 'concat' | 'sum' | 'ave' | 'mul' | null) =>
  tf.layers.bidirectional({ layer: stock(args), mergeMode } as Parameters<typeof tf.layers.bidirectional>[0]);

/** The sum of products of all outputs with noise. */
const weighted = (outputs: tf.Tensor | tf.Tensor[]): tf.Scalar =>
  tf.addN([outputs].flat().map((output, i) => output.mul(noise(output.shape, 50 + i)).sum())).asScalar();

/** A layer's outputs for noise, and the gradients of its input, of initial states and of its weights, which are noise too. */
function outputsAndGradients(
  make: () => Layer,
  shape: readonly number[],
  states: readonly number[][] = [],
): tf.Tensor[] {
  const layer = make();
  const inputs = [shape, ...states].map((of, i) => noise(of, 30 + i));
  const run = ([x, ...initialState]: tf.Tensor[]) =>
    layer.apply(x!, initialState.length > 0 ? { initialState } : {}) as tf.Tensor | tf.Tensor[];
  run(inputs); // makes the weights
  layer.setWeights(layer.weights.map((weight, i) => noise(weight.shape as number[], i + 1).div(4)));
  const outputs = [run(inputs)].flat();
  const ofInputs = tf.grads((...xs: tf.Tensor[]) => weighted(run(xs)))(inputs);
  const variables = layer.trainableWeights.map((weight) => weight.read() as tf.Variable);
  const { grads } = tf.variableGrads(() => weighted(run(inputs)), variables);
  const results = [...outputs, ...ofInputs, ...variables.map(({ name }) => grads[name]!)].map((result) =>
    result.clone(),
  );
  tf.dispose(layer.weights.map((weight) => weight.read()));
  return results;
}

/** Kernel calls since the counts were reset. */
const fusedCalls = () => [nativeCalls().LSTM ?? 0, nativeCalls().LSTMGrad ?? 0];

describe.skipIf(!available)('LSTM', () => {
  beforeEach(async () => {
    await tf.setBackend('onednn');
    resetNativeCalls();
    resetFallbackCalls();
  });

  it('agrees with PyTorch in double precision, both directions, initial states and all gradients', () => {
    const directions = [0, 1];
    tf.tidy(() => {
      const x = noise([3, 5, 4], 1);
      const weights = directions.flatMap((i) =>
        [[4, 24], [6, 24], [24]].map((shape, j) => noise(shape, 10 + 3 * i + j).div(2)),
      );
      const run = (x: tf.Tensor, h: tf.Tensor, c: tf.Tensor, ...weights: tf.Tensor[]) => {
        const [hs, cs] = [tf.unstack(h), tf.unstack(c)];
        const both = directions.map((i) => {
          const [kernel, recurrentKernel, bias] = weights.slice(3 * i) as [tf.Tensor2D, tf.Tensor2D, tf.Tensor1D];
          const initialState = [hs[i], cs[i]] as [tf.Tensor2D, tf.Tensor2D];
          const inputs = { x: x as tf.Tensor3D, kernel, recurrentKernel, bias, initialState };
          const [y, lastH, lastC] = lstm(inputs, { ...SIGMOID, goBackwards: i === 1 });
          return [i === 1 ? y.reverse(1) : y, lastH, lastC] as [tf.Tensor, tf.Tensor, tf.Tensor];
        });
        const [y, ...last] = [0, 1, 2].map((k) => both.map((outputs) => outputs[k]!));
        return [tf.concat(y!, 2), ...last.map((states) => tf.stack(states))]; // [3, 5, 12], [2, 3, 6], [2, 3, 6]
      };
      const inputs = [x, noise([2, 3, 6], 2), noise([2, 3, 6], 3), ...weights];
      const names = [
        'dx',
        'dh',
        'dc',
        ...directions.flatMap((i) => [`dkernel${i}`, `drecurrentKernel${i}`, `dbias${i}`]),
      ];
      const loss = (...xs: tf.Tensor[]) => {
        const [x, h, c, ...weights] = xs as [tf.Tensor, tf.Tensor, tf.Tensor];
        return tf.addN(run(x, h, c, ...weights).map((output, i) => output.mul(noise(output.shape, 20 + i)).sum()));
      };
      const actual: Record<string, tf.Tensor> = {};
      for (const [i, output] of run(inputs[0]!, inputs[1]!, inputs[2]!, ...weights).entries())
        actual['yhc'[i]!] = output;
      for (const [i, gradient] of tf.grads(loss)(inputs).entries()) actual[names[i]!] = gradient;
      expect(Object.keys(actual).sort()).toEqual(Object.keys(golden).sort());
      for (const [name, tensor] of Object.entries(actual)) {
        const { shape, dtype } = tensor;
        expectClose({ shape, dtype, values: tensor.dataSync() }, { shape, dtype, values: golden[name]! });
      }
    });
  });

  const flags = [false, true];
  const combinations = (['sigmoid', 'hardSigmoid'] as const).flatMap((recurrentActivation) =>
    flags.flatMap((goBackwards) =>
      flags.flatMap((returnSequences) =>
        flags.flatMap((returnState) =>
          flags.map((useBias) => ({ recurrentActivation, goBackwards, returnSequences, returnState, useBias })),
        ),
      ),
    ),
  );
  it.each(combinations)('the stock layer gives what it gives elsewhere: %j', async (args) => {
    await expectSame(() => outputsAndGradients(() => stock(args), [3, 5, 4]));
    expect(fusedCalls()).toEqual([4, 2]); // two for values, one for each gradient
  });

  it.each([
    ['defaults', {}],
    ['implementation 1', { implementation: 1 }],
    ['implementation 2', { implementation: 2 }],
    ['forget bias 1', { unitForgetBias: true }],
    ['forget bias as it comes', { unitForgetBias: false }],
    ['dropout of nothing', { dropout: 0, recurrentDropout: 0 }],
    ['unrolled', { unroll: true }],
  ])('with settings that change nothing here: %s', async (_, args) => {
    await expectSame(() => outputsAndGradients(() => stock({ ...args, returnSequences: true } as LstmArgs), [2, 3, 4]));
    expect(fusedCalls()).toEqual([4, 2]);
  });

  it.each([
    [1, 2, 1, 1],
    [1, 9, 3, 20],
    [5, 4, 17, 33],
    [33, 3, 8, 40], // shared out among the threads, unevenly
  ])('of batch %i, %i steps, %i features, %i units', async (batch, steps, features, units) => {
    const shape = [batch, steps, features];
    await expectSame(() => outputsAndGradients(() => stock({ units, returnSequences: true }), shape));
    await expectSame(() => outputsAndGradients(() => stock({ units, goBackwards: true }), shape));
    expect(fusedCalls()).toEqual([8, 4]);
  });

  it.each([
    [1, 1, 1],
    [1, 5, 3],
    [7, 2, 16],
  ])(
    'of batch %i, one step, which tfjs itself does not differentiate, %i features, %i units',
    async (batch, features, units) => {
      const cell = (x: tf.Tensor, kernel: tf.Tensor, recurrentKernel: tf.Tensor, bias: tf.Tensor) => {
        const h = tf.zeros([batch, units]);
        const z = tf.addN([
          x.squeeze([1]).matMul(kernel),
          h.matMul(recurrentKernel),
          bias.broadcastTo([batch, 4 * units]),
        ]);
        const [i, , g, o] = tf.split(z, 4, 1); // c begins as zeros: nothing to forget
        const c = i!.sigmoid().mul(g!.tanh());
        return weighted([c.tanh().mul(o!.sigmoid())]);
      };
      await expectSame(() => {
        const shapes = [[batch, 1, features], [features, 4 * units], [units, 4 * units], [4 * units]];
        const native: typeof cell = (x, kernel, recurrentKernel, bias) =>
          weighted(lstm({ x, kernel, recurrentKernel, bias } as unknown as LstmInputs, SIGMOID)[1]);
        const f = (tf.getBackend() === 'onednn' ? native : cell) as (...inputs: tf.Tensor[]) => tf.Tensor;
        const { value, grads } = tf.valueAndGrads(f)(shapes.map((shape, i) => noise(shape, i + 1)));
        return [value, ...grads];
      });
      expect(fusedCalls()).toEqual([1, 1]);
    },
  );

  it.each([
    [{}, 'concat'],
    [{ returnSequences: true }, 'concat'],
    [{ returnSequences: true, recurrentActivation: 'sigmoid' }, 'sum'],
    [{ returnSequences: true, useBias: false }, 'ave'],
    [{ returnSequences: true, returnState: true }, 'mul'],
    [{ returnSequences: true, returnState: true }, null],
  ] as const)('both directions of Bidirectional: %j, merged by %s', async (args, mergeMode) => {
    await expectSame(() => outputsAndGradients(() => bidirectional(args, mergeMode), [3, 5, 4]));
    expect(fusedCalls()).toEqual([8, 4]);
  });

  it('initial states, with their gradients', async () => {
    const state = [3, 6];
    const args = { returnSequences: true, returnState: true };
    await expectSame(() => outputsAndGradients(() => stock(args), [3, 5, 4], [state, state]));
    expect(fusedCalls()).toEqual([4, 2]);
    const states = [state, state, state, state];
    await expectSame(() => outputsAndGradients(() => bidirectional({}, 'concat'), [3, 5, 4], states));
    expect(fusedCalls()).toEqual([12, 6]);
  });

  it('saturated gates, infinities and what is not a number', async () => {
    const values = [0, 1e-30, -3, 40, -1e10, 1e30, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN];
    for (const recurrentActivation of ['sigmoid', 'hardSigmoid'] as const) {
      await expectSame(() => {
        const layer = stock({ units: 2, recurrentActivation, returnSequences: true });
        const x = tf.tensor3d(values, [values.length, 1, 1]);
        layer.apply(x);
        layer.setWeights(layer.weights.map((weight, i) => noise(weight.shape as number[], i + 1)));
        const result = (layer.apply(x) as tf.Tensor).clone();
        tf.dispose(layer.weights.map((weight) => weight.read()));
        return result;
      });
    }
  });

  it('says which shapes belong together', () => {
    const of = (...shapes: number[][]) => {
      const [x, kernel, recurrentKernel, bias] = shapes.map((shape) => tf.zeros(shape));
      return () => lstm({ x, kernel, recurrentKernel, bias } as unknown as LstmInputs, SIGMOID);
    };
    tf.tidy(() => {
      expect(of([2, 3, 4], [4, 20], [6, 24], [24])).toThrow('[4,24], [6,24], [24], [2,6], [2,6], not [4,20], [6,24]');
      expect(of([2, 3, 4], [4, 24], [6, 20], [24])).toThrow(/LSTM/);
      expect(of([2, 3, 4], [4, 24], [6, 24], [6])).toThrow(/LSTM/);
    });
  });

  describe('runs step by step', () => {
    it.each([
      ['with another activation', { activation: 'relu' }],
      ['with another recurrent activation', { recurrentActivation: 'tanh' }],
    ] as const)('%s', async (_, args) => {
      await expectSame(() => outputsAndGradients(() => stock(args), [2, 3, 4]));
      expect(fusedCalls()).toEqual([0, 0]);
    });

    it('under a mask', async () => {
      await expectSame(() => {
        const model = tf.sequential({
          layers: [
            tf.layers.masking({ inputShape: [3, 2] }),
            stock({ kernelInitializer: 'ones', returnSequences: true }),
          ],
        });
        model.layers[1]!.setWeights(model.layers[1]!.weights.map(({ shape }, i) => noise(shape as number[], i).div(4)));
        const x = tf.tensor3d([1, 2, 0, 0, 3, -1, 0, 0, 2, 1, 0, 0], [2, 3, 2]);
        const y = model.predict(x) as tf.Tensor;
        model.dispose();
        return y;
      });
      expect(fusedCalls()).toEqual([0, 0]);
    });

    it('with dropout while training, else not', () => {
      for (const args of [{ dropout: 0.5 }, { recurrentDropout: 0.5 }]) {
        const layer = stock(args);
        const x = noise([2, 3, 4]);
        tf.dispose(layer.apply(x, { training: true }) as tf.Tensor);
        expect(fusedCalls()).toEqual([0, 0]);
        tf.dispose(layer.apply(x, { training: false }) as tf.Tensor);
        expect(fusedCalls()).toEqual([1, 0]);
        resetNativeCalls();
        tf.dispose([x, ...layer.weights.map((weight) => weight.read())]);
      }
    });

    it('with a state that is kept between batches', () => {
      const model = tf.sequential({ layers: [stock({ stateful: true, batchInputShape: [2, 3, 4] })] });
      const x = noise([2, 3, 4]);
      const [first, second] = [0, 1].map(() => (model.predict(x) as tf.Tensor).dataSync());
      expect(first).not.toEqual(second);
      expect(fusedCalls()).toEqual([0, 0]);
      model.dispose();
      x.dispose();
    });

    it('where a gradient is differentiated again', async () => {
      await expectSame(() => {
        const layer = stock({ recurrentActivation: 'sigmoid', returnSequences: true });
        const x = noise([2, 3, 4], 9);
        layer.apply(x);
        layer.setWeights(layer.weights.map((weight, i) => noise(weight.shape as number[], i + 1).div(4)));
        const f = (x: tf.Tensor) => (layer.apply(x) as tf.Tensor).square().sum();
        const second = tf.grad((x: tf.Tensor) => tf.grad(f)(x).square().sum())(x);
        tf.dispose(layer.weights.map((weight) => weight.read()));
        return second;
      });
      expect(fusedCalls()).toEqual([1, 0]);
    });
  });

  /** Columns of a convolution's map read in both directions: `[B, 8, 2 T, 1] -> [B, 4]`. */
  function convLstm(steps: number, units: number): tf.LayersModel {
    const on = (layer: Layer, x: tf.SymbolicTensor) => layer.apply(x) as tf.SymbolicTensor;
    const input = tf.input({ shape: [8, 2 * steps, 1] });
    let x = on(tf.layers.conv2d({ filters: 6, kernelSize: 3, strides: 2, padding: 'same' }), input); // [B, 4, T, 6]
    x = on(tf.layers.reshape({ targetShape: [steps, 24] }), on(tf.layers.permute({ dims: [2, 1, 3] }), x));
    x = on(bidirectional({ units }, 'concat'), x); // [B, 2 U]
    return tf.model({ inputs: input, outputs: on(tf.layers.dense({ units: 4 }), x) });
  }

  it('in a net: no fallback, few native calls whatever the size, nothing left behind', () => {
    const backend = tf.backend() as OnednnBackend;
    const counts = [
      [3, 4],
      [24, 40],
    ].map(([steps, units]) => {
      const model = convLstm(steps!, units!);
      const x = noise([2, 8, 2 * steps!, 1]);
      const labels = tf.oneHot([1, 3], 4).toFloat();
      const optimizer = tf.train.sgd(0.1);
      const losses: number[] = [];
      const step = () => {
        const loss = optimizer.minimize(
          () => tf.losses.softmaxCrossEntropy(labels, model.apply(x, { training: true }) as tf.Tensor).asScalar(),
          true,
        )!;
        losses.push(loss.dataSync()[0]!);
        loss.dispose();
      };
      step();
      const [tensors, bytes] = [tf.memory().numTensors, backend.nativeMemory().liveBytes];
      resetNativeCalls();
      backend.resetProfile();
      step();
      expect(fallbackCalls()).toEqual({});
      expect(fusedCalls()).toEqual([2, 2]);
      expect([tf.memory().numTensors, backend.nativeMemory().liveBytes]).toEqual([tensors, bytes]);
      expect(losses[1]).toBeLessThan(losses[0]!);
      const operations = backend.profile().reduce((sum, { calls }) => sum + calls, 0);
      model.dispose();
      optimizer.dispose();
      tf.dispose([x, labels]);
      return [Object.values(nativeCalls()).reduce((sum, calls) => sum + calls, 0), operations];
    });
    expect(counts[1]).toEqual(counts[0]);
    expect(counts[0]![0]).toBeLessThan(150);
  });

  it('takes no zeros from JavaScript for outputs that nobody uses, and computes none', async () => {
    const layer = stock({ units: 32 });
    const x = noise([4, 16, 8]);
    tf.dispose(layer.apply(x) as tf.Tensor);
    const backend = tf.backend() as OnednnBackend;
    backend.resetProfile();
    tf.tidy(() => tf.variableGrads(() => (layer.apply(x) as tf.Tensor).square().sum().asScalar()));
    const operations = Object.fromEntries(backend.profile().map(({ op, calls }) => [op, calls]));
    expect(operations).toMatchObject({ lstm: 1, lstm_grad: 1, matmul: 3 });
    expect(operations.fill).toBeUndefined();
    tf.dispose([x, ...layer.weights.map((weight) => weight.read())]);
  });

  it.each([
    ['onednn', 'cpu'],
    ['cpu', 'onednn'],
  ])('a model saved on %s gives the same on %s', async (from, to) => {
    await tf.setBackend(from);
    const model = convLstm(3, 5);
    const x = noise([2, 8, 6, 1]);
    const y = (model.predict(x) as tf.Tensor).dataSync();
    let saved: tf.io.ModelArtifacts | undefined;
    await model.save(
      tf.io.withSaveHandler(async (artifacts) => {
        saved = artifacts;
        return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
      }),
    );
    expect(JSON.stringify(saved!.modelTopology)).toMatch(/"class_name":"LSTM"/);
    await tf.setBackend(to);
    const loaded = await tf.loadLayersModel(tf.io.fromMemory(saved!));
    const again = loaded.predict(noise([2, 8, 6, 1])) as tf.Tensor;
    const { shape, dtype } = again;
    expectClose({ shape, dtype, values: again.dataSync() }, { shape, dtype, values: y });
    model.dispose();
    loaded.dispose();
    tf.dispose([x, again]);
    await tf.setBackend('onednn');
  });

  it('under bfloat16 takes products of it, while the recurrence and its gradient stay float32', () => {
    const inputs = [noise([8, 12, 16], 1), noise([16, 128], 2).div(8), noise([32, 128], 3).div(8), noise([128], 4)];
    const loss = (x: tf.Tensor, kernel: tf.Tensor, recurrentKernel: tf.Tensor, bias: tf.Tensor) => {
      return weighted(lstm({ x, kernel, recurrentKernel, bias } as unknown as LstmInputs, SIGMOID));
    };
    const gradients = () => tf.grads(loss as (...xs: tf.Tensor[]) => tf.Tensor)(inputs);
    const exact = gradients();
    const rounded = autocast('bfloat16', gradients);
    const backend = tf.backend() as OnednnBackend;
    const storages = rounded.map((gradient) => {
      gradient.dataSync(); // what is deferred has been computed then
      return backend.data.get(gradient.dataId).buffer?.storage;
    });
    expect(storages).toEqual([3, 3, 0, 0]);
    for (const [i, gradient] of rounded.entries()) {
      const error = tf.tidy(() => gradient.sub(exact[i]!).norm().div(exact[i]!.norm()).dataSync()[0]!);
      expect(error).toBeGreaterThan(0);
      expect(error).toBeLessThan(0.02);
    }
    tf.dispose([...inputs, ...exact, ...rounded]);
  });
});
