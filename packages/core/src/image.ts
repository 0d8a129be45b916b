import { ProjError } from './error.js';

/**
 * A picture in host memory: rows of pixels of interleaved channels (HWC), values 0..255. `data` has
 * `height * width * channels` elements.
 */
export interface Image {
  readonly data: Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
  /** 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA (alpha not premultiplied); more are allowed. */
  readonly channels: number;
}

/** A picture of real numbers, such as a normalised one; `data` is laid out as that of an {@link Image}. */
export interface FloatImage {
  readonly data: Float32Array;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

/**
 * Makes an image, transparent black where no data is given.
 *
 * @throws ProjError `invalid-image` when a side is not a positive integer or `data` has the wrong length.
 */
export function createImage(width: number, height: number, channels: number, data?: Uint8ClampedArray): Image {
  for (const [name, value] of Object.entries({ width, height, channels })) {
    if (!Number.isInteger(value) || value <= 0) {
      throw new ProjError(`Cannot make an image of ${width}x${height}x${channels}`, {
        code: 'invalid-image',
        expected: `${name} to be a positive integer`,
        received: String(value),
      });
    }
  }
  const length = width * height * channels;
  if (data !== undefined && data.length !== length) {
    throw new ProjError(`Cannot make an image of ${width}x${height}x${channels}`, {
      code: 'invalid-image',
      expected: `${length} values (width x height x channels)`,
      received: `${data.length} values`,
    });
  }
  return { data: data ?? new Uint8ClampedArray(length), width, height, channels };
}
