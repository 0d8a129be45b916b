import { ProjError } from '@proj/core';

/** One of several calls, each of which makes its own part of a sequence. */
export interface Shard {
  /** 1 for the first. */
  readonly number: number;
  readonly of: number;
}

/** Which captchas of a sequence. */
export interface SequenceOptions {
  /** Any finite number; names the sequence. */
  readonly seed: number;
  /** Index of the first captcha. Default 0. */
  readonly startIndex?: number | undefined;
  /** Captchas of all shards together. */
  readonly count: number;
  /**
   * The part of them that this call makes: neighbours, and as many as the others but for one (in tar files: as many files).
   * Default all.
   */
  readonly shard?: Shard | undefined;
}

/**
 * First index of the captchas that are asked for, and how many there are. Of `unit` captchas that belong together (those of
 * one file) none is parted from the others.
 * @throws ProjError `invalid-count` or `invalid-shard`, also where a part would be empty.
 */
export function rangeOf(
  { startIndex = 0, count, shard }: SequenceOptions,
  unit = 1,
): { readonly start: number; readonly count: number } {
  checkCount('count', count, 1);
  checkCount('startIndex', startIndex, 0);
  if (shard === undefined) return { start: startIndex, count };
  checkShard(shard);
  const units = Math.ceil(count / unit);
  if (units < shard.of) throw tooManyShards(count, unit, units, shard.of);
  const border = (number: number) => Math.min(count, Math.floor((units * number) / shard.of) * unit);
  const first = border(shard.number - 1);
  return { start: startIndex + first, count: border(shard.number) - first };
}

/** @throws ProjError `invalid-count` unless `value` is a whole number from `least` to `most`. */
export function checkCount(name: string, value: number, least: number, most = Number.MAX_SAFE_INTEGER): void {
  if (!Number.isSafeInteger(value) || value < least || value > most) {
    throw new ProjError(`Cannot make captchas with this \`${name}\``, {
      code: 'invalid-count',
      expected: `an integer of at least ${least}${most < Number.MAX_SAFE_INTEGER ? ` and at most ${most}` : ''}`,
      received: String(value),
    });
  }
}

function checkShard({ number, of }: Shard): void {
  if (!Number.isInteger(number) || !Number.isInteger(of) || number < 1 || number > of) {
    throw new ProjError('Cannot make this part of the captchas', {
      code: 'invalid-shard',
      expected: 'a number from 1 to the number of parts',
      received: `${number} of ${of}`,
    });
  }
}

function tooManyShards(count: number, unit: number, units: number, shards: number): ProjError {
  const most = Math.floor(count / shards);
  return new ProjError(`Cannot share ${count} captchas among ${shards} parts`, {
    code: 'invalid-shard',
    expected: `at least one ${unit === 1 ? 'captcha' : 'file'} for each part`,
    received: unit === 1 ? String(count) : `${units} of ${unit} captchas`,
    fix:
      most === 0
        ? 'Ask for fewer parts'
        : `Ask for fewer parts, or for files of at most ${most} captchas (\`perTar\`, --per-tar)`,
  });
}
