import { type FloatImage, type Image, ProjError } from '@proj/core';
import { takeBytes, takeFloats } from './memory.js';

/** A picture of bytes, 0..255, or of real numbers. */
export type AnyImage = Image | FloatImage;

/** The size of a picture; every picture has one. */
export interface Shape {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

/** A colour for pixels that come from outside: one value for all channels, or one for each, in the picture's units. */
export type Fill = number | readonly number[];

/** A new picture of the same kind, all zeros. */
export function blankLike<I extends AnyImage>(image: I, shape: Shape): I {
  const blank = freshLike(image, shape);
  blank.data.fill(0);
  return blank;
}

/** A new picture of the same kind for one who writes every value: it may hold anything. */
export function freshLike<I extends AnyImage>(image: I, { width, height, channels }: Shape): I {
  const length = width * height * channels;
  const data = isBytes(image) ? takeBytes(length) : takeFloats(length);
  return { data, width, height, channels } as AnyImage as I;
}

/** A picture of the same shape with other values. */
export function withData<I extends AnyImage>({ width, height, channels }: Shape, data: I['data']): I {
  return { data, width, height, channels } as AnyImage as I;
}

export function isBytes(image: AnyImage): image is Image {
  return image.data instanceof Uint8ClampedArray;
}

/** The value of full light: 255 in bytes, 1 in real numbers, as torchvision has it. */
export function fullScale(image: AnyImage): number {
  return isBytes(image) ? 255 : 1;
}

/** Channels that carry colour; 2 and 4 channels end in alpha, which photometric transforms leave alone. */
export function colorChannels(channels: number): number {
  return channels === 2 || channels === 4 ? channels - 1 : channels;
}

/** @throws ProjError `invalid-image` when sides, channels and data do not fit together. */
export function checkImage({ data, width, height, channels }: AnyImage): void {
  const sides = [width, height, channels].every((side) => Number.isInteger(side) && side > 0);
  if (sides && data.length === width * height * channels) return;
  throw new ProjError('Cannot transform this picture', {
    code: 'invalid-image',
    expected: '`width`, `height` and `channels` as positive integers, and as many values as their product',
    received: `${width}x${height}x${channels} and ${data?.length} values`,
  });
}

/** The fill for each channel. @throws ProjError `invalid-fill` when it has another number of values. */
export function fillOf(fill: Fill, channels: number): readonly number[] {
  const values = typeof fill === 'number' ? Array<number>(channels).fill(fill) : fill;
  if (values.length === channels) return values;
  throw new ProjError('Cannot fill this picture', {
    code: 'invalid-fill',
    expected: `one value, or one for each of the ${channels} channels`,
    received: `${values.length} values`,
  });
}

/** Paints all pixels. */
export function paint(image: AnyImage, fill: Fill): void {
  const { data, channels } = image;
  const values = fillOf(fill, channels);
  if (values.every((value) => value === values[0])) data.fill(values[0]!);
  else for (let i = 0; i < data.length; i++) data[i] = values[i % channels]!;
}

/**
 * A picture of real numbers, 0..1, as bytes; one of bytes as it is.
 */
export function toBytes(image: AnyImage): Image {
  if (isBytes(image)) return image;
  const data = new Uint8ClampedArray(image.data.length); // rounds and clamps
  for (let i = 0; i < data.length; i++) data[i] = image.data[i]! * 255;
  return withData<Image>(image, data);
}

/** A picture of bytes as real numbers, 0..1 (torchvision's ToTensor, but for the order of axes); others as they are. */
export function toFloat(image: AnyImage): FloatImage {
  if (!isBytes(image)) return image;
  const data = new Float32Array(image.data.length);
  for (let i = 0; i < data.length; i++) data[i] = image.data[i]! / 255;
  return withData<FloatImage>(image, data);
}

/** For what is defined on 256 levels only: a picture of real numbers goes through bytes and back. */
export function throughBytes<I extends AnyImage>(image: I, change: (image: Image) => Image): I {
  return (isBytes(image) ? change(image) : toFloat(change(toBytes(image)))) as AnyImage as I;
}
