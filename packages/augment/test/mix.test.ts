import { isProjError, Rng } from '@proj/core';
import { describe, expect, it } from 'vitest';
import { cutMix, type LabelledBatch, mixUp } from '../src/index.js';
import { batches, tensor } from './goldens.js';

/** A batch of a golden file, as real numbers or as bytes. */
function batchOf(key: string, bytes = false): LabelledBatch {
  const { data, shape } = tensor(`${key}.inputs`);
  const labels = tensor(`${key}.labels`) as LabelledBatch['labels'];
  return { inputs: { data: bytes ? Uint8Array.from(data) : (data as Float32Array), shape }, labels };
}

const greatest = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);

describe.each(batches)('as torchvision mixes $key', ({ key, lambda, box }) => {
  it('mixUp', () => {
    for (const bytes of [false, true]) {
      const { inputs, targets } = mixUp({ numClasses: 5 }).apply(batchOf(key, bytes), { lambda });
      expect(greatest(inputs.data, tensor(`${key}.mixUp`).data)).toBeLessThanOrEqual(bytes ? 0.501 : 1e-4);
      expect(greatest(targets.data, tensor(`${key}.mixUp.targets`).data)).toBeLessThan(1e-6);
      expect(targets.shape).toEqual([4, 5]);
    }
  });

  it('cutMix', () => {
    for (const bytes of [false, true]) {
      const { inputs, targets } = cutMix({ numClasses: 5 }).apply(batchOf(key, bytes), { box });
      expect(greatest(inputs.data, tensor(`${key}.cutMix`).data)).toBe(0);
      expect(greatest(targets.data, tensor(`${key}.cutMix.targets`).data)).toBeLessThan(1e-6);
    }
  });
});

describe('what is drawn', () => {
  it('shares are even at alpha 1; boxes lie inside and cover what the share leaves', () => {
    const rng = new Rng(3);
    const shares = Array.from({ length: 2000 }, () => mixUp({ numClasses: 2 }).sample(rng, [4, 8, 10, 3]).lambda);
    expect(shares.reduce((sum, share) => sum + share, 0) / 2000).toBeCloseTo(0.5, 1);
    expect(shares.filter((share) => share < 0.1).length / 2000).toBeCloseTo(0.1, 1);
    const boxes = Array.from({ length: 2000 }, () => cutMix({ numClasses: 2 }).sample(rng, [4, 32, 48, 3]).box);
    for (const { top, left, width, height } of boxes) {
      expect(top >= 0 && left >= 0 && left + width <= 48 && top + height <= 32).toBe(true);
    }
    // A rectangle round any place keeps a bit more than two thirds of half the area on the average.
    const area = boxes.reduce((sum, { width, height }) => sum + width * height, 0) / (2000 * 32 * 48);
    expect(area).toBeGreaterThan(0.28);
    expect(area).toBeLessThan(0.45);
  });

  it('several positions have a row of targets each, which adds up to 1', () => {
    const inputs = { data: new Uint8Array(2 * 4 * 4 * 1), shape: [2, 4, 4, 1] };
    const labels = { data: Int32Array.from([0, 1, 2, 3, 2, 1]), shape: [2, 3] };
    const { targets } = mixUp({ numClasses: 4 }).apply({ inputs, labels }, { lambda: 0.75 });
    expect(targets.shape).toEqual([2, 3, 4]);
    expect([...targets.data.subarray(0, 12)]).toEqual([0.75, 0, 0, 0.25, 0, 0.75, 0.25, 0, 0, 0.25, 0.75, 0]);
  });

  it('says what does not fit', () => {
    const inputs = { data: new Uint8Array(16), shape: [1, 4, 4, 1] };
    const wrong = { data: Int32Array.from([7]), shape: [1] };
    expect(() => mixUp({ numClasses: 4 }).apply({ inputs, labels: wrong }, { lambda: 1 })).toThrow(/0\.\.3.*with 7/);
    const short = { data: Int32Array.from([1, 1]), shape: [2] };
    try {
      cutMix({ numClasses: 4 }).apply({ inputs, labels: short }, { box: { top: 0, left: 0, width: 1, height: 1 } });
      expect.unreachable();
    } catch (error) {
      expect(isProjError(error, 'invalid-batch')).toBe(true);
    }
    expect(() => mixUp({ numClasses: 0 })).toThrow('numClasses');
    expect(() => mixUp({} as never)).toThrow('numClasses');
  });
});
