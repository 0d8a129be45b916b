import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { adam, adamW, noDecayOnBiasAndNorm, type Optimizer, type OptimizerState, sgd } from '../src/index.js';
import { golden, gradientsOf, names, relativeError, startVariables, variablesOf } from './golden.js';

type Skip = (name: string, step: number) => boolean;

const skipped: Skip = (name, step) =>
  (name === 'dense/kernel' && step >= 4 && step <= 8) || (name === 'dense/bias' && step < 3);

const cases: Record<string, { make: () => Optimizer; skip?: Skip }> = {
  sgd: { make: () => sgd() },
  'sgd-decay': { make: () => sgd({ weightDecay: 0.05 }) },
  'sgd-momentum': { make: () => sgd({ momentum: 0.9 }) },
  'sgd-dampening-decay': { make: () => sgd({ momentum: 0.8, dampening: 0.3, weightDecay: 0.05 }) },
  'sgd-nesterov-decay': { make: () => sgd({ momentum: 0.9, nesterov: true, weightDecay: 5e-4 }) },
  'sgd-skipped': { make: () => sgd({ momentum: 0.9, weightDecay: 0.01 }), skip: skipped },
  adam: { make: () => adam() },
  'adam-l2': { make: () => adam({ beta1: 0.8, beta2: 0.95, epsilon: 1e-6, weightDecay: 0.1 }) },
  adamw: { make: () => adamW() },
  'adamw-large-epsilon': { make: () => adamW({ beta1: 0.5, beta2: 0.9, epsilon: 0.1, weightDecay: 0.3 }) },
  'adamw-skipped': { make: () => adamW({ weightDecay: 0.1 }), skip: skipped },
  'adamw-groups': {
    make: () =>
      adamW({ weightDecay: 0.2, groups: [noDecayOnBiasAndNorm(), { match: /^conv\//, learningRateScale: 0.25 }] }),
  },
};

function run(optimizer: Optimizer, steps: { from: number; to: number }, skip?: Skip): void {
  for (let step = steps.from; step < steps.to; step++) {
    const gradients = gradientsOf(step, skip);
    optimizer.apply(gradients, { learningRate: golden.learningRates[step]! });
    tf.dispose(gradients);
  }
}

beforeAll(async () => {
  await tf.setBackend('cpu');
  await tf.ready();
});

afterEach(() => tf.disposeVariables());

describe('trajectories equal torch.optim', () => {
  it('has a case for every golden', () => expect(Object.keys(cases).sort()).toEqual(Object.keys(golden.cases).sort()));

  it.each(Object.keys(cases))('%s', (name) => {
    const { make, skip } = cases[name]!;
    const optimizer = make();
    const variables = startVariables();
    let done = 0;
    for (const [step, parameters] of Object.entries(golden.cases[name]!)) {
      run(optimizer, { from: done, to: Number(step) }, skip);
      done = Number(step);
      for (const [variable, reference] of Object.entries(parameters)) {
        const error = relativeError(variables[variable]!.dataSync(), reference);
        expect(error, `${variable} after ${step} steps`).toBeLessThan(1e-6);
      }
    }
    expect(optimizer.step).toBe(20);
    optimizer.dispose();
  });
});

describe('state', () => {
  it.each(Object.keys(cases))('%s goes on bit for bit from a saved state', async (name) => {
    const { make, skip } = cases[name]!;
    const whole = startVariables();
    const optimizer = make();
    run(optimizer, { from: 0, to: 6 }, skip);
    const saved = await optimizer.getState();
    const weights = Object.fromEntries(names.map((key) => [key, whole[key]!.dataSync().slice()]));
    run(optimizer, { from: 6, to: 20 }, skip);
    const expected = names.map((key) => whole[key]!.dataSync().slice());
    tf.disposeVariables();

    const rest = variablesOf(weights);
    const resumed = make();
    resumed.setState(throughJson(saved));
    expect(resumed.step).toBe(6);
    run(resumed, { from: 6, to: 20 }, skip);
    expect(names.map((key) => rest[key]!.dataSync())).toEqual(expected);
    optimizer.dispose();
    resumed.dispose();
  });

  it('is a snapshot: updates during the read do not show in it', async () => {
    startVariables();
    const optimizer = adam();
    run(optimizer, { from: 0, to: 1 });
    const once = await optimizer.getState();
    const reading = optimizer.getState();
    run(optimizer, { from: 1, to: 5 });
    expect(await reading).toEqual(once);
    expect((await optimizer.getState()).slots['conv/kernel/m']).not.toEqual(once.slots['conv/kernel/m']);
    optimizer.dispose();
  });

  it('names its slots and counts each variable by itself', async () => {
    startVariables();
    const optimizer = adamW();
    run(optimizer, { from: 0, to: 6 }, skipped);
    const state = await optimizer.getState();
    expect(state.step).toBe(6);
    expect(Object.keys(state.slots).sort()).toEqual(
      names.flatMap((name) => [`${name}/m`, `${name}/step`, `${name}/v`]).sort(),
    );
    expect(state.slots['conv/kernel/m']!.shape).toEqual([2, 3, 2]);
    const steps = names.map((name) => state.slots[`${name}/step`]);
    expect(steps.map((slot) => slot!.data[0])).toEqual([6, 4, 3]);
    expect(steps.every((slot) => slot!.shape.length === 0)).toBe(true);
    optimizer.dispose();
  });

  it('rejects what is not its own', async () => {
    startVariables();
    const optimizer = adam();
    const slots = {
      'a/step': { data: Float32Array.of(1), shape: [] },
      'a/m': { data: Float32Array.of(1), shape: [1] },
    };
    const before = tf.memory().numTensors;
    expect(() => optimizer.setState({ name: 'sgd', step: 0, slots: {} })).toThrow(/state of adam/);
    expect(() => optimizer.setState({ name: 'adam', step: 1, slots })).toThrow(/a slot a\/v/);
    const short = { data: new Float32Array(3), shape: [2, 2] };
    expect(() => optimizer.setState({ name: 'adam', step: 1, slots: { ...slots, 'a/v': short } })).toThrow(/4 values/);
    expect(() => optimizer.setState({ name: 'adam', step: 1, slots: { 'a/momentum': short } })).toThrow(/a\/momentum/);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('says so when nothing in a loaded state belongs to the variables', () => {
    const a = tf.variable(tf.zeros([1]), true, 'a');
    const optimizer = sgd({ momentum: 0.9 });
    const slot = { data: Float32Array.of(1), shape: [1] };
    const slots = { 'b/momentum': slot, 'b/step': { data: Float32Array.of(1), shape: [] } };
    optimizer.setState({ name: 'sgd', step: 1, slots });
    expect(() => optimizer.apply({ a: tf.ones([1]) }, { learningRate: 1 })).toThrow(/state of others only, e.g. b/);
    expect(a.dataSync()[0]).toBe(0);
    optimizer.dispose();
  });

  it('says so when a loaded state has another shape', () => {
    tf.variable(tf.zeros([2]), true, 'a');
    const optimizer = sgd({ momentum: 0.9 });
    const slot = { data: Float32Array.of(1), shape: [1] };
    const slots = { 'a/momentum': slot, 'a/step': { data: Float32Array.of(1), shape: [] } };
    optimizer.setState({ name: 'sgd', step: 1, slots });
    expect(() => optimizer.apply({ a: tf.ones([2]) }, { learningRate: 1 })).toThrow(/saved a\/momentum.*\[2\].*\[1\]/);
    optimizer.dispose();
  });
});

describe('memory', () => {
  it.each(Object.keys(cases))('%s holds its state and nothing else', async (name) => {
    startVariables();
    const optimizer = cases[name]!.make();
    const before = tf.memory();
    run(optimizer, { from: 0, to: 1 });
    const held = tf.memory().numTensors;
    const slots = Object.keys((await optimizer.getState()).slots).filter((slot) => !slot.endsWith('/step'));
    expect(held - before.numTensors).toBe(slots.length);
    run(optimizer, { from: 1, to: 6 });
    optimizer.setState(await optimizer.getState());
    expect(tf.memory().numTensors).toBe(held);
    optimizer.dispose();
    expect(tf.memory()).toMatchObject({ numTensors: before.numTensors, numDataBuffers: before.numDataBuffers });
  });

  it('leaves gradients and state alive inside a tidy', () => {
    startVariables();
    const optimizer = sgd({ momentum: 0.9 });
    const gradients = gradientsOf(0);
    tf.tidy(() => optimizer.apply(gradients, { learningRate: 0.1 }));
    tf.tidy(() => optimizer.apply(gradients, { learningRate: 0.1 }));
    expect(names.every((name) => !gradients[name]!.isDisposed)).toBe(true);
    tf.dispose(gradients);
    optimizer.dispose();
  });
});

function throughJson(state: OptimizerState): OptimizerState {
  const plain = Object.entries(state.slots).map(([key, { data, shape }]) => [key, { data: [...data], shape }]);
  const { name, step, slots } = JSON.parse(JSON.stringify({ ...state, slots: Object.fromEntries(plain) })) as {
    name: string;
    step: number;
    slots: Record<string, { data: number[]; shape: number[] }>;
  };
  const typed = Object.entries(slots).map(([key, { data, shape }]) => [key, { data: new Float32Array(data), shape }]);
  return { name, step, slots: Object.fromEntries(typed) };
}
