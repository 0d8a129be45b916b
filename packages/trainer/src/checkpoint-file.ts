import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { decodeSafetensors, encodeSafetensors, type NdArray, ProjError } from '@proj/core';
import { writeFileAtomic } from '@proj/core/node';
import type { OptimizerState } from '@proj/optimizers';
import type { RunState } from './run-state.js';

/** Everything that a run goes on from. */
export interface Checkpoint {
  /** Model weights by name. */
  readonly weights: Readonly<Record<string, NdArray>>;
  readonly optimizer: OptimizerState;
  readonly run: RunState;
  /** What the run depends on beside its state, to notice what has changed since. */
  readonly setting: RunSetting;
}

/** {@link Checkpoint.setting} */
export interface RunSetting {
  /** SHA-256 of the model's topology. */
  readonly topology: string;
  readonly stepsPerEpoch: number;
  readonly seed: number;
  /** What the best is chosen by, e.g. `min loss`. */
  readonly monitor: string;
}

const FORMAT = 'proj-checkpoint';
const FORMAT_VERSION = 1;
const WEIGHT_PREFIX = 'model.';
const SLOT_PREFIX = 'optimizer.';

/**
 * Writes a checkpoint as one safetensors file: weights as `model.<name>`, optimizer slots as `optimizer.<name>`, the
 * rest as JSON in the metadata with a SHA-256 over everything. Atomic: a file of the given name is whole or not there.
 *
 * @throws ProjError `disk-full` or `cannot-write`.
 */
export async function writeCheckpoint(path: string, checkpoint: Checkpoint): Promise<void> {
  const { weights, optimizer, ...rest } = checkpoint;
  const { slots, ...optimizerScalars } = optimizer;
  const tensors = { ...prefixed(WEIGHT_PREFIX, weights), ...prefixed(SLOT_PREFIX, slots) };
  const state = JSON.stringify({ version: FORMAT_VERSION, optimizer: optimizerScalars, ...rest });
  const metadata = { format: FORMAT, state, sha256: digest(tensors, state) };
  await writeFileAtomic(path, encodeSafetensors(tensors, metadata));
}

/**
 * Reads and verifies a checkpoint.
 *
 * @throws ProjError `invalid-checkpoint` when the file is missing, cut short, altered, or of another kind or version.
 */
export async function readCheckpoint(path: string): Promise<Checkpoint> {
  const invalid = (expected: string, received: string, cause?: unknown) =>
    new ProjError(`Cannot use checkpoint ${path}`, {
      code: 'invalid-checkpoint',
      expected,
      received,
      fix: 'Take another checkpoint or start anew',
      cause,
    });
  const { tensors, metadata } = await readFile(path)
    .then(decodeSafetensors)
    .catch((cause: Error) => {
      throw invalid('an intact safetensors file', cause.message, cause);
    });
  const { format, state, sha256 } = metadata;
  if (format !== FORMAT || state === undefined) {
    throw invalid(`a file of format ${FORMAT}`, `format ${format ?? 'unknown'}`);
  }
  if (digest(tensors, state) !== sha256)
    throw invalid('contents that match their SHA-256', 'others: the file is damaged');
  const { version, optimizer, ...rest } = JSON.parse(state);
  if (version !== FORMAT_VERSION) throw invalid(`format version ${FORMAT_VERSION}`, `version ${version}`);
  return {
    ...rest,
    weights: withPrefix(WEIGHT_PREFIX, tensors),
    optimizer: { ...optimizer, slots: withPrefix(SLOT_PREFIX, tensors) as OptimizerState['slots'] },
  };
}

/** SHA-256 over names, shapes and bytes of the arrays, in order of their names, and over the state. */
function digest(tensors: Readonly<Record<string, NdArray>>, state: string): string {
  const hash = createHash('sha256').update(JSON.stringify(state));
  for (const name of Object.keys(tensors).sort()) {
    const { data, shape } = tensors[name]!;
    hash.update(JSON.stringify([name, data.constructor.name, shape]));
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest('hex');
}

function prefixed(prefix: string, arrays: Readonly<Record<string, NdArray>>): Record<string, NdArray> {
  return Object.fromEntries(Object.entries(arrays).map(([name, array]) => [prefix + name, array]));
}

function withPrefix(prefix: string, tensors: Readonly<Record<string, NdArray>>): Record<string, NdArray> {
  const entries = Object.entries(tensors).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(entries.map(([name, array]) => [name.slice(prefix.length), array]));
}
