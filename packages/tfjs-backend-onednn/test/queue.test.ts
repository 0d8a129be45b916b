import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { isProjError } from '@proj/core';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { OnednnBackend } from '../src/index.js';
import { available } from './reference.js';

const run = promisify(execFile);

/** Runs a program of test/programs and returns what it printed and its exit code. */
async function program(
  name: string,
  env: Record<string, string> = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const file = fileURLToPath(new URL(`programs/${name}.mjs`, import.meta.url));
  const options = { env: { ...process.env, ...env }, timeout: 120_000 };
  try {
    return { code: 0, ...(await run(process.execPath, [file], options)) };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, stdout, stderr };
  }
}

/** Enqueues work that takes the compute thread far longer than enqueueing it. */
function enqueueLongWork(products: number): tf.Tensor {
  return tf.tidy(() => {
    const mean: tf.Tensor2D = tf.fill([700, 700], 1 / 700);
    let x = mean;
    for (let i = 0; i < products; i++) x = tf.matMul(x, mean);
    return x;
  });
}

/** A gather of an index that does not exist, which only the compute thread knows. */
function failingGather(index: number): tf.Tensor {
  return tf.tidy(() => tf.gather(tf.zeros([3, 2]), tf.tensor1d([0, index - 1], 'int32').add(tf.scalar(1, 'int32'))));
}

describe.skipIf(!available)('the compute thread', { timeout: 120_000 }, () => {
  beforeAll(() => tf.setBackend('onednn'));

  it('leaves the event loop free while a read waits', async () => {
    enqueueLongWork(1).dispose();
    const x = enqueueLongWork(40);
    let done = false;
    const read = x.data().then((values) => {
      done = true;
      return values;
    });
    let ticks = 0;
    while (!done) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      ticks += 1;
    }
    // 27 GFLOP take at least some tens of milliseconds anywhere; a blocked loop would tick once.
    expect(ticks).toBeGreaterThan(5);
    const values = await read;
    expect(Math.abs(values[0]! - 1 / 700)).toBeLessThan(1e-7);
    x.dispose();
  });

  it('gives each read the values of its moment, whatever happens to the tensor next', async () => {
    const reads: Promise<Float32Array | Int32Array | Uint8Array>[] = [];
    for (let i = 0; i < 30; i++) {
      const x = tf.fill([10_000], i);
      reads.push(x.data());
      x.dispose();
    }
    const values = await Promise.all(reads);
    expect(values.map((array) => [array[0], array[9_999]])).toEqual(values.map((_, i) => [i, i]));
  });

  it('turns an exception in a kernel into an error that names operation and shapes', async () => {
    const caught = async (f: () => unknown): Promise<unknown> => {
      try {
        await f();
        return undefined;
      } catch (error) {
        return error;
      }
    };
    for (const read of [(x: tf.Tensor) => x.dataSync(), (x: tf.Tensor) => x.data()]) {
      const x = failingGather(7);
      const error = await caught(() => read(x));
      expect(isProjError(error, 'kernel-failed')).toBe(true);
      expect(String(error)).toContain('gather [3,2] [2] [2,2]: index 7 is not in [0, 2]');
      x.dispose();
    }
    // The error is told once, and the backend goes on.
    expect(tf.tidy(() => tf.scalar(2).add(3).dataSync()[0])).toBe(5);
  });

  it('rejects all reads that were under way when the error was told, and no others', async () => {
    const messageOf = (read: PromiseSettledResult<unknown>) =>
      read.status === 'rejected' ? /index \d+/.exec(String(read.reason))?.[0] : read.status;
    const one = tf.scalar(1);
    const reads = [one.data()];
    const wrong = failingGather(7);
    const sum = wrong.add(1);
    const long = enqueueLongWork(20);
    const later = failingGather(8);
    for (const x of [wrong, sum, long, later, one]) reads.push(x.data());
    const all = Promise.allSettled(reads);
    await expect(reads[1]).rejects.toThrow('index 7');
    // The rest still waits for the long work; what is made from here on is valid.
    const next = tf.scalar(2).add(3);
    expect(Array.from(await next.data())).toEqual([5]);
    expect((await all).map(messageOf)).toEqual(['fulfilled', ...new Array(5).fill('index 7')]);

    const again = failingGather(9);
    expect((await Promise.allSettled([again.data(), one.data()])).map(messageOf)).toEqual(['index 9', 'index 9']);
    expect(Array.from(await one.data())).toEqual([1]);
    tf.dispose([one, wrong, later, sum, long, next, again]);
  });

  it('throws when memory is out, and goes on', () => {
    let error: unknown;
    const before = tf.memory().numTensors;
    try {
      tf.fill([1 << 20, 1 << 20], 1);
    } catch (caught) {
      error = caught;
    }
    expect(isProjError(error, 'out-of-memory')).toBe(true);
    expect(String(error)).toContain('[1048576, 1048576]');
    expect(tf.memory().numTensors).toBe(before);
    expect(tf.tidy(() => tf.fill([3], 2).sum().dataSync()[0])).toBe(6);
  });

  it('times what was enqueued', async () => {
    const { kernelMs } = (await tf.time(() => enqueueLongWork(3).dispose())) as { kernelMs: number };
    expect(kernelMs).toBeGreaterThan(0);
    const { kernels } = await tf.profile(() => tf.tidy(() => tf.scalar(1).add(1).clone()));
    expect(kernels.map(({ name }) => name)).toContain('Add');
  });

  it('says where its time went only for itself', async () => {
    await tf.setBackend('cpu');
    const { profile } = await import('../src/index.js');
    expect(() => profile()).toThrow(/active backend/);
    await tf.setBackend('onednn');
    expect((tf.backend() as OnednnBackend).profile()).toBeInstanceOf(Array);
  });
});

