import { ProjError, Rng, type RngKey } from '@proj/core';
import { checkedWeights, weightedOrder } from './weighted-order.js';

export const lastBatches = ['keep', 'drop', 'wrap', 'pad'] as const;

/** What to do where an epoch's examples do not fill the last batch. */
export type LastBatch = (typeof lastBatches)[number];

export interface EpochPlanOptions {
  /** Examples in the source, `Infinity` for an endless one. */
  readonly size: number;
  readonly batchSize: number;
  readonly stepsPerEpoch: number | undefined;
  readonly lastBatch: LastBatch;
  readonly shuffle: boolean;
  readonly weights: ArrayLike<number> | undefined;
  readonly seed: RngKey;
}

/** Which examples belong to which batch: a pure function of seed, epoch and step. */
export class EpochPlan {
  readonly stepsPerEpoch: number;
  readonly #options: EpochPlanOptions;
  readonly #weights: Float64Array | undefined;

  /** @throws ProjError `empty-source`, `invalid-steps`, `invalid-weights`. */
  constructor(options: EpochPlanOptions) {
    this.#options = options;
    this.#weights = options.weights && checkedWeights(options.weights, options.size);
    this.stepsPerEpoch = countSteps(options);
  }

  /** For each step of `epoch` the indices of its examples; -1 for rows that are left blank. */
  epoch(epoch: number): (step: number) => Int32Array {
    const { size, batchSize, lastBatch } = this.#options;
    if (size === Number.POSITIVE_INFINITY) {
      return (step) => {
        const first = (epoch * this.stepsPerEpoch + step) * batchSize;
        if (first + batchSize > 0x80000000) {
          throw new ProjError(`Epoch ${epoch} reaches beyond the examples that can be numbered`, {
            code: 'invalid-steps',
            expected: 'fewer than 2^31 examples in all',
          });
        }
        return Int32Array.from({ length: batchSize }, (_, i) => first + i);
      };
    }
    const order = this.#order(epoch);
    return (step) => {
      const first = step * batchSize;
      const whole = (indexAt: (position: number) => number) =>
        Int32Array.from({ length: batchSize }, (_, i) => indexAt(first + i));
      if (lastBatch === 'wrap') return whole((position) => order[position % size]!);
      if (lastBatch === 'pad') return whole((position) => order[position] ?? -1);
      return order.slice(first, first + batchSize);
    };
  }

  #order(epoch: number): Int32Array {
    const { size, shuffle, seed } = this.#options;
    const rng = new Rng(seed).split('epoch', epoch);
    if (this.#weights !== undefined) return weightedOrder(this.#weights, rng);
    const order = Int32Array.from({ length: size }, (_, index) => index);
    return shuffle ? rng.shuffle(order) : order;
  }
}

function countSteps({ size, batchSize, stepsPerEpoch, lastBatch }: EpochPlanOptions): number {
  if (size === Number.POSITIVE_INFINITY) {
    if (stepsPerEpoch !== undefined) return stepsPerEpoch;
    throw new ProjError('Cannot tell where an epoch of an endless source ends', {
      code: 'invalid-steps',
      fix: 'Pass `stepsPerEpoch`, or a `size` to `generatorSource`',
    });
  }
  const available = lastBatch === 'drop' ? Math.floor(size / batchSize) : Math.ceil(size / batchSize);
  if (available === 0) {
    throw new ProjError('The source gives no batch', {
      code: 'empty-source',
      expected: lastBatch === 'drop' ? `at least one batch of ${batchSize} examples` : 'at least one example',
      received: `${size} examples`,
      fix: size > 0 ? "Use a smaller `batchSize` or `lastBatch: 'keep'`" : 'Check the source',
    });
  }
  if (stepsPerEpoch === undefined || stepsPerEpoch <= available) return stepsPerEpoch ?? available;
  throw new ProjError('The source has too few examples for an epoch', {
    code: 'invalid-steps',
    expected: `at most ${available} steps of ${batchSize} from ${size} examples`,
    received: `stepsPerEpoch: ${stepsPerEpoch}`,
    fix: 'Leave `stepsPerEpoch` out, or train for more epochs',
  });
}
