import { isProjError } from '@proj/core';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { adam, adamW, modelVariables, noDecayOnBiasAndNorm, sgd, type VariableInfo } from '../src/index.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
  await tf.ready();
});

afterEach(() => tf.disposeVariables());

function twoDense(): tf.LayersModel {
  const input = tf.input({ shape: [3] });
  const hidden = tf.layers.dense({ name: 'first', units: 4 }).apply(input);
  const normal = tf.layers.batchNormalization({ name: 'norm' }).apply(hidden);
  const output = tf.layers.dense({ name: 'last', units: 2 }).apply(normal) as tf.SymbolicTensor;
  return tf.model({ inputs: input, outputs: output });
}

function lossGradients(model: tf.LayersModel, variables: tf.Variable[]) {
  const { value, grads } = tf.variableGrads(
    () => tf.tidy(() => tf.sum(tf.square(model.apply(tf.ones([2, 3]), { training: true }) as tf.Tensor)).asScalar()),
    variables,
  );
  value.dispose();
  return grads;
}

describe('a frozen layer', () => {
  it('keeps its moments and does not shift those of others', async () => {
    const frozen = tf.variable(tf.tensor1d([1, 2]), true, 'frozen');
    const other = tf.variable(tf.tensor1d([3, 4]), true, 'other');
    const alone = tf.variable(tf.tensor1d([3, 4]), true, 'alone');
    const [together, single] = [adam(), adam()];
    const gradient = (step: number) => tf.tensor1d([1 + step, -2]);
    const freezeAt = 2;
    let valueWhenFrozen: tf.TypedArray | undefined;
    for (let step = 0; step < 6; step++) {
      if (step === freezeAt) valueWhenFrozen = frozen.dataSync().slice();
      const first: Record<string, tf.Tensor> = step < freezeAt ? { frozen: tf.tensor1d([100, 100]) } : {};
      together.apply({ ...first, other: gradient(step) }, { learningRate: 0.1 });
      single.apply({ alone: gradient(step) }, { learningRate: 0.1 });
    }
    expect(other.dataSync()).toEqual(alone.dataSync());
    expect(frozen.dataSync()).toEqual(valueWhenFrozen);
    const { slots } = await together.getState();
    expect(slots['frozen/step']!.data[0]).toBe(freezeAt);
    expect(slots['frozen/m']!.data[0]).toBeCloseTo(19, 4); // 100 (1 - 0.9^2)
  });

  it('can thaw after a resume', async () => {
    const model = twoDense();
    const optimizer = adamW();
    const all = Object.values(modelVariables(model));
    const step = (variables: tf.Variable[]) =>
      optimizer.apply(lossGradients(model, variables), { learningRate: 0.01, variables: modelVariables(model) });
    step(all.slice(0, 2));
    optimizer.setState(await optimizer.getState());
    step(all);
    const { slots } = await optimizer.getState();
    expect(slots['first/kernel/step']!.data[0]).toBe(2);
    expect(slots['last/kernel/step']!.data[0]).toBe(1);
  });
});

describe('names', () => {
  it('of a layers model are those of its file, in every copy of the model', async () => {
    const [first, second] = [twoDense(), twoDense()];
    expect(Object.keys(modelVariables(first))).toEqual(Object.keys(modelVariables(second)));
    expect(Object.keys(modelVariables(first, 'all'))).toEqual([
      ...Object.keys(modelVariables(first)),
      'norm/moving_mean',
      'norm/moving_variance',
    ]);
    const optimizer = sgd({ momentum: 0.9 });
    const variables = modelVariables(first);
    optimizer.apply(lossGradients(first, Object.values(variables)), { learningRate: 0.1, variables });
    const resumed = sgd({ momentum: 0.9 });
    resumed.setState(await optimizer.getState());
    const copies = modelVariables(second);
    resumed.apply(lossGradients(second, Object.values(copies)), { learningRate: 0.1, variables: copies });
    expect((await resumed.getState()).slots['last/bias/step']!.data[0]).toBe(2);
  });

  it('must be unique', () => {
    const a = tf.variable(tf.zeros([1]), true, 'a');
    const optimizer = sgd();
    for (const variables of [[a, a], { first: a, second: a }]) {
      expect(codeOf(() => optimizer.apply({ a: tf.ones([1]) }, { learningRate: 1, variables }))).toBe(
        'duplicate-variable',
      );
    }
    expect(a.dataSync()[0]).toBe(0);
  });

  it('must be unique in a model of models', () => {
    const input = tf.input({ shape: [3] });
    const inner = () => {
      const start = tf.input({ shape: [3] });
      const end = tf.layers.dense({ name: 'same', units: 3 }).apply(start) as tf.SymbolicTensor;
      return tf.model({ inputs: start, outputs: end });
    };
    const outputs = inner().apply(inner().apply(input)) as tf.SymbolicTensor;
    expect(codeOf(() => modelVariables(tf.model({ inputs: input, outputs })))).toBe('duplicate-variable');
  });
});

