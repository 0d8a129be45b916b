import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ema } from '../src/index.js';
import { golden, gradientsOf, names, relativeError, startVariables } from './golden.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
  await tf.ready();
});

afterEach(() => tf.disposeVariables());

function assignAll(variables: Record<string, tf.Variable>, step: number): void {
  const values = gradientsOf(step);
  for (const name of names) variables[name]!.assign(values[name]!);
  tf.dispose(values);
}

describe('ema', () => {
  it('equals AveragedModel with get_ema_multi_avg_fn, and swaps back and forth', () => {
    const variables = startVariables();
    const before = tf.memory().numTensors;
    const average = ema({ decay: golden.ema.decay });
    for (let step = 0; step < 20; step++) {
      assignAll(variables, step);
      average.update(variables);
      const reference = golden.ema.averages[step + 1];
      if (reference === undefined) continue;
      const present = names.map((name) => variables[name]!.dataSync().slice());
      average.swap(variables);
      for (const name of names) {
        expect(relativeError(variables[name]!.dataSync(), reference[name]!)).toBeLessThan(1e-6);
      }
      average.swap(variables);
      expect(names.map((name) => variables[name]!.dataSync())).toEqual(present);
    }
    expect(tf.memory().numTensors).toBe(before + names.length);
    average.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('with warm-up keeps min(decay, (1 + t) / (10 + t))', () => {
    const variable = tf.variable(tf.scalar(0), true, 'x');
    const average = ema({ decay: 0.15, warmUp: true });
    const read = () => {
      average.swap({ x: variable });
      const value = variable.dataSync()[0]!;
      average.swap({ x: variable });
      return value;
    };
    average.update({ x: variable }); // copies 0
    variable.assign(tf.scalar(1));
    average.update({ x: variable });
    expect(read()).toBeCloseTo(1 - 0.15, 6); // 2 / 11 > 0.15
    const early = ema({ decay: 0.9, warmUp: true });
    variable.assign(tf.scalar(0));
    early.update({ x: variable });
    variable.assign(tf.scalar(1));
    early.update({ x: variable });
    early.swap({ x: variable });
    expect(variable.dataSync()[0]).toBeCloseTo(1 - 2 / 11, 6);
  });

  it('goes on from a saved state', async () => {
    const variables = startVariables();
    const average = ema({ decay: golden.ema.decay });
    for (let step = 0; step < 5; step++) {
      assignAll(variables, step);
      average.update(variables);
    }
    const resumed = ema({ decay: golden.ema.decay });
    resumed.setState(await average.getState());
    expect(resumed.step).toBe(5);
    for (let step = 5; step < 10; step++) {
      assignAll(variables, step);
      resumed.update(variables);
    }
    resumed.swap(variables);
    for (const name of names) {
      expect(relativeError(variables[name]!.dataSync(), golden.ema.averages['10']![name]!)).toBeLessThan(1e-6);
    }
    expect(() => resumed.setState({ name: 'adam', step: 0, slots: {} })).toThrow(/state of ema/);
    resumed.dispose();
    expect(() => resumed.update(variables)).toThrow(/was disposed/);
  });
});
