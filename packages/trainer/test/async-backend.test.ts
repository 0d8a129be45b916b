import { adam } from '@proj/optimizers';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { evaluate, fit, softmaxCrossEntropyPerPosition } from '../src/index.js';
import { eventsOf, halvesLoader, positionAccuracy, recorder, smallModel } from './fixtures.js';

type CpuBackend = tf.KernelBackend & { readSync(id: object): tf.backend_util.BackendValues };

/**
 * The cpu backend as if it had a thread of its own: values come later, and only kernels, which would run in that
 * thread, read at once.
 */
beforeAll(async () => {
  await tf.setBackend('cpu');
  let runningKernels = 0;
  const Cpu = tf.backend().constructor as new () => CpuBackend;
  class LaterBackend extends Cpu {
    override async read(id: object): Promise<tf.backend_util.BackendValues> {
      await new Promise((resolve) => setTimeout(resolve, 10));
      return super.readSync(id);
    }
    override readSync(id: object): tf.backend_util.BackendValues {
      if (runningKernels === 0) throw new Error('read at once, which stalls a backend with a thread of its own');
      return super.readSync(id);
    }
  }
  tf.registerBackend('later', () => new LaterBackend());
  for (const kernel of tf.getKernelsForBackend('cpu')) {
    const kernelFunc: tf.KernelFunc = (args) => {
      runningKernels++;
      try {
        return kernel.kernelFunc(args);
      } finally {
        runningKernels--;
      }
    };
    tf.registerKernel({ ...kernel, kernelFunc, backendName: 'later' });
  }
  await tf.setBackend('later');
});

describe('on a backend that computes in a thread of its own', () => {
  it('no tensor is left behind where a metric throws while the next batch is under way', async () => {
    const failure = new Error('bad');
    const update = () => {
      throw failure;
    };
    const model = smallModel();
    const before = tf.memory().numTensors;
    const metrics = { bad: { ...positionAccuracy, update } };
    await expect(evaluate({ model, data: halvesLoader(), metrics })).rejects.toBe(failure);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('a step is under way while the one before is read, and nothing is read at once', async () => {
    const order: string[] = [];
    let started = 0;
    const { events, listener } = recorder();
    await fit({
      model: smallModel({ dropout: 0.2 }),
      optimizer: adam(),
      loss: (logits, labels) => {
        order.push(`start ${started++}`);
        return softmaxCrossEntropyPerPosition(logits, labels);
      },
      schedule: () => 0.01,
      train: halvesLoader(),
      metrics: { accuracy: positionAccuracy },
      totalSteps: 4,
      onEvent: [listener, (event) => void (event.type === 'step' && order.push(`told ${event.step}`))],
    });
    expect(order).toEqual(['start 0', 'start 1', 'told 0', 'start 2', 'told 1', 'start 3', 'told 2', 'told 3']);
    expect(eventsOf(events, 'step').every(({ loss }) => Number.isFinite(loss))).toBe(true);
  });

  it('so is a batch of evaluate', async () => {
    const order: string[] = [];
    const result = await evaluate({
      model: smallModel(),
      data: halvesLoader({ stepsPerEpoch: 3 }),
      metrics: { accuracy: positionAccuracy },
      loss: (logits, labels) => {
        order.push('start');
        return softmaxCrossEntropyPerPosition(logits, labels);
      },
      onProgress: (examples) => void order.push(String(examples)),
    });
    expect(order).toEqual(['start', 'start', '8', 'start', '16', '24']);
    expect(result.n).toBe(24);
  });
});