describe('errors come before any variable changes', () => {
  const ones = () => tf.ones([2]);

  it.each([
    ['a gradient without a variable', { a: ones, b: ones }, 0.1, 'unknown-variable'],
    ['a gradient of another shape', { a: ones, c: ones }, 0.1, 'shape-mismatch'],
    ['a rate that is not a number', { a: ones }, Number.NaN, 'invalid-learning-rate'],
    ['a negative rate', { a: ones }, -0.1, 'invalid-learning-rate'],
  ])('%s', (_, gradients, learningRate, code) => {
    const a = tf.variable(tf.zeros([2]), true, 'a');
    tf.variable(tf.zeros([3]), true, 'c');
    const made = Object.fromEntries(Object.entries(gradients).map(([name, make]) => [name, make()]));
    expect(codeOf(() => sgd().apply(made, { learningRate }))).toBe(code);
    expect([...a.dataSync()]).toEqual([0, 0]);
  });

  it('a disposed optimizer', () => {
    const optimizer = adam();
    optimizer.dispose();
    expect(codeOf(() => optimizer.apply({}, { learningRate: 1 }))).toBe('disposed');
  });

  it.each([
    ['momentum', () => sgd({ momentum: -1 })],
    ['weightDecay', () => sgd({ weightDecay: Number.NaN })],
    ['dampening', () => sgd({ dampening: Number.POSITIVE_INFINITY })],
    ['nesterov', () => sgd({ nesterov: true })],
    ['nesterov', () => sgd({ nesterov: true, momentum: 0.9, dampening: 0.1 })],
    ['beta1', () => adam({ beta1: 1 })],
    ['beta2', () => adamW({ beta2: -0.1 })],
    ['epsilon', () => adamW({ epsilon: 0 })],
    ['groups[1].weightDecay', () => adamW({ groups: [{ match: /a/ }, { match: /a/, weightDecay: -1 }] })],
    ['groups[0].learningRateScale', () => adamW({ groups: [{ match: /a/, learningRateScale: -1 }] })],
  ])('an option out of range: %s', (setting, make) => {
    expect(codeOf(make)).toBe('invalid-option');
    expect(make).toThrow(setting);
  });
});

describe('groups', () => {
  it('apply in order, each replacing what it sets', () => {
    const variables = ['a/kernel', 'a/bias', 'b/kernel'].map((name) => tf.variable(tf.ones([1, 1]), true, name));
    const optimizer = sgd({
      weightDecay: 1,
      groups: [
        { match: /^a\//, learningRateScale: 0.5, weightDecay: 4 },
        { match: ({ name }) => name === 'a/bias', weightDecay: 0 },
      ],
    });
    const gradients = Object.fromEntries(variables.map(({ name }) => [name, tf.zeros([1, 1])]));
    optimizer.apply(gradients, { learningRate: 0.125 });
    expect(variables.map((variable) => variable.dataSync()[0])).toEqual([0.75, 1, 0.875]);
  });

  it('are asked with the names that state is kept under', () => {
    const variable = tf.variable(tf.zeros([2, 3]), true, 'engine-name');
    const seen: VariableInfo[] = [];
    const optimizer = sgd({ groups: [{ match: (info) => seen.push(info) > 0 }] });
    optimizer.apply({ 'engine-name': tf.zeros([2, 3]) }, { learningRate: 1, variables: { mine: variable } });
    expect(seen).toEqual([{ name: 'mine', shape: [2, 3] }]);
  });

  it('without decay on bias and norm match vectors, scalars and what is called bias', () => {
    const { match, weightDecay } = noDecayOnBiasAndNorm();
    const matches = match as (variable: VariableInfo) => boolean;
    expect(weightDecay).toBe(0);
    expect(matches({ name: 'conv1/kernel', shape: [3, 3, 1, 8] })).toBe(false);
    expect(matches({ name: 'bias_mixer/kernel', shape: [8, 8] })).toBe(false);
    expect(matches({ name: 'bn1/gamma', shape: [8] })).toBe(true);
    expect(matches({ name: 'temperature', shape: [] })).toBe(true);
    expect(matches({ name: 'attention/bias_1', shape: [8, 8] })).toBe(true);
  });

  it('stand in the plain settings', () => {
    const groups = [noDecayOnBiasAndNorm(), { match: /^stem/, learningRateScale: 0.1 }];
    expect(JSON.parse(JSON.stringify(adamW({ groups }).config))).toEqual({
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
      weightDecay: 0.01,
      groups: [
        { match: 'match', weightDecay: 0 },
        { match: '/^stem/', learningRateScale: 0.1 },
      ],
    });
  });
});

function codeOf(action: () => unknown): string | undefined {
  try {
    action();
  } catch (error) {
    return isProjError(error) ? error.code : String(error);
  }
  return undefined;
}
