import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { AdamWUpdateAttrs, SgdUpdateAttrs } from '../src/index.js';
import { batchNormTrain } from '../src/index.js';
import { available, expectClose, noise } from './reference.js';

const golden = JSON.parse(readFileSync(new URL('goldens/torch.json', import.meta.url), 'utf8')) as {
  convBnRelu: Record<string, number[]>;
} & Record<'adamw' | 'adam' | 'sgd' | 'momentum' | 'nesterov', number[][]>;

function expectGolden(actual: tf.Tensor, expected: readonly number[], tolerance = 1e-5): void {
  const { shape, dtype } = actual;
  expectClose({ shape, dtype, values: actual.dataSync() }, { shape, dtype, values: expected }, { tolerance });
}

describe.skipIf(!available)('agrees with PyTorch in double precision', () => {
  beforeAll(() => tf.setBackend('onednn'));

  it('gradients of convolution, training batch normalisation and ReLU', () => {
    const wanted = golden.convBnRelu;
    tf.tidy(() => {
      const inputs = [noise([2, 6, 7, 5], 1), noise([3, 3, 5, 8], 2), noise([8], 3), noise([8], 4)];
      const forward = (x: tf.Tensor, w: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor) => {
        const conv = tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'same'); // [2, 6, 7, 8]
        const [y, mean, variance] = batchNormTrain(conv, gamma as tf.Tensor1D, beta as tf.Tensor1D, 1e-3);
        return { y: y.add(16).relu(), mean, variance };
      };
      const [x, w, gamma, beta] = inputs as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
      const { y, mean, variance } = forward(x, w, gamma, beta);
      expectGolden(y, wanted.y!);
      expectGolden(mean, wanted.mean!);
      expectGolden(variance, wanted.variance!);
      const loss = (...xs: tf.Tensor[]) => {
        const { y } = forward(xs[0]!, xs[1]!, xs[2]!, xs[3]!);
        return y.mul(noise(y.shape, 9)).sum();
      };
      const [dx, dw, dgamma, dbeta] = tf.grads(loss)(inputs);
      expectGolden(dx!, wanted.dx!);
      expectGolden(dw!, wanted.dw!);
      expectGolden(dgamma!, wanted.dgamma!);
      expectGolden(dbeta!, wanted.dbeta!);
    });
  });

  it.each([
    ['adamw', true],
    ['adam', false],
  ] as const)('AdamWUpdate as torch.optim.%s', (name, decoupled) => {
    const { kernelFunc } = tf.getKernel('AdamWUpdate', 'onednn')!;
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      let [variable, m, v]: tf.Tensor[] = [noise([33], 5), tf.zeros([33]), tf.zeros([33])];
      for (const [t, wanted] of golden[name].entries()) {
        const attrs: AdamWUpdateAttrs = {
          learningRate: 0.02,
          beta1: 0.8,
          beta2: 0.95,
          epsilon: 1e-6,
          weightDecay: 0.1,
          biasCorrection1: 1 - 0.8 ** (t + 1),
          biasCorrection2: 1 - 0.95 ** (t + 1),
          decoupled,
        };
        const inputs = { variable: variable!, gradient: noise([33], 10 + t), m: m!, v: v! };
        [variable, m, v] = run('AdamWUpdate', inputs, attrs);
        expectGolden(variable!, wanted);
      }
    });
    expect(kernelFunc).toBeTypeOf('function');
    expect(tf.memory().numTensors).toBe(before);
  });

  it.each([
    ['sgd', { momentum: 0, dampening: 0, weightDecay: 0.01, nesterov: false }],
    ['momentum', { momentum: 0.9, dampening: 0.3, weightDecay: 0.01, nesterov: false }],
    ['nesterov', { momentum: 0.9, dampening: 0, weightDecay: 0, nesterov: true }],
  ] as const)('SgdUpdate as torch.optim.SGD: %s', (name, settings) => {
    tf.tidy(() => {
      let [variable, momentumBuffer]: tf.Tensor[] = [noise([33], 5), tf.zeros([33])];
      for (const [t, wanted] of golden[name].entries()) {
        const attrs: SgdUpdateAttrs = { learningRate: 0.05, ...settings, first: t === 0 };
        const inputs = { variable: variable!, gradient: noise([33], 10 + t), momentumBuffer: momentumBuffer! };
        [variable, momentumBuffer] = run('SgdUpdate', inputs, attrs);
        expectGolden(variable!, wanted);
      }
    });
  });
});

function run(kernelName: string, inputs: tf.NamedTensorMap, attrs: object): tf.Tensor[] {
  return tf.engine().runKernel(kernelName, inputs, attrs as tf.NamedAttrMap) as unknown as tf.Tensor[];
}
