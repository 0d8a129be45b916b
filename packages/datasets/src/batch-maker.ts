import { createImage, type Image, isProjError, ProjError, Rng, type RngKey } from '@proj/core';
import { type OpenedSource, openSource, openTransform } from './open-source.js';
import type { SourceDescriptor, Transform, TransformDescriptor } from './source.js';

/** What a {@link BatchMaker} is made of: plain data, the same in every thread. */
export interface MakerSettings {
  readonly source: SourceDescriptor;
  readonly transform: TransformDescriptor | undefined;
  readonly seed: RngKey;
  readonly onBadPicture: 'throw' | 'skip';
}

/** One batch to make. */
export interface BatchTask {
  readonly epoch: number;
  /** Position within the epoch of the batch's first example. */
  readonly position: number;
  /** Which examples, by their index in the source. */
  readonly indices: Int32Array;
}

/** A batch before its labels are encoded. */
export interface MadeBatch {
  readonly data: Uint8Array<ArrayBuffer>;
  readonly shape: readonly [batch: number, height: number, width: number, channels: number];
  readonly labels: readonly (string | number)[];
  /** What errors call each example. */
  readonly names: readonly string[];
  readonly indices: Int32Array;
  readonly skipped: readonly SkippedPicture[];
}

/** A picture that was left out of its batch. */
export interface SkippedPicture {
  readonly index: number;
  /** Its path, or whatever its source calls it. */
  readonly name: string;
  readonly reason: string;
}

/** Told of each example before it is made; false stops the batch. */
export type OnSample = (index: number, name: string) => boolean;

/** Errors that mean a bad picture rather than a bad program. */
const badPictureCodes = ['cannot-decode', 'too-many-pixels'];

/** Makes batches from an opened source, in a worker thread or, without workers, in the main one. */
export class BatchMaker {
  readonly #source: OpenedSource;
  readonly #transform: Transform | undefined;
  readonly #rng: Rng;
  readonly #skipBad: boolean;

  private constructor(source: OpenedSource, transform: Transform | undefined, { seed, onBadPicture }: MakerSettings) {
    this.#source = source;
    this.#transform = transform;
    this.#rng = new Rng(seed);
    this.#skipBad = onBadPicture === 'skip';
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
      const name = this.#source.name(index);
      if (!onSample(index, name)) return undefined;
      try {
        if (direct !== undefined && this.#transform === undefined) {
          collator.draw(index, name, direct.shape, (target, at) => direct.drawInto(index, target, at));
          continue;
        }
        const { image, label } = await this.#source.sample(index);
        const rng = this.#rng.split('epoch', epoch, 'sample', position + offset);
        collator.add(index, name, (await this.#transform?.(image, rng)) ?? image, label);
      } catch (error) {
        if (!this.#skipBad || !badPictureCodes.some((code) => isProjError(error, code))) throw named(name, error);
        collator.skip(index, name, error as ProjError);
      }
    }
    return collator.finish();
  }
}

/** Lays pictures of one size side by side. */
class Collator {
  readonly #capacity: number;
  readonly #labels: (string | number)[] = [];
  readonly #names: string[] = [];
  readonly #indices: number[] = [];
  readonly #skipped: SkippedPicture[] = [];
  #shape: readonly [height: number, width: number, channels: number] = [0, 0, 0];
  #data = new Uint8ClampedArray();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  add(index: number, name: string, image: Image, label: string | number): void {
    const { data, width, height, channels } = createImage(image.width, image.height, image.channels, image.data); // checks
    this.draw(index, name, [height, width, channels], (target, offset) => {
      target.set(data, offset);
      return label;
    });
  }

  draw(
    index: number,
    name: string,
    shape: readonly [height: number, width: number, channels: number],
    drawInto: (target: Uint8ClampedArray, offset: number) => string | number,
  ): void {
    const elements = shape[0] * shape[1] * shape[2];
    if (this.#names.length === 0) {
      this.#shape = shape;
      this.#data = new Uint8ClampedArray(this.#capacity * elements);
    } else if (shape.some((side, axis) => side !== this.#shape[axis])) {
      throw sizeMismatch(name, shape, this.#names[0]!, this.#shape);
    }
    this.#labels.push(drawInto(this.#data, this.#names.length * elements));
    this.#names.push(name);
    this.#indices.push(index);
  }

  skip(index: number, name: string, { message }: Error): void {
    this.#skipped.push({ index, name, reason: message });
  }

  finish(): MadeBatch {
    if (this.#names.length === 0) {
      throw new ProjError(`None of the ${this.#capacity} pictures of a batch can be used`, {
        code: 'no-good-picture',
        expected: 'at least one good picture in every batch',
        received: this.#skipped[0]?.reason ?? 'none',
        fix: 'Check the folder; it may hold something else than pictures',
      });
    }
    const count = this.#names.length;
    const [height, width, channels] = this.#shape;
    return {
      data: new Uint8Array(this.#data.buffer, 0, count * height * width * channels),
      shape: [count, height, width, channels], // [B, H, W, C]
      labels: this.#labels,
      names: this.#names,
      indices: Int32Array.from(this.#indices),
      skipped: this.#skipped,
    };
  }
}

/** The error for pictures of two sizes, within one batch or between batches. */
export function sizeMismatch(
  name: string,
  shape: readonly number[],
  firstName: string,
  firstShape: readonly number[],
): ProjError {
  return new ProjError(`Cannot put ${name} into a batch with ${firstName}: their sizes differ`, {
    code: 'picture-size-mismatch',
    expected: `${firstShape.join('x')} (height x width x channels)`,
    received: shape.join('x'),
    fix: 'Give all pictures one size: `folderSource(samples, { resize })`, or a `transform` that does it',
  });
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
