import { checkOptionNames, isProjError, ProjError, type RngKey } from '@proj/core';
import type { BatchCodec } from './encode-labels.js';
import { type LastBatch, lastBatches } from './epoch-plan.js';
import { maxCacheBytes } from './example-cache.js';
import { resolveModule } from './module-descriptor.js';
import type { SourceDescriptor, TransformDescriptor } from './source.js';

export interface LoaderOptions {
  /** Where examples come from: `folderSource(...)`, `generatorSource(...)` or a descriptor of your own. */
  readonly source: SourceDescriptor;
  /** Encodes labels that are text; leave it out where labels are class indices. */
  readonly codec?: BatchCodec | undefined;
  /** Examples in a batch. */
  readonly batchSize: number;
  /** Decides the order of examples and the random numbers of `transform`. Default 0. */
  readonly seed?: RngKey | undefined;
  /** A new order in every epoch. An endless source has no order and ignores it. Default false. */
  readonly shuffle?: boolean | undefined;
  /**
   * How often each example comes in relation to the others, 0 or more, by index: `balancedWeights(samples)` for as many
   * of each class. An epoch then draws as many examples as there are, with replacement and always in a new order.
   */
  readonly weights?: ArrayLike<number> | undefined;
  /** Needed for an endless source; otherwise an epoch can be cut to its first steps. */
  readonly stepsPerEpoch?: number | undefined;
  /**
   * Where examples do not fill the last batch: `keep` a smaller one (default), `drop` it, `wrap`: fill it with the first
   * examples of the epoch, or `pad`: fill it with blank rows, whose pictures are 0, labels -1 and indices -1.
   */
  readonly lastBatch?: LastBatch | undefined;
  /** Applied to each picture in the worker. */
  readonly transform?: TransformDescriptor | undefined;
  /** Worker threads; 0 makes batches in the calling thread. Default 1, which leaves other cores to the training. */
  readonly workers?: number | undefined;
  /** Batches made ahead of the one in use. Default 4, or twice the workers if that is more. */
  readonly prefetch?: number | undefined;
  /** Bounds the memory of batches made ahead: fewer than `prefetch` where they would take more. Default 268,435,456. */
  readonly prefetchBytes?: number | undefined;
  /** A worker that takes longer for one example counts as hung. Default 30,000. */
  readonly timeoutMs?: number | undefined;
  /** The same for starting a worker and opening the source, which may import much. Default 60,000. */
  readonly openTimeoutMs?: number | undefined;
  /**
   * A picture that cannot be decoded or has too many pixels: `throw` (default), or `skip`, which makes its batches
   * smaller and lists it in `skipped`.
   */
  readonly onBadPicture?: 'throw' | 'skip' | undefined;
}

/** All there are. */
const optionNames: Record<keyof LoaderOptions, true> = {
  source: true,
  codec: true,
  batchSize: true,
  seed: true,
  shuffle: true,
  weights: true,
  stepsPerEpoch: true,
  lastBatch: true,
  transform: true,
  workers: true,
  prefetch: true,
  prefetchBytes: true,
  timeoutMs: true,
  openTimeoutMs: true,
  onBadPicture: true,
};

const transformFields: Record<keyof TransformDescriptor, true> = {
  module: true,
  export: true,
  options: true,
  parentURL: true,
};

const sourceFields: Record<keyof SourceDescriptor, true> = {
  ...transformFields,
  seed: true,
  size: true,
  cacheBytes: true,
};

/**
 * The options with their defaults, modules resolved.
 * @throws ProjError `unknown-option`, `invalid-option`, `cannot-resolve-module`.
 */
export function checkedOptions(options: LoaderOptions) {
  checkOptionNames('loader', options, optionNames);
  const { seed = 0, shuffle = false, lastBatch = 'keep', onBadPicture = 'throw', workers = 1 } = options;
  const { prefetch = Math.max(4, 2 * workers), prefetchBytes = 256 * 1024 * 1024 } = options;
  const { timeoutMs = 30_000, openTimeoutMs = 60_000 } = options;
  const source = resolved(options.source, 'source');
  const transform = options.transform && resolved(options.transform, 'transform');
  checkChoice('lastBatch', lastBatch, lastBatches);
  checkChoice('onBadPicture', onBadPicture, ['throw', 'skip']);
  checkInteger('batchSize', options.batchSize, 1);
  checkInteger('workers', workers, 0);
  checkInteger('prefetch', prefetch, 0);
  checkInteger('prefetchBytes', prefetchBytes, 0);
  checkInteger('timeoutMs', timeoutMs, 1);
  checkInteger('openTimeoutMs', openTimeoutMs, 1);
  if (options.stepsPerEpoch !== undefined) checkInteger('stepsPerEpoch', options.stepsPerEpoch, 1);
  if (source.size !== undefined) checkInteger('size', source.size, 0);
  checkCache(source);
  const chosen = { seed, shuffle, lastBatch, onBadPicture, workers, prefetch, prefetchBytes, timeoutMs, openTimeoutMs };
  const { batchSize, stepsPerEpoch, weights, codec } = options;
  return { ...chosen, source, transform, batchSize, stepsPerEpoch, weights, codec };
}

function resolved<T extends SourceDescriptor>(descriptor: T, option: 'source' | 'transform'): T {
  if (typeof descriptor?.module !== 'string' || typeof descriptor.export !== 'string') {
    throw new ProjError('Cannot load batches', {
      code: 'invalid-option',
      expected: `\`${option}\` to be a descriptor: \`{ module, export, options }\``,
      received: descriptor === null ? 'null' : Array.isArray(descriptor) ? 'array' : typeof descriptor,
      fix:
        option === 'source'
          ? 'Pass `folderSource(folder.samples)`, or name the module that workers shall import'
          : "Name the module that workers shall import, for example `{ module: './transform.js', export: 'augment' }`",
    });
  }
  checkOptionNames(`\`${option}\``, descriptor, option === 'source' ? sourceFields : transformFields);
  try {
    return structuredClone({ ...descriptor, module: resolveModule(descriptor) });
  } catch (cause) {
    if (isProjError(cause)) throw cause;
    throw new ProjError(`Cannot send the ${option} to a worker: ${(cause as Error).message}`, {
      code: 'invalid-option',
      expected: `\`${option}\` to be plain data, without functions`,
      fix: 'Move the function into a module and name it by `module` and `export`',
      cause,
    });
  }
}

/** @throws ProjError `invalid-option`. */
export function checkInteger(name: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new ProjError('Cannot load batches', {
    code: 'invalid-option',
    expected: `\`${name}\` to be an integer, at least ${least}`,
    received: String(value),
  });
}

function checkChoice(name: string, value: unknown, choices: readonly string[]): void {
  if (choices.includes(value as string)) return;
  throw new ProjError('Cannot load batches', {
    code: 'invalid-option',
    expected: `\`${name}\` to be ${choices.map((choice) => `'${choice}'`).join(' or ')}`,
    received: JSON.stringify(value) ?? String(value),
  });
}

function checkCache({ cacheBytes = 0, size }: SourceDescriptor): void {
  checkInteger('cacheBytes', cacheBytes, 0);
  if (cacheBytes <= maxCacheBytes && (cacheBytes === 0 || size !== undefined)) return;
  throw new ProjError('Cannot keep the examples of the source', {
    code: 'invalid-option',
    expected: size === undefined ? '`size` beside `cacheBytes`' : `\`cacheBytes\` to be at most ${maxCacheBytes}`,
    received: size === undefined ? 'a source without a `size`' : String(cacheBytes),
  });
}
