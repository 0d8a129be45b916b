import { createHash } from 'node:crypto';
import { ProjError } from '@proj/core';
import type { EpochPlanOptions } from './epoch-plan.js';

/** Where a loader is, as plain JSON. */
export interface LoaderState {
  readonly epoch: number;
  /** The step of the batch that comes next; the number of steps where the epoch is over. */
  readonly step: number;
  /** What decides which examples come when; `resume` asks for the same. */
  readonly plan: Readonly<Record<string, string | number | boolean | null>>;
}

/** What decides the order, as JSON that can be compared. */
export function planKey(options: EpochPlanOptions): LoaderState['plan'] {
  const { size, batchSize, stepsPerEpoch = null, lastBatch, shuffle, weights, seed } = options;
  return {
    seed,
    size: size === Number.POSITIVE_INFINITY ? null : size, // JSON has no infinity
    batchSize,
    stepsPerEpoch,
    lastBatch,
    shuffle,
    weights:
      weights === undefined
        ? null
        : createHash('md5')
            .update(new Uint8Array(Float64Array.from(weights).buffer))
            .digest('hex'),
  };
}

/** @throws ProjError `state-mismatch` unless the state is one of a loader with this plan. */
export function checkState(state: LoaderState, plan: LoaderState['plan']): void {
  const { epoch, step, plan: saved = {} } = (state ?? {}) as Partial<LoaderState>;
  const different = Object.keys(plan).filter((name) => plan[name] !== saved[name]);
  const isPosition = [epoch, step].every((value) => Number.isSafeInteger(value) && (value as number) >= 0);
  if (isPosition && different.length === 0) return;
  const listed = (values: LoaderState['plan']) =>
    different.map((name) => `${name} ${JSON.stringify(values[name])}`).join(', ');
  throw new ProjError('Cannot go on where another loader was', {
    code: 'state-mismatch',
    expected: isPosition ? `a state with ${listed(plan)}` : 'the `state` of a loader',
    received: isPosition ? listed(saved) : JSON.stringify(state)?.slice(0, 200),
    fix: 'Open the loader with the options it had when the state was kept',
  });
}
