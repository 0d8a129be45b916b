import { adam, sgd } from '@proj/optimizers';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { type FitOptions, fit, softmaxCrossEntropyPerPosition, type TrainEvent } from '../src/index.js';
import { eventsOf, halvesLoader, positionAccuracy, recorder, smallModel } from './fixtures.js';

vi.setConfig({ testTimeout: 120_000 }); // a busy machine is slow with TensorFlow.js's plain backend

beforeAll(() => tf.setBackend('cpu'));

function basics(options: Partial<FitOptions> = {}): FitOptions {
  return {
    model: options.model ?? smallModel(),
    optimizer: adam(),
    loss: softmaxCrossEntropyPerPosition,
    schedule: () => 0.01,
    train: halvesLoader(),
    metrics: { accuracy: positionAccuracy },
    ...options,
  };
}

describe('fit', () => {
  it('learns', async () => {
    const { events, listener } = recorder();
    const validation = halvesLoader({ seed: 2, stepsPerEpoch: 1, batchSize: 32 });
    const result = await fit(basics({ epochs: 8, schedule: () => 0.03, validation, onEvent: listener }));
    expect(result).toMatchObject({ reason: 'finished', step: 40, epoch: 8, examplesSeen: 320 });
    const { validations, epochs } = result.history;
    expect(validations).toHaveLength(8);
    expect(epochs).toHaveLength(8);
    expect(epochs.at(-1)!.loss).toBeLessThan(epochs[0]!.loss / 2);
    expect(epochs.at(-1)!.metrics.accuracy).toBeGreaterThan(0.9);
    expect(validations.at(-1)!.metrics.accuracy).toBeGreaterThan(0.9);
    expect(result.best).toEqual({
      value: Math.min(...validations.map(({ loss }) => loss)),
      step: validations.toSorted((a, b) => a.loss - b.loss)[0]!.step,
    });
    expect(events[0]).toMatchObject({
      type: 'start',
      totalSteps: 40,
      epochs: 8,
      stepsPerEpoch: 5,
      metrics: ['accuracy'],
    });
    expect(events.at(-1)).toMatchObject({ type: 'end', reason: 'finished', step: 40 });
  });

  it('computes what TensorFlow.js computes by hand, moving statistics and penalties included', async () => {
    const model = smallModel({ l2: 0.01 });
    const twin = smallModel({ l2: 0.01 });
    const train = halvesLoader();
    const losses: number[] = [];
    const byHand = tf.train.sgd(0.1);
    for await (const { inputs, labels } of train.epoch(0)) {
      const loss = tf.tidy(() => {
        const x = tf.tensor4d(Float32Array.from(inputs.data), [8, 8, 8, 1]);
        const y = tf.tensor2d(labels.data, [8, 2], 'int32');
        return byHand.minimize(
          () =>
            tf.tidy(() => {
              const data = softmaxCrossEntropyPerPosition(twin.apply(x, { training: true }) as tf.Tensor, y);
              const penalty = (layer: string) => twin.getLayer(layer).weights[0]!.read().square().sum().mul(0.01);
              return data.add(penalty('conv')).add(penalty('head')) as tf.Scalar;
            }),
          true,
        )!;
      });
      losses.push(loss.dataSync()[0]!);
      loss.dispose();
    }

    const { events, listener } = recorder();
    await fit(basics({ model, optimizer: sgd(), schedule: () => 0.1, train, epochs: 1, onEvent: listener }));
    eventsOf(events, 'step').forEach(({ loss }, i) => void expect(loss).toBeCloseTo(losses[i]!, 5));
    const weights = await Promise.all(
      model.weights.map(async (weight) => [weight.originalName, await weight.read().data()]),
    );
    for (const [i, [name, values]] of weights.entries()) {
      const expected = twin.weights[i]!.read().dataSync();
      expect(twin.weights[i]!.originalName).toBe(name);
      expected.forEach((value, j) => void expect((values as Float32Array)[j]).toBeCloseTo(value, 5));
    }
    const movingMean = model.getLayer('norm').weights[2]!;
    expect(movingMean.originalName).toBe('norm/moving_mean');
    expect(
      movingMean
        .read()
        .dataSync()
        .every((value) => value !== 0),
    ).toBe(true);
  });

  it('leaves no tensor behind, step by step and at the end', async () => {
    const model = smallModel({ dropout: 0.5, l2: 0.01 });
    const optimizer = adam();
    const counts: number[] = [];
    const options = basics({ model, optimizer, clipGlobalNorm: 1, epochs: 3, validation: halvesLoader({ seed: 2 }) });
    const before = tf.memory().numTensors;
    await fit({
      ...options,
      onEvent: ({ type }) => void (type === 'step' && counts.push(tf.memory().numTensors)),
    });
    // While a step is told, the next one's loss and logits are pending; at an epoch's last step nothing is.
    const slots = 2 * model.trainableWeights.length;
    const pending = counts.map((count) => count - before - slots);
    expect(pending).toEqual([2, 2, 2, 2, 0, 2, 2, 2, 2, 0, 2, 2, 2, 2, 0]);
    expect(tf.memory().numTensors).toBe(before + slots);
    optimizer.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('trains only what is trainable, and keeps frozen weights as they are', async () => {
    const model = smallModel();
    model.getLayer('conv').trainable = false;
    const frozen = model.getLayer('conv').weights.map((weight) => weight.read().dataSync().slice());
    const head = model.getLayer('head').weights[0]!.read().dataSync().slice();
    await fit(basics({ model, totalSteps: 2 }));
    model.getLayer('conv').weights.forEach((weight, i) => void expect(weight.read().dataSync()).toEqual(frozen[i]));
    expect(model.getLayer('head').weights[0]!.read().dataSync()).not.toEqual(head);
    for (const layer of model.layers) layer.trainable = false;
    await expect(fit(basics({ model, totalSteps: 2 }))).rejects.toMatchObject({ code: 'nothing-to-train' });
  });

  it('clips gradients by their joint norm', async () => {
    const model = smallModel({ batchNorm: false });
    const before = model.trainableWeights.map((weight) => weight.read().dataSync().slice());
    const clipGlobalNorm = 1e-3;
    await fit(basics({ model, optimizer: sgd(), schedule: () => 1, totalSteps: 1, clipGlobalNorm }));
    const squares = model.trainableWeights.flatMap((weight, i) =>
      Array.from(weight.read().dataSync(), (value, j) => (value - before[i]![j]!) ** 2),
    );
    expect(Math.sqrt(squares.reduce((sum, square) => sum + square, 0))).toBeCloseTo(clipGlobalNorm, 5);
  });

  it.each([
    { limits: { totalSteps: 7 }, steps: 7, by: 'step', positions: [0, 1, 2, 3, 4, 5, 6] },
    { limits: { totalSteps: 7 }, steps: 7, by: 'epoch', positions: [0, 0, 0, 0, 0, 1, 1] },
    { limits: { epochs: 2, totalSteps: 100 }, steps: 10, by: 'step', positions: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] },
    { limits: { epochs: 1 }, steps: 5, by: 'progress', positions: [0, 0.2, 0.4, 0.6, 0.8] },
  ] as const)('asks the schedule by $by and ends after $steps steps', async ({ limits, steps, by, positions }) => {
    const { events, listener } = recorder();
    const asked: number[] = [];
    const schedule = (position: number) => {
      asked.push(position);
      return 0.001 * (position + 1);
    };
    const result = await fit(basics({ ...limits, schedule, scheduleBy: by, onEvent: listener }));
    expect(result).toMatchObject({ reason: 'finished', step: steps });
    expect(asked).toEqual(positions);
    const told = eventsOf(events, 'step');
    expect(told.map(({ learningRate }) => learningRate)).toEqual(positions.map((position) => 0.001 * (position + 1)));
    expect(told.map(({ step }) => step)).toEqual(Array.from({ length: steps }, (_, i) => i));
    expect(told.map(({ stepInEpoch }) => stepInEpoch)).toEqual(Array.from({ length: steps }, (_, i) => i % 5));
    expect(told.map(({ progress }) => progress)).toEqual(told.map((_, i) => (i + 1) / steps));
    expect(told.at(-1)!.remainingMs).toBe(0);
  });

  it('ends when the time is over', async () => {
    const { events, listener } = recorder();
    const startedAt = performance.now();
    const result = await fit(basics({ maxDurationMs: 400, epochs: 1e6, onEvent: listener }));
    expect(result.reason).toBe('time');
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(400);
    const told = eventsOf(events, 'step');
    expect(told.at(-1)!.progress).toBe(1);
    for (const { progress, elapsedMs, remainingMs } of told) {
      expect(progress).toBeCloseTo(Math.min(1, elapsedMs / 400), 6);
      expect(remainingMs).toBeCloseTo(Math.max(0, 400 - elapsedMs), 6);
    }
  });

  it('tells running figures over the window, and an epoch over all its examples', async () => {
    const { events, listener } = recorder();
    await fit(basics({ epochs: 2, metricsWindow: 16, onEvent: listener }));
    const steps = eventsOf(events, 'step');
    steps.forEach(({ smoothedLoss }, i) => {
      const last = steps.slice(Math.max(0, i - 1), i + 1).map(({ loss }) => loss); // 16 examples are two batches
      expect(smoothedLoss).toBeCloseTo(last.reduce((sum, loss) => sum + loss, 0) / last.length, 10);
    });
    const [first, second] = eventsOf(events, 'epoch');
    const meanOf = (part: typeof steps) => part.reduce((sum, { loss }) => sum + loss, 0) / part.length;
    expect(first).toMatchObject({ epoch: 0, step: 5, examplesSeen: 40, learningRate: 0.01 });
    expect(first!.loss).toBeCloseTo(meanOf(steps.slice(0, 5)), 10);
    expect(second!.loss).toBeCloseTo(meanOf(steps.slice(5)), 10);
    expect(steps.every(({ examplesPerSecond, dataWaitMs }) => examplesPerSecond > 0 && dataWaitMs >= 0)).toBe(true);
  });

  it.each([
    { validateEvery: { steps: 3 }, at: [3, 6, 9, 11] },
    { validateEvery: { epochs: 2 }, at: [10, 11] },
    { validateEvery: undefined, at: [5, 10, 11] },
  ])('validates every $validateEvery and at the end', async ({ validateEvery, at }) => {
    const { events, listener } = recorder();
    const validation = halvesLoader({ seed: 2, stepsPerEpoch: 2 });
    await fit(basics({ totalSteps: 11, validation, validateEvery, onEvent: listener }));
    const told = eventsOf(events, 'validation');
    expect(told.map(({ step }) => step)).toEqual(at);
    expect(told.map(({ epoch }) => epoch)).toEqual(at.map((step) => Math.floor((step - 1) / 5)));
  });

  it('lets an observing schedule set the rate by the monitored figure', async () => {
    const { events, listener } = recorder();
    const observed: number[] = [];
    const schedule = {
      value: 0.01,
      observe(metric: number) {
        observed.push(metric);
        this.value /= 2;
        return { reason: 'as always' };
      },
    };
    const validation = halvesLoader({ seed: 2 });
    const monitor = { metric: 'accuracy', mode: 'max' } as const;
    const result = await fit(basics({ epochs: 3, validation, schedule, monitor, onEvent: listener }));
    expect(observed).toEqual(result.history.validations.map(({ metrics }) => metrics.accuracy));
    expect(eventsOf(events, 'learningRate')).toMatchObject([
      { step: 5, from: 0.01, to: 0.005, reason: 'as always' },
      { step: 10, from: 0.005, to: 0.0025 },
      { step: 15, from: 0.0025, to: 0.00125 },
    ]);
    expect(eventsOf(events, 'step').map(({ learningRate }) => learningRate)).toEqual(
      Array.from({ length: 15 }, (_, i) => 0.01 / 2 ** Math.floor(i / 5)),
    );
    expect(result.best!.value).toBe(Math.max(...observed));
  });

  it('is aborted by a signal after the current step, and waits for listeners', async () => {
    const controller = new AbortController();
    const order: string[] = [];
    const onEvent = async (event: TrainEvent) => {
      if (event.type !== 'step') return;
      order.push(`begin ${event.step}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
      order.push(`end ${event.step}`);
      if (event.step === 2) controller.abort();
    };
    const result = await fit(basics({ epochs: 100, onEvent, signal: controller.signal }));
    expect(result).toMatchObject({ reason: 'aborted', step: 4 }); // step 3 was under way when step 2 was told
    expect(order).toEqual([0, 1, 2, 3].flatMap((step) => [`begin ${step}`, `end ${step}`]));
    await expect(fit(basics({ epochs: 1, signal: controller.signal }))).resolves.toMatchObject({ step: 0 });
  });

  it('says that it was aborted also where that kept it from the last validation', async () => {
    const controller = new AbortController();
    const loader = halvesLoader({ seed: 2 });
    const validation = {
      ...loader,
      async *epoch(epoch: number) {
        controller.abort();
        yield* loader.epoch(epoch);
      },
    };
    const result = await fit(basics({ totalSteps: 3, validation, signal: controller.signal }));
    expect(result).toMatchObject({ reason: 'aborted', step: 3, history: { validations: [] } });
  });

  it('is aborted also while it waits for a loader that hangs', async () => {
    const controller = new AbortController();
    const train = { ...halvesLoader(), epoch: () => hang() };
    async function* hang() {
      yield* [];
      await new Promise(() => undefined);
    }
    setTimeout(() => controller.abort(), 20);
    await expect(fit(basics({ epochs: 1, train, signal: controller.signal }))).resolves.toMatchObject({
      reason: 'aborted',
      step: 0,
    });
    const later = new AbortController();
    const onEvent = ({ type }: TrainEvent) => void (type === 'epoch' && setTimeout(() => later.abort(), 20));
    const options = basics({ epochs: 2, validation: train, onEvent, signal: later.signal });
    await expect(fit(options)).resolves.toMatchObject({ reason: 'aborted', step: 5 });
  });

  it('gives dropout another mask at every step, the same for the same seed, and leaves the layer as it was', async () => {
    const lossesWith = async (seed: number) => {
      const { events, listener } = recorder();
      const model = smallModel({ dropout: 0.5, batchNorm: false });
      const layer = model.getLayer('dropout') as tf.layers.Layer & { seed?: number };
      await fit(basics({ model, schedule: () => 0, train: sameBatch, totalSteps: 4, seed, onEvent: listener }));
      expect(layer.seed).toBeUndefined();
      return eventsOf(events, 'step').map(({ loss }) => loss);
    };
    const loader = halvesLoader();
    const sameBatch = {
      ...loader,
      async *epoch() {
        for (;;) for await (const batch of loader.epoch(0)) yield* [batch, batch, batch, batch, batch];
      },
    };
    const losses = await lossesWith(3);
    expect(new Set(losses).size).toBe(4);
    expect(await lossesWith(3)).toEqual(losses);
    expect(await lossesWith(4)).not.toEqual(losses);
  });

  it.each([
    [{}, 'epochs'],
    [{ epochs: 0 }, 'epochs'],
    [{ totalSteps: 1.5 }, 'totalSteps'],
    [{ maxDurationMs: -1 }, 'maxDurationMs'],
    [{ epochs: 1, resume: true }, 'resume'],
    [{ epochs: 1, clipGlobalNorm: 0 }, 'clipGlobalNorm'],
    [{ epochs: 1, clipGlobalNorm: Number.POSITIVE_INFINITY }, 'clipGlobalNorm'],
    [{ epochs: 1, validateEvery: { steps: 0 } }, 'validateEvery.steps'],
    [{ epochs: 1, checkpoint: { dir: 'x', keep: 0 } }, 'checkpoint.keep'],
    [{ epochs: 1, checkpoint: { dir: 'x', best: true } }, 'checkpoint.best'],
    [{ epochs: 1, monitor: { metric: 'acuracy', mode: 'max' } }, 'monitor'],
    [{ epochs: 1, precision: 'bfloat16' }, 'precision'],
    [{ epochs: 1, seed: Number.NaN }, 'seed'],
  ] as [object, string][])('refuses %j', async (options, name) => {
    await expect(fit(basics(options))).rejects.toMatchObject({
      code: 'invalid-option',
      message: expect.stringContaining(`\`${name}\``),
    });
  });
});
