import { adamW } from '@proj/optimizers';
import { isAvailable, nativeCalls, resetNativeCalls, trace } from '@proj/tfjs-backend-onednn';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { type FitOptions, fit, softmaxCrossEntropyPerPosition, type TrainEvent } from '../src/index.js';
import { halvesLoader, positionAccuracy, smallModel } from './fixtures.js';
import { temporaryFolder } from './temporary-folder.js';

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

  it('runs a loss that chance decides as it is, at each step', async () => {
    const seen: number[] = [];
    const loss: FitOptions['loss'] = (logits, labels) => {
      seen.push(Math.random() < 0.5 ? 0 : 1);
      return tf.mul(softmaxCrossEntropyPerPosition(logits, labels), seen.at(-1)!);
    };
    await train({ dropout: 0.5 }, { loss, trace, validation: undefined });
    expect(seen.length).toBe(15);
  });

  it('goes on bit for bit when it is resumed, traced or not', async () => {
    const architecture = { dropout: 0.5 };
    const straight = await train(architecture, {});
    const checkpoint = { dir: temporaryFolder() };
    for (const [stop, options] of [
      [4, { trace }],
      [8, {}],
      [Number.POSITIVE_INFINITY, { trace }],
    ] as const) {
      const controller = new AbortController();
      const onEvent = (event: TrainEvent) => {
        if (event.type === 'step' && event.step === stop) controller.abort();
      };
      const { signal } = controller;
      const { numbers } = await train(architecture, { ...options, checkpoint, resume: true, signal, onEvent });
      if (stop === Number.POSITIVE_INFINITY) expect(numbers).toEqual(straight.numbers);
      else expect(controller.signal.aborted).toBe(true);
    }
  });

  it('trains on other backends as without', async () => {
    await tf.setBackend('cpu');
    const direct = await train({}, { epochs: 1 });
    const traced = await train({}, { epochs: 1, trace });
    expect(traced.numbers).toEqual(direct.numbers);
    await tf.setBackend('onednn');
  });
});
