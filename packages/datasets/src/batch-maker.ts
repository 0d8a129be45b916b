import { type FloatImage, type Image, isProjError, ProjError, Rng, type RngKey } from '@proj/core';
import { Collator, type MadeBatch } from './collator.js';
import { type CacheMemory, ExampleCache } from './example-cache.js';
import { type OpenedSource, openSource, openTransform } from './open-source.js';
import type { Sample, SourceDescriptor, Transform, TransformDescriptor } from './source.js';

/** What a {@link BatchMaker} is made of: plain data, the same in every thread. */
export interface MakerSettings {
  readonly source: SourceDescriptor;
  readonly transform: TransformDescriptor | undefined;
  readonly seed: RngKey;
  readonly onBadPicture: 'throw' | 'skip';
  /** Shared by all threads; none where nothing is kept. */
  readonly cache: CacheMemory | undefined;
}

/** One batch to make. */
export interface BatchTask {
  readonly epoch: number;
  /** Position within the epoch of the batch's first example. */
  readonly position: number;
  /** Which examples, by their index in the source; -1 for a row that is left blank. */
  readonly indices: Int32Array;
}

/** Told of each example before it is made; false stops the batch. */
export type OnSample = (index: number, name: string) => boolean;

/** Errors that mean a bad picture rather than a bad program. */
export const badPictureCodes = ['cannot-decode', 'too-many-pixels'];

/** Makes batches from an opened source, in a worker thread or, without workers, in the main one. */
export class BatchMaker {
  readonly #source: OpenedSource;
  readonly #transform: Transform | undefined;
  readonly #rng: Rng;
  readonly #skipBad: boolean;
  readonly #cache: ExampleCache | undefined;

  private constructor(source: OpenedSource, transform: Transform | undefined, settings: MakerSettings) {
    const { seed, onBadPicture, cache } = settings;
    this.#source = source;
    this.#transform = transform;
    this.#rng = new Rng(seed);
    this.#skipBad = onBadPicture === 'skip';
    this.#cache = cache && new ExampleCache(cache);
  }

  static async open(settings: MakerSettings): Promise<BatchMaker> {
    const transform = settings.transform && (await openTransform(settings.transform));
    return new BatchMaker(await openSource(settings.source), transform, settings);
  }

  /** Number of examples, `Infinity` for an endless source. */
  get size(): number {
    return this.#source.size;
  }

  /** The batch, or undefined when `onSample` stopped it. */
  async make({ epoch, position, indices }: BatchTask, onSample: OnSample): Promise<MadeBatch | undefined> {
    const collator = new Collator(indices.length);
    const { direct } = this.#source;
    for (const [offset, index] of indices.entries()) {
      if (index === -1) {
        collator.leaveBlank();
        continue;
      }
      const name = this.#source.name(index);
      if (!onSample(index, name)) return undefined;
      try {
        if (direct !== undefined && this.#transform === undefined && this.#cache === undefined) {
          collator.draw(index, name, direct.shape, (target, at) => direct.drawInto(index, target, at));
          continue;
        }
        const { image, label } = await this.#example(index);
        collator.add(index, name, await this.#transformed(image, epoch, position + offset), label);
      } catch (error) {
        if (!this.#skipBad || !badPictureCodes.some((code) => isProjError(error, code))) throw named(name, error);
        collator.skip(index, name, error as ProjError);
      }
    }
    return collator.finish();
  }

  async #example(index: number): Promise<Sample> {
    const kept = this.#cache?.get(index);
    if (kept === undefined) {
      const made = await this.#source.sample(index);
      this.#cache?.put(index, made);
      return made;
    }
    if (this.#transform === undefined) return kept;
    // A copy, because a transform may write into the picture it is given.
    return { ...kept, image: { ...kept.image, data: kept.image.data.slice() } };
  }

  #transformed(image: Image, epoch: number, position: number): Image | FloatImage | Promise<Image | FloatImage> {
    if (this.#transform === undefined) return image;
    return this.#transform(image, this.#rng.split('epoch', epoch, 'sample', position));
  }

  close(): void {
    this.#source.close?.();
  }
}

/** An error that says which example it is about. */
function named(name: string, error: unknown): ProjError {
  if (isProjError(error) && error.message.includes(name)) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new ProjError(`Cannot make ${name}: ${reason}`, {
    code: isProjError(error) ? error.code : 'sample-failed',
    cause: error,
  });
}
