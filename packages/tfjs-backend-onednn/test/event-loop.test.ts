import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { trace } from '../src/index.js';
import { available, noise } from './reference.js';

const EVERY_MS = 25;
const TIMERS = 40;

/**
 * How late each of 40 timers fires, in milliseconds, of those that are due while `work` is under way; from the moment
 * before it begins, so that what it does before it first waits counts as well.
 */
async function delays(work: () => Promise<unknown>): Promise<number[]> {
  const late: number[] = [];
  const start = performance.now();
  const timers = Array.from({ length: TIMERS }, (_, i) => {
    const due = EVERY_MS * (i + 1);
    return setTimeout(() => late.push(performance.now() - start - due), due);
  });
  await work();
  for (const timer of timers) clearTimeout(timer);
  return late.sort((a, b) => a - b);
}

const quantile = (sorted: readonly number[], share: number) => sorted[Math.floor(share * (sorted.length - 1))]!;

describe.skipIf(!available)('the event loop', { timeout: 240_000 }, () => {
  beforeAll(() => tf.setBackend('onednn'));

  it('stays free during a training step of a second: timers fire within 20 ms', async () => {
    // A few large kernels. What JavaScript does itself to enqueue them, some tens of microseconds each, is not free of course.
    const filters = [0, 1, 2, 3].map((i) => tf.variable(noise([3, 3, 32, 32], i).mul(0.05) as tf.Tensor4D));
    const optimizer = tf.train.sgd(1e-3);
    const step = async (x: tf.Tensor) => {
      const net = () => filters.reduce((y, filter) => tf.conv2d(y, filter, 1, 'same').relu(), x as tf.Tensor4D);
      const loss = tf.tidy(() => optimizer.minimize(() => net().square().mean() as tf.Scalar, true)!);
      await loss.data();
      loss.dispose();
    };

    // Small steps until the code is compiled, then a batch that makes a step of about a second on this machine.
    const one = noise([1, 64, 64, 32]);
    const durations: number[] = [];
    for (let i = 0; i < 40; i++) {
      const start = performance.now();
      await step(one);
      durations.push(performance.now() - start);
    }
    const size = Math.min(200, Math.max(2, Math.round(1000 / durations.sort((a, b) => a - b)[20]!)));
    const batch = tf.tile(one, [size, 1, 1, 1]);
    await step(batch);

    // Where timers are late and those of an idle loop are as well, the machine is at something else: then the measurement
    // says nothing, and is made again.
    let idle: number[] = [];
    let busy: number[] = [];
    for (let attempt = 0; attempt < 5; attempt++) {
      busy = await delays(() => step(batch));
      idle = await delays(() => new Promise((resolve) => setTimeout(resolve, EVERY_MS * TIMERS)));
      if (quantile(busy, 0.8) < 20 || quantile(idle, 0.9) < 2) break;
    }
    const figures = `batch ${size}, ${busy.length} timers; busy ${busy.map(Math.round)}; idle ${idle.map(Math.round)}`;
    // Those that the step did not leave to fire were late by all that was left of it.
    expect(busy.length, figures).toBeGreaterThan(TIMERS / 3);
    expect(quantile(busy, 0.5), figures).toBeLessThan(20);
    expect(quantile(busy, 0.8), figures).toBeLessThan(20);
    tf.dispose([one, batch, ...filters]);
    optimizer.dispose();
  });

  it('stays free where a traced function computes long from few numbers', async () => {
    const x = noise([1, 96, 96, 16], 1) as tf.Tensor4D;
    const sequence = noise([1, 300, 2], 2);
    const recurrent = tf.layers.lstm({ units: 128 });
    for (const f of [
      () => tf.maxPool(x, 48, 1, 'same'),
      () => tf.avgPool(x, 48, 1, 'same'),
      () => recurrent.apply(sequence) as tf.Tensor,
    ]) {
      const traced = trace(f);
      const calls: number[] = [];
      const waits: number[] = [];
      for (let i = 0; i < 6; i++) {
        const start = performance.now();
        const y = traced();
        calls.push(performance.now() - start);
        await y.data();
        waits.push(performance.now() - start);
        y.dispose();
      }
      // Of replays: the call is over long before the values are there.
      expect(Math.min(...calls.slice(2))).toBeLessThan(Math.min(...waits.slice(2)) / 2);
      traced.dispose();
    }
    tf.dispose([x, sequence]);
    recurrent.dispose();
  });

  it('reads also where timers are not the real ones', async () => {
    vi.useFakeTimers();
    try {
      const x = tf.ones([3]);
      expect([...(await x.data())]).toEqual([1, 1, 1]);
      expect([...(await x.data())]).toEqual([1, 1, 1]);
      x.dispose();
    } finally {
      vi.useRealTimers();
    }
  });

  it('has its turn between predictions that are computed in their calls, and between reads of what is there already', async () => {
    const traced = trace((x: tf.Tensor) => x.square());
    const x = tf.ones([10]);
    await x.data();
    const predict = async () => {
      const y = traced(x);
      await y.data();
      y.dispose();
    };
    for (const once of [() => x.data(), predict]) {
      let fired = false;
      const timer = setTimeout(() => {
        fired = true;
      }, 1);
      const start = performance.now();
      while (!fired && performance.now() - start < 2000) await once();
      expect(fired).toBe(true);
      clearTimeout(timer);
    }
    traced.dispose();
    x.dispose();
  });
});
