import { adamW } from '@proj/optimizers';
import { isAvailable, nativeCalls, resetNativeCalls, trace } from '@proj/tfjs-backend-onednn';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { type FitOptions, fit, softmaxCrossEntropyPerPosition } from '../src/index.js';
import { halvesLoader, positionAccuracy, smallModel } from './fixtures.js';

/** History, weights, and how often JavaScript asked for the gradient of a filter. */
async function train(architecture: Parameters<typeof smallModel>[0], options: Partial<FitOptions>) {
  resetNativeCalls();
  const before = tf.memory().numTensors;
  const model = smallModel(architecture);
  const optimizer = adamW();
  const { history } = await fit({
    model,
    optimizer,
    loss: softmaxCrossEntropyPerPosition,
    schedule: (step) => 0.02 / (1 + step),
    train: halvesLoader(),
    validation: halvesLoader({ seed: 2, stepsPerEpoch: 2 }),
    metrics: { accuracy: positionAccuracy },
    epochs: 3,
    seed: 5,
    ...options,
  });
  const weights = model.getWeights().map((weight) => [...weight.dataSync()]);
  model.dispose();
  optimizer.dispose();
  return {
    numbers: { history, weights },
    asked: nativeCalls().Conv2DBackpropFilter,
    left: tf.memory().numTensors - before,
  };
}

describe.skipIf(!isAvailable().available)('fit with trace', () => {
  beforeAll(() => tf.setBackend('onednn'));

  it.each([
    ['batch normalisation, penalties and clipping', { l2: 0.01 }, { clipGlobalNorm: 0.5 }, 2],
    ['dropout, with other masks at each step', { dropout: 0.5 }, {}, 2],
  ])('trains to the same numbers: %s', async (_, architecture, options, asked) => {
    const direct = await train(architecture, options);
    const traced = await train(architecture, { ...options, trace });
    expect(traced.numbers).toEqual(direct.numbers);
    expect({ direct: direct.asked, traced: traced.asked }).toEqual({ direct: 15, traced: asked });
    expect(traced.left).toBe(direct.left);
  });

  it('trains on other backends as without', async () => {
    await tf.setBackend('cpu');
    const direct = await train({}, { epochs: 1 });
    const traced = await train({}, { epochs: 1, trace });
    expect(traced.numbers).toEqual(direct.numbers);
    await tf.setBackend('onednn');
  });
});