describe.skipIf(!available)('processes', { timeout: 300_000 }, () => {
  it('process.exit in the middle of a step ends at once with its code', async () => {
    const works = ['products', 'convolutions', 'replay', 'worker'];
    const ended = await Promise.all(works.map((WORK) => program('exit-mid-step', { WORK })));
    // Where a listener of the exit reads, it gets the values.
    const expected = works.map((work) => ({ code: 7, stdout: work === 'products' ? '' : '3\n', stderr: '' }));
    expect(ended).toEqual(expected);
  });

  it('the process ends by itself when work is enqueued but not awaited', async () => {
    expect(await program('enqueue-and-leave')).toMatchObject({ code: 0, stdout: 'left\n', stderr: '' });
  });

  it('worker threads share the compute thread, in replays too, and may end at any time', async () => {
    expect(await program('workers')).toMatchObject({ code: 0, stdout: 'workers agree\nmain goes on\n', stderr: '' });
  });

  it('goes on when the last worker that loaded it has ended', async () => {
    const stdout = `${'512.000\n'.repeat(3)}main goes on\n`;
    expect(await program('only-workers')).toMatchObject({ code: 0, stdout, stderr: '' });
  });

  it('gives no pages back that calls of another thread still read', async () => {
    expect(await program('trim-beside-worker')).toMatchObject({ code: 0, stdout: '0 wrong\n', stderr: '' });
  });

  it('what needs memory waits for that which calls in the queue still use, and small and large tensors share it', async () => {
    expect(await program('small-memory', { PROJ_ONEDNN_MEMORY_LIMIT: String(64 << 20) })).toMatchObject({
      code: 0,
      stdout: '0 1 2 3 4 5 6 7 8 9 10 11\nout-of-memory\n60 67 60 67 MB\n',
      stderr: '',
    });
  });

  it('a training step that does not fit into memory throws, leaks nothing, and a smaller one goes on', async () => {
    const { code, stdout, stderr } = await program('step-out-of-memory', {
      PROJ_ONEDNN_MEMORY_LIMIT: String(128 << 20),
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [error, leaked, loss] = stdout.split('\n');
    // Operation and shape of what did not fit.
    expect(error).toMatch(/^out-of-memory: Out of memory in \w+.*float32 \[1500, 32, 32, 8\]/);
    expect(leaked).toBe('left over: 0,0');
    expect(Number(loss)).toBeGreaterThan(0);
  });

  it('a traced function that does not fit into memory throws, leaks and assigns nothing, and goes on when there is room', async () => {
    const { code, stdout, stderr } = await program('trace-out-of-memory', {
      PROJ_ONEDNN_MEMORY_LIMIT: String(128 << 20),
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const fits = (count: number) => `-0.0729 ${10 * count}`;
    expect(stdout.trim().split('\n')).toEqual([
      expect.stringMatching(/^out-of-memory: Out of memory in \w+.*float32 \[1500, 32, 32, 8\]/),
      'left over: 0,0; count 1',
      fits(2),
      fits(3),
      fits(4),
      expect.stringMatching(/^out-of-memory: Out of memory in a traced function.*MB/),
      'left over: 0,0; count 4',
      fits(5),
      'assigned 4 times',
    ]);
  });

  it('what C++ throws becomes an exception in JavaScript, and starting can be tried again', async () => {
    const stdout = 'init throws, then works\nrun throws, replay throws, 0 buffers left\n';
    expect(await program('native-exceptions')).toMatchObject({ code: 0, stdout, stderr: '' });
  });

  it('a sum is the same from run to run, whichever thread ends first', async () => {
    const { code, stdout } = await program('same-sums', { OMP_NUM_THREADS: '7' });
    expect({ code, stdout }).toEqual({ code: 0, stdout: '0\n' });
  });

  it('signals, as those of a CPU profiler, do not touch what oneDNN computes on the thread of JavaScript', async () => {
    const { code, stdout, stderr } = await program('profiled');
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '{"same":20000,"profiled":true}\n', stderr: '' });
  });

  it('all instruction sets that are there give the same results; another is an error that lists them', async () => {
    const { code, stderr } = await program('instruction-set', { PROJ_ONEDNN_ISA: 'avx1024' });
    expect(code).toBe(1);
    const listed = /Expected (.*): what this machine runs/.exec(stderr)![1]!.split(', ');
    expect(listed.at(-1)).toBe('baseline');
    const forced = await Promise.all(listed.map((isa) => program('instruction-set', { PROJ_ONEDNN_ISA: isa })));
    for (const output of forced) expect(output).toMatchObject({ code: 0, stderr: '' });
    const results = forced.map(({ stdout }) => JSON.parse(stdout) as { isa: string; values: number[] });
    expect(results.map(({ isa }) => isa)).toEqual(listed);
    const { values: baseline } = results.at(-1)!;
    for (const { values } of results) {
      for (const [i, value] of values.entries()) {
        expect(Math.abs(value - baseline[i]!)).toBeLessThanOrEqual(2e-6 * Math.abs(baseline[i]!));
      }
    }
  });
});
