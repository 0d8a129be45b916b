import { createHash } from 'node:crypto';
import { ProjError } from '@proj/core';
import type { EpochPlanOptions } from './epoch-plan.js';
import type { TransformDescriptor } from './source.js';

/** Where a loader is, as plain JSON. */
export interface LoaderState {
  readonly epoch: number;
  /** The step of the batch that comes next; the number of steps where the epoch is over. */
  readonly step: number;
  /**
   * What decides which examples come when, and the transform's `export` and, as far as they are JSON, `options`; `resume`
   * asks for the same. Of the source it knows the size alone, of the transform's function nothing.
   */
  readonly plan: Readonly<Record<string, string | number | boolean | null>>;
}

/** What decides the order and what becomes of the pictures, as JSON that can be compared. */
export function planKey(
  options: EpochPlanOptions & { readonly transform: TransformDescriptor | undefined },
): LoaderState['plan'] {
  const { size, batchSize, stepsPerEpoch = null, lastBatch, shuffle, weights, seed, transform } = options;
  return {
    seed,
    size: size === Number.POSITIVE_INFINITY ? null : size, // JSON has no infinity
    batchSize,
    stepsPerEpoch,
    lastBatch,
    shuffle,
    weights: weights === undefined ? null : md5(new Uint8Array(Float64Array.from(weights).buffer)),
    transform: transform === undefined ? null : `${transform.export} with options of hash ${md5(describe(transform))}`,
  };
}

const md5 = (data: string | Uint8Array) => createHash('md5').update(data).digest('hex');

/** Not the module's place, which differs from machine to machine; options as far as they are JSON, in whatever order. */
function describe({ export: name, options }: TransformDescriptor): string {
  const inOrder = (_: string, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value;
  try {
    return JSON.stringify([name, options], inOrder);
  } catch {
    return JSON.stringify([name]); // it has a loop, or large integers
  }
}

/** @throws ProjError `state-mismatch` unless the state is one of a loader with this plan. */
export function checkState(state: LoaderState, plan: LoaderState['plan']): void {
  const { epoch, step, plan: saved = {} } = (state ?? {}) as Partial<LoaderState>;
  const different = Object.keys(plan).filter(
    // States of earlier versions say nothing of the transform.
    (name) => plan[name] !== saved[name] && !(name === 'transform' && saved.transform === undefined),
  );
  const isPosition = [epoch, step].every((value) => Number.isSafeInteger(value) && (value as number) >= 0);
  if (isPosition && different.length === 0) return;
  const listed = (values: LoaderState['plan']) =>
    different.map((name) => `${name} ${JSON.stringify(values[name])}`).join(', ');
  throw new ProjError('Cannot go on where another loader was', {
    code: 'state-mismatch',
    expected: isPosition ? `a state with ${listed(plan)}` : 'the `state` of a loader',
    received: isPosition ? listed(saved) : JSON.stringify(state)?.slice(0, 200),
    fix: 'Open the loader with the options it had when the state was kept; if they were changed on purpose, go on by `epoch(state.epoch, { fromStep: state.step })`',
  });
}
