import { type FloatImage, type Image, ProjError } from '@proj/core';

/** A batch before its labels are encoded. */
export interface MadeBatch {
  /** Values 0..255 as bytes, or real numbers where a transform made such. */
  readonly data: Uint8Array<ArrayBuffer> | Float32Array<ArrayBuffer>;
  readonly shape: BatchShape;
  /** Undefined in blank rows. */
  readonly labels: readonly (string | number | undefined)[];
  /** What errors call each example; blank rows have none. */
  readonly names: readonly string[];
  /** -1 in blank rows. */
  readonly indices: Int32Array;
  readonly skipped: readonly SkippedPicture[];
}

type BatchShape = readonly [batch: number, height: number, width: number, channels: number];

/** A picture that was left out of its batch. */
export interface SkippedPicture {
  readonly index: number;
  /** Its path, or whatever its source calls it. */
  readonly name: string;
  readonly reason: string;
}

/** What all pictures of a loader have in common. */
export interface PictureForm {
  readonly shape: readonly [height: number, width: number, channels: number];
  readonly type: 'Uint8Array' | 'Float32Array';
}

/** The first picture, which the others must be like. */
export interface FirstPicture extends PictureForm {
  readonly name: string;
}

/** Lays pictures of one size and type side by side. */
export class Collator {
  readonly #capacity: number;
  readonly #labels: (string | number)[] = [];
  readonly #names: string[] = [];
  readonly #indices: number[] = [];
  readonly #skipped: SkippedPicture[] = [];
  #first: FirstPicture | undefined;
  #data: Uint8ClampedArray<ArrayBuffer> | Float32Array<ArrayBuffer> = new Uint8ClampedArray();
  #blank = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** @throws ProjError `invalid-image`, `invalid-label`, `picture-size-mismatch`. */
  add(index: number, name: string, image: Image | FloatImage, label: string | number): void {
    const offset = this.#place(name, formOf(image));
    this.#data.set(image.data, offset);
    this.#row(index, name, label);
  }

  /** As `add`, for a picture of bytes that is drawn where it belongs. */
  draw(
    index: number,
    name: string,
    shape: PictureForm['shape'],
    drawInto: (target: Uint8ClampedArray, offset: number) => string | number,
  ): void {
    const offset = this.#place(name, { shape, type: 'Uint8Array' });
    this.#row(index, name, drawInto(this.#data as Uint8ClampedArray, offset));
  }

  /** A row of zeros, after all examples. */
  leaveBlank(): void {
    this.#blank++;
  }

  skip(index: number, name: string, { message }: Error): void {
    this.#skipped.push({ index, name, reason: message });
  }

  /** @throws ProjError `no-good-picture` when all were skipped. */
  finish(): MadeBatch {
    if (this.#first === undefined) {
      throw new ProjError(`None of the ${this.#capacity - this.#blank} pictures of a batch can be used`, {
        code: 'no-good-picture',
        expected: 'at least one good picture in every batch',
        received: this.#skipped[0]?.reason ?? 'none',
        fix: 'Check the folder; it may hold something else than pictures',
      });
    }
    const count = this.#names.length + this.#blank;
    const { shape } = this.#first;
    const values = count * shape[0] * shape[1] * shape[2];
    const blank = Array.from({ length: this.#blank });
    return {
      data:
        this.#data instanceof Float32Array
          ? this.#data.subarray(0, values)
          : new Uint8Array(this.#data.buffer, 0, values),
      shape: [count, ...shape], // [B, H, W, C]
      labels: [...this.#labels, ...blank.map(() => undefined)],
      names: this.#names,
      indices: Int32Array.from([...this.#indices, ...blank.map(() => -1)]),
      skipped: this.#skipped,
    };
  }

  /** Where the next picture begins. */
  #place(name: string, { shape, type }: PictureForm): number {
    const values = shape[0] * shape[1] * shape[2];
    if (this.#first === undefined) {
      this.#first = { name, shape, type };
      const length = this.#capacity * values;
      this.#data = type === 'Float32Array' ? new Float32Array(length) : new Uint8ClampedArray(length);
    } else {
      checkForm({ name, shape, type }, this.#first);
    }
    return this.#names.length * values;
  }

  /** @throws ProjError `invalid-label` for what is no label: sources may be JavaScript. */
  #row(index: number, name: string, label: string | number): void {
    if (typeof label !== 'string' && !Number.isInteger(label)) {
      throw new ProjError(`Cannot use the label of ${name}`, {
        code: 'invalid-label',
        expected: 'a text, or the index of a class',
        received: String(label),
      });
    }
    this.#labels.push(label);
    this.#names.push(name);
    this.#indices.push(index);
  }
}

/** @throws ProjError `invalid-image` for what is no picture: transforms may be JavaScript. */
function formOf(image: Image | FloatImage | undefined): PictureForm {
  const { data, width = 0, height = 0, channels = 0 } = image ?? {};
  const isFloat = data instanceof Float32Array;
  const size = [width, height, channels];
  if (!isFloat && !(data instanceof Uint8ClampedArray)) {
    throw notAnImage(
      '`data` as a Uint8ClampedArray (0..255) or a Float32Array',
      data === undefined ? 'none' : typeName(data),
    );
  }
  if (!size.every((side) => Number.isInteger(side) && side > 0) || data.length !== width * height * channels) {
    throw notAnImage('`width` x `height` x `channels` values', `${data.length} values for ${size.join(' x ')}`);
  }
  return { shape: [height, width, channels], type: isFloat ? 'Float32Array' : 'Uint8Array' };
}

const typeName = (value: unknown) => Object.prototype.toString.call(value).slice('[object '.length, -1);

function notAnImage(expected: string, received: string): ProjError {
  return new ProjError('Cannot use a picture that a source or transform gave', {
    code: 'invalid-image',
    expected,
    received,
  });
}

/** @throws ProjError `picture-size-mismatch` for pictures of two sizes or types, within one batch or between batches. */
export function checkForm({ name, shape, type }: FirstPicture, first: FirstPicture): void {
  const isSame = shape.every((side, axis) => side === first.shape[axis]);
  if (isSame && type === first.type) return;
  throw new ProjError(
    `Cannot put ${name} into a batch with ${first.name}: their ${isSame ? 'types' : 'sizes'} differ`,
    isSame
      ? {
          code: 'picture-size-mismatch',
          expected: `values as ${first.type}`,
          received: type,
          fix: 'Let the transform give one type for all pictures',
        }
      : {
          code: 'picture-size-mismatch',
          expected: `${first.shape.join('x')} (height x width x channels)`,
          received: shape.join('x'),
          fix: 'Give all pictures one size: `folderSource(samples, { resize })`, or a `transform` that does it',
        },
  );
}
