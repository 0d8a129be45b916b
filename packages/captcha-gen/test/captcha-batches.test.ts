// Worker threads run what is built.
import { afocus, wide } from '@proj/captcha-gen';
import { type CaptchaBatch, type CaptchaBatchesOptions, captchaBatches } from '@proj/captcha-gen/node';
import { isProjError } from '@proj/core';
import { describe, expect, it } from 'vitest';
import { defineStyle } from '../src/style.js';
import { afocusDefinition } from '../src/styles/afocus.js';

const style = afocus({ width: 60, height: 30, length: [1, 2] });

async function all(options: CaptchaBatchesOptions, of = style): Promise<CaptchaBatch[]> {
  const batches: CaptchaBatch[] = [];
  for await (const batch of captchaBatches(of, options)) batches.push(batch);
  return batches;
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (isProjError(error)) return error.code;
    throw error;
  }
  return 'none';
}

describe('captchaBatches', { timeout: 60_000 }, () => {
  it('gives the same whatever the number of threads, in buffers of their own', async () => {
    const options = { seed: 5, startIndex: 2, count: 23, batchSize: 4 };
    const inline = await all(options);
    expect(inline.map(({ labels }) => labels.length)).toEqual([4, 4, 4, 4, 4, 3]);
    expect(inline.flatMap(({ indices }) => indices)).toEqual(Array.from({ length: 23 }, (_, i) => i + 2));
    expect(inline[5]!.inputs.shape).toEqual([3, 30, 60, 3]);
    const third = style.generate(5, 4);
    expect(inline[0]!.labels[2]).toBe(third.label);
    expect(inline[0]!.inputs.data.subarray(2 * 5400, 3 * 5400)).toEqual(new Uint8Array(third.image.data));
    expect(await all({ ...options, threads: 3 })).toEqual(inline);
    expect(new Set(inline.map(({ inputs }) => inputs.data.buffer)).size).toBe(inline.length);
    for (const { inputs } of inline) expect(inputs.data.byteLength).toBe(inputs.data.buffer.byteLength);
  });

  it('ends its threads when the loop is left, and stops at a signal', async () => {
    for await (const { labels } of captchaBatches(style, { seed: 1, count: 1e9, batchSize: 8, threads: 2 })) {
      expect(labels).toHaveLength(8);
      break;
    }
    const stop = new AbortController();
    const reading = (async () => {
      const options = { seed: 1, count: 1e9, batchSize: 8, threads: 1, signal: stop.signal };
      for await (const _ of captchaBatches(style, options)) stop.abort(new Error('enough'));
    })();
    await expect(reading).rejects.toThrow('enough');
  });

  it("passes on the style's own error, from threads too", async () => {
    const none = wide({ part: 'test', shares: { train: 1, validation: 0, test: 0 }, length: 1 });
    for (const threads of [0, 2]) {
      expect(await codeOf(all({ seed: 1, count: 4, batchSize: 2, threads }, none as never))).toBe('empty-part');
    }
  });

  it('says when it cannot do what it is asked', async () => {
    const own = defineStyle(afocusDefinition({}));
    expect(await codeOf(all({ seed: 1, count: 2, batchSize: 1, threads: 1 }, own))).toBe('not-threadable');
    for (const [option, value] of [
      ['batchSize', 0],
      ['threads', -1],
      ['count', 1.5],
    ] as const) {
      const refused = all({ seed: 1, count: 2, batchSize: 1, [option]: value });
      await expect(refused).rejects.toMatchObject({
        code: 'invalid-count',
        message: expect.stringContaining(`this \`${option}\``),
      });
    }
    for (const shard of [
      { number: 0, of: 2 },
      { number: 3, of: 2 },
      { number: 1.5, of: 2 },
      { number: 1, of: 3 },
    ]) {
      expect(await codeOf(all({ seed: 1, count: 2, batchSize: 1, shard }))).toBe('invalid-shard');
    }
  });
});
