import { type Image, isProjError, ProjError } from '@proj/core';
import { badPictureCodes } from './batch-maker.js';
import { NearDuplicates } from './near-duplicates.js';
import { measureQuality, type Quality } from './quality.js';

/** What a picture must have to stay; what is not given is not looked at. */
export interface QualityFilterOptions {
  readonly minWidth?: number | undefined;
  readonly minHeight?: number | undefined;
  /** See {@link Quality.sharpness}. */
  readonly minSharpness?: number | undefined;
  /** See {@link Quality.contrast}. */
  readonly minContrast?: number | undefined;
  /**
   * Bits, 0..32 of 64, in which the hashes of near-duplicates differ at most; the first of them stays. 4 finds copies
   * that were scaled or compressed again.
   */
  readonly maxDistance?: number | undefined;
  /** Pictures decoded at the same time. Default 4. */
  readonly concurrency?: number | undefined;
}

/** Why a picture was dropped, in the order in which it is asked. */
export type DropReason = 'unreadable' | 'small' | 'flat' | 'blurred' | 'duplicate';

export interface DroppedPicture<T> {
  readonly sample: T;
  /** Its place in the dataset. */
  readonly index: number;
  readonly reason: DropReason;
  /** The value and the limit in words, or the decoder's message. */
  readonly detail: string;
  /** For duplicates: the sample that stays. */
  readonly duplicateOf?: T;
}

export interface QualityReport<T> {
  /** In the order they came in. */
  readonly kept: readonly T[];
  readonly dropped: readonly DroppedPicture<T>[];
  /** How many were dropped for each reason. */
  readonly counts: Readonly<Record<DropReason, number>>;
}

/** What `captchaFolder`, `imageFolder`, `webDataset` and `cifar10` give. */
interface PictureSet<T> {
  readonly samples: readonly T[];
  image(index: number): Promise<Image>;
}

/**
 * Decodes every picture of a dataset and sorts out those that cannot be read, are small, flat, blurred or nearly the same
 * as an earlier one. The report says what was dropped and why; no file is touched. A picture is dropped for the first
 * reason that holds, and one that is dropped makes no other a duplicate.
 *
 * @throws ProjError `invalid-option`; what `image` throws, but for `cannot-decode` and `too-many-pixels`.
 */
export async function qualityFilter<T>(
  dataset: PictureSet<T>,
  options: QualityFilterOptions = {},
): Promise<QualityReport<T>> {
  const { maxDistance, concurrency = 4 } = options;
  checkOptions(options, concurrency);
  const { samples } = dataset;
  const counts = { unreadable: 0, small: 0, flat: 0, blurred: 0, duplicate: 0 };
  const kept: T[] = [];
  const dropped: DroppedPicture<T>[] = [];
  const near = maxDistance === undefined ? undefined : new NearDuplicates<T>(maxDistance);
  const drop = (index: number, reason: DropReason, detail: string, duplicateOf?: T) => {
    counts[reason]++;
    dropped.push({ sample: samples[index]!, index, reason, detail, ...(duplicateOf !== undefined && { duplicateOf }) });
  };

  for await (const [index, measured] of inOrder(samples.length, concurrency, (at) => measure(dataset, at))) {
    if (measured instanceof Error) {
      drop(index, 'unreadable', measured.message);
      continue;
    }
    const flaw = flawOf(measured, options);
    if (flaw !== undefined) {
      drop(index, ...flaw);
      continue;
    }
    const twin = near?.find(measured.hash);
    if (twin !== undefined) {
      drop(index, 'duplicate', `${twin.distance} of 64 bits differ, at most ${maxDistance} may`, twin.value);
      continue;
    }
    near?.add(measured.hash, samples[index]!);
    kept.push(samples[index]!);
  }
  return { kept, dropped, counts };
}

async function measure(dataset: Pick<PictureSet<unknown>, 'image'>, index: number): Promise<Quality | Error> {
  try {
    return measureQuality(await dataset.image(index));
  } catch (error) {
    if (badPictureCodes.some((code) => isProjError(error, code))) return error as Error;
    throw error;
  }
}

function flawOf(quality: Quality, limits: QualityFilterOptions): [DropReason, string] | undefined {
  const { width, height, sharpness, contrast } = quality;
  const { minWidth = 0, minHeight = 0, minContrast = 0, minSharpness = 0 } = limits;
  if (width < minWidth || height < minHeight) {
    return ['small', `${width}x${height}, less than ${minWidth}x${minHeight}`];
  }
  if (contrast < minContrast) return ['flat', `contrast ${contrast.toFixed(1)}, less than ${minContrast}`];
  if (sharpness < minSharpness) return ['blurred', `sharpness ${sharpness.toFixed(1)}, less than ${minSharpness}`];
  return undefined;
}

/** Results of `work` in the order of their indices, while up to `concurrency` are under way. */
async function* inOrder<R>(
  size: number,
  concurrency: number,
  work: (index: number) => Promise<R>,
): AsyncGenerator<[index: number, result: R]> {
  const pending: Promise<R>[] = [];
  for (let index = 0; index < size; index++) {
    while (pending.length < concurrency && index + pending.length < size) {
      const result = work(index + pending.length);
      result.catch(() => undefined); // thrown when its turn comes
      pending.push(result);
    }
    yield [index, await pending.shift()!];
  }
}

function checkOptions({ maxDistance, concurrency: _, ...limits }: QualityFilterOptions, concurrency: number): void {
  const invalid = (expected: string, received: unknown) =>
    new ProjError('Cannot filter pictures', { code: 'invalid-option', expected, received: String(received) });
  for (const [name, limit] of Object.entries(limits)) {
    if (limit !== undefined && !(limit >= 0)) throw invalid(`\`${name}\` to be 0 or more`, limit);
  }
  if (maxDistance !== undefined && !(Number.isInteger(maxDistance) && maxDistance >= 0 && maxDistance <= 32)) {
    throw invalid('`maxDistance` to be an integer in 0..32', maxDistance);
  }
  if (!(Number.isInteger(concurrency) && concurrency >= 1)) {
    throw invalid('`concurrency` to be a positive integer', concurrency);
  }
}
