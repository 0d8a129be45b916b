import { ProjError, Rng, type RngKey } from '@proj/core';

/** What to do where an epoch's examples do not fill the last batch. */
export type LastBatch = 'keep' | 'drop' | 'wrap';

export interface EpochPlanOptions {
  /** Examples in the source, `Infinity` for an endless one. */
  readonly size: number;
  readonly batchSize: number;
  readonly stepsPerEpoch: number | undefined;
  readonly lastBatch: LastBatch;
  readonly shuffle: boolean;
  readonly seed: RngKey;
}

/** Which examples belong to which batch: a pure function of seed, epoch and step. */
export class EpochPlan {
  readonly stepsPerEpoch: number;
  readonly #options: EpochPlanOptions;

  /** @throws ProjError `empty-source`, `invalid-steps`. */
  constructor(options: EpochPlanOptions) {
    this.#options = options;
    this.stepsPerEpoch = countSteps(options);
  }

  /** For each step of `epoch` the indices of its examples. */
  epoch(epoch: number): (step: number) => Int32Array {
    const { size, batchSize, lastBatch, shuffle, seed } = this.#options;
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
    const order = Int32Array.from({ length: size }, (_, index) => index);
    if (shuffle) new Rng(seed).split('epoch', epoch).shuffle(order);
    return (step) => {
      const first = step * batchSize;
      if (lastBatch !== 'wrap') return order.slice(first, first + batchSize);
      return Int32Array.from({ length: batchSize }, (_, i) => order[(first + i) % size]!);
    };
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
