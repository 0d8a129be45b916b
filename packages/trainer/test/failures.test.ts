import { readdirSync } from 'node:fs';
import { ProjError } from '@proj/core';
import { adam, sgd } from '@proj/optimizers';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { type FitOptions, fit, restoreModel, softmaxCrossEntropyPerPosition, type TrainEvent } from '../src/index.js';
import { eventsOf, halvesLoader, recorder, smallModel } from './fixtures.js';
import { temporaryFolder } from './temporary-folder.js';

vi.setConfig({ testTimeout: 120_000 }); // a busy machine is slow with TensorFlow.js's plain backend

beforeAll(() => tf.setBackend('cpu'));

function basics(options: Partial<FitOptions> = {}): FitOptions {
  return {
    model: options.model ?? smallModel(),
    optimizer: adam(),
    loss: softmaxCrossEntropyPerPosition,
    schedule: () => 0.01,
    train: halvesLoader(),
    totalSteps: 10,
    ...options,
  };
}

describe('a run that fails', () => {
  it('by a learning rate that is too high names step, rate and last finite loss; good checkpoints stay', async () => {
    const dir = temporaryFolder();
    const { events, listener } = recorder();
    const model = smallModel({ batchNorm: false });
    const schedule = (step: number) => (step < 4 ? 0.01 : 1e30);
    const before = tf.memory().numTensors;
    const run = fit(
      basics({ model, optimizer: sgd(), schedule, checkpoint: { dir, everySteps: 2, keep: 9 }, onEvent: listener }),
    );
    const error = await run.catch((error: ProjError) => error);
    const losses = eventsOf(events, 'step').map(({ loss }) => loss);
    expect(losses.every(Number.isFinite)).toBe(true);
    expect(error).toBeInstanceOf(ProjError);
    expect(error).toMatchObject({ code: 'diverged' });
    const { message } = error as ProjError;
    expect(message).toMatch(/at step \d+\./);
    expect(message).toContain('learning rate 1e+30');
    expect(message).toContain(`last finite loss ${losses.at(-1)}`);
    expect(events.at(-1)).toMatchObject({ type: 'end', reason: 'failed', error: { code: 'diverged' } });

    expect(readdirSync(dir).length).toBeGreaterThanOrEqual(3);
    const restored = smallModel({ batchNorm: false });
    const { step } = await restoreModel({ model: restored, dir });
    expect(step).toBeLessThanOrEqual(4);
    const values = restored.weights.flatMap((weight) => [...weight.read().dataSync()]);
    expect(values.every(Number.isFinite)).toBe(true);
    restored.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('at a checkpoint whose weights are not finite, though every loss was, does not save it', async () => {
    const dir = temporaryFolder();
    const schedule = (step: number) => (step === 1 ? 1e300 : 0.01);
    const run = fit(basics({ optimizer: sgd(), schedule, totalSteps: 2, checkpoint: { dir } }));
    await expect(run).rejects.toMatchObject({ code: 'diverged', received: expect.stringMatching(/in \w+\/\w+ at/) });
    expect(readdirSync(dir)).toEqual(['step-00000000.safetensors']);
    await expect(fit(basics({ optimizer: sgd(), schedule, totalSteps: 2 }))).rejects.toMatchObject({
      code: 'diverged',
    });
  });

  it('by a NaN in a picture names the example', async () => {
    const loader = halvesLoader();
    const train = {
      ...loader,
      async *epoch(epoch: number) {
        for await (const batch of loader.epoch(epoch)) {
          const data = Float32Array.from(batch.inputs.data);
          if (batch.indices[0] === 16) data[3 * 64 + 5] = Number.NaN;
          yield { ...batch, inputs: { ...batch.inputs, data } };
        }
      },
    };
    await expect(fit(basics({ train }))).rejects.toMatchObject({
      code: 'diverged',
      message: expect.stringMatching(/step 2: .*NaN in example 3 of the batch, number 19 of its source/),
    });
  });

  it('by a loader that throws passes its error on, tells the end and leaves no tensor', async () => {
    const loader = halvesLoader();
    const failure = new Error('worker gone');
    let closed = false;
    const train = {
      ...loader,
      async *epoch(epoch: number) {
        try {
          for await (const batch of loader.epoch(epoch)) {
            yield batch;
            if (batch.indices[0] === 16) throw failure;
          }
        } finally {
          closed = true;
        }
      },
    };
    const { events, listener } = recorder();
    const options = basics({ train, optimizer: sgd(), onEvent: listener });
    const before = tf.memory().numTensors;
    await expect(fit(options)).rejects.toBe(failure);
    expect(events.at(-1)).toMatchObject({
      type: 'end',
      reason: 'failed',
      error: { code: 'error', message: 'worker gone' },
    });
    expect(closed).toBe(true);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('by a listener passes its error on', async () => {
    const failure = new Error('full');
    const onEvent = () => {
      throw failure;
    };
    const { events, listener } = recorder();
    await expect(fit(basics({ onEvent: [onEvent, listener] }))).rejects.toBe(failure);
    expect(events).toMatchObject([{ type: 'end', reason: 'failed', error: { message: 'full' } }]);
    await expect(fit(basics({ onEvent }))).rejects.toBe(failure);
    const loader = halvesLoader();
    const train = {
      ...loader,
      async *epoch(epoch: number) {
        try {
          yield* loader.epoch(epoch);
        } finally {
          failClosing();
        }
      },
    };
    const failClosing = () => {
      throw new Error('cannot close');
    };
    const onStep = ({ type }: TrainEvent) => void (type === 'step' && onEvent());
    await expect(fit(basics({ train, onEvent: onStep }))).rejects.toBe(failure);
  });

  it('by a loader that ends early says so', async () => {
    const train = { ...halvesLoader({ stepsPerEpoch: 3 }), stepsPerEpoch: 5 };
    await expect(fit(basics({ train }))).rejects.toMatchObject({ code: 'loader-ended', received: '3' });
  });

  it('by pictures of another size says so', async () => {
    const model = tf.sequential({
      layers: [tf.layers.flatten({ inputShape: [9, 8, 1], name: 'flat' }), tf.layers.dense({ units: 2, name: 'd' })],
    });
    await expect(fit(basics({ model }))).rejects.toMatchObject({
      code: 'shape-mismatch',
      expected: 'inputs of shape [any,9,8,1]',
      received: '[8,8,8,1]',
    });
  });

  it('by a loss that is no scalar says so', async () => {
    const loss = (logits: tf.Tensor) => logits.sum(-1) as unknown as tf.Scalar;
    await expect(fit(basics({ loss }))).rejects.toMatchObject({ code: 'invalid-loss', received: 'shape [8,2]' });
  });

  it('by two outputs says so', async () => {
    const input = tf.input({ shape: [8, 8, 1], name: 'in' });
    const flat = tf.layers.flatten({ name: 'flat' }).apply(input) as tf.SymbolicTensor;
    const outputs = ['a', 'b'].map((name) => tf.layers.dense({ units: 2, name }).apply(flat) as tf.SymbolicTensor);
    await expect(fit(basics({ model: tf.model({ inputs: input, outputs }) }))).rejects.toMatchObject({
      code: 'unsupported-model',
      received: '2 outputs',
    });
  });
});
