import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { adam, adamW, type Optimizer, sgd } from '../src/index.js';
import { golden, gradientsOf, names, relativeError, startVariables } from './golden.js';

interface Call {
  readonly inputs: readonly string[];
  readonly attributes: Readonly<Record<string, unknown>>;
}

const calls: Call[] = [];

/** Registers a kernel on the cpu backend that computes each element in double precision. */
function registerElementwise(
  kernelName: string,
  compute: (x: Record<string, number>, attributes: Record<string, number>) => readonly number[],
): void {
  tf.registerKernel({
    kernelName,
    backendName: 'cpu',
    kernelFunc: ({ inputs, attrs, backend }) => {
      const attributes = { ...attrs } as Record<string, number>;
      const cpu = backend as {
        readSync(dataId: tf.DataId): Float32Array;
        makeTensorInfo(shape: number[], dtype: 'float32', values: Float32Array): tf.TensorInfo;
      };
      calls.push({ inputs: Object.keys(inputs), attributes });
      const values = Object.entries(inputs).map(([name, info]) => [name, cpu.readSync(info!.dataId)] as const);
      const shape = inputs.variable!.shape;
      const rows = Array.from(values[0]![1], (_, i) =>
        compute(Object.fromEntries(values.map(([name, data]) => [name, data[i]!])), attributes),
      );
      return rows[0]!.map((_, k) =>
        cpu.makeTensorInfo(
          shape,
          'float32',
          Float32Array.from(rows, (row) => row[k]!),
        ),
      );
    },
  });
}

beforeAll(async () => {
  await tf.setBackend('cpu');
  await tf.ready();
});

afterEach(() => {
  for (const kernel of ['SgdUpdate', 'AdamWUpdate']) {
    if (tf.getKernel(kernel, 'cpu')) tf.unregisterKernel(kernel, 'cpu');
  }
  calls.length = 0;
  tf.disposeVariables();
});

function expectTrajectory(optimizer: Optimizer, name: string): void {
  const variables = startVariables();
  const before = tf.memory().numTensors;
  for (let step = 0; step < 20; step++) {
    const gradients = gradientsOf(step);
    optimizer.apply(gradients, { learningRate: golden.learningRates[step]! });
    tf.dispose(gradients);
  }
  for (const key of names) {
    expect(relativeError(variables[key]!.dataSync(), golden.cases[name]!['20']![key]!)).toBeLessThan(1e-6);
  }
  optimizer.dispose();
  expect(tf.memory().numTensors).toBe(before);
}

describe('a backend that has the update as one kernel', () => {
  it.each([
    ['sgd-dampening-decay', () => sgd({ momentum: 0.8, dampening: 0.3, weightDecay: 0.05 })],
    ['sgd-nesterov-decay', () => sgd({ momentum: 0.9, nesterov: true, weightDecay: 5e-4 })],
  ])('gets %s', (name, make) => {
    registerElementwise('SgdUpdate', ({ variable, gradient, momentumBuffer }, a) => {
      const g = gradient! + a.weightDecay! * variable!;
      const buffer = a.first ? g : a.momentum! * momentumBuffer! + (1 - a.dampening!) * g;
      return [variable! - a.learningRate! * (a.nesterov ? g + a.momentum! * buffer : buffer), buffer];
    });
    expectTrajectory(make(), name);
    expect(calls).toHaveLength(20 * names.length);
    expect(calls[0]!.inputs).toEqual(['variable', 'gradient', 'momentumBuffer']);
    expect(calls.map(({ attributes }) => attributes.first)).toEqual(calls.map((_, i) => i < names.length));
  });

  it.each([
    ['adam-l2', () => adam({ beta1: 0.8, beta2: 0.95, epsilon: 1e-6, weightDecay: 0.1 })],
    ['adamw', () => adamW()],
  ])('gets %s', (name, make) => {
    registerElementwise('AdamWUpdate', (x, a) => {
      const g = x.gradient! + (a.decoupled ? 0 : a.weightDecay! * x.variable!);
      const m = a.beta1! * x.m! + (1 - a.beta1!) * g;
      const v = a.beta2! * x.v! + (1 - a.beta2!) * g * g;
      const root = Math.sqrt(v / a.biasCorrection2!) + a.epsilon!;
      const decayed = x.variable! * (1 - (a.decoupled ? a.learningRate! * a.weightDecay! : 0));
      return [decayed - (a.learningRate! * m) / a.biasCorrection1! / root, m, v];
    });
    expectTrajectory(make(), name);
    expect(calls).toHaveLength(20 * names.length);
    expect(calls[0]!.inputs).toEqual(['variable', 'gradient', 'm', 'v']);
  });

  it('is not asked for plain SGD, which has no buffer to return', () => {
    registerElementwise('SgdUpdate', () => [Number.NaN, Number.NaN]);
    expectTrajectory(sgd({ weightDecay: 0.05 }), 'sgd-decay');
    expect(calls).toHaveLength(0);
  });
});
