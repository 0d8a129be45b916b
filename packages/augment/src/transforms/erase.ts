import { Rng } from '@proj/core';
import { type AnyImage, type Fill, fillOf, fullScale, isBytes, withData } from '../image.js';
import type { Box } from '../kernels/resample.js';
import { copyOf } from '../memory.js';
import { checkNumber, checkNumbers, invalidOption, type NumberOrRange, rangeOf, required, sizeOf } from '../options.js';
import { defineTransform } from '../transform.js';
import type { Size } from './crop.js';

export interface RandomErasingOptions {
  /** Default 0.5. */
  readonly p?: number | undefined;
  /** Part of the area that is erased. Default [0.02, 0.33]. */
  readonly scale?: NumberOrRange | undefined;
  /** Height over width, drawn from a logarithmic scale. Default [0.3, 3.3]. */
  readonly ratio?: NumberOrRange | undefined;
  /** A colour, or `random` for noise: even levels in bytes, standard normal in real numbers. Default 0. */
  readonly value?: Fill | 'random' | undefined;
}

/** A `null` box where ten tries found none that fits. */
export type ErasingParams = { readonly box: Box | null; readonly seed: number };

/** Paints over a rectangle; torchvision's `RandomErasing`. */
export const randomErasing = defineTransform<RandomErasingOptions, ErasingParams>(
  'randomErasing',
  { p: 0.5, scale: [0.02, 0.33], ratio: [0.3, 3.3], value: 0 },
  ({ scale, ratio, value }) => {
    const name = 'randomErasing';
    const scales = rangeOf(name, 'scale', scale, { min: 0, max: 1 });
    const ratios = rangeOf(name, 'ratio', ratio, { min: 0 });
    if (ratios[0] <= 0) throw invalidOption(name, 'ratio', 'numbers above 0', ratio);
    if (value !== 'random') checkNumbers(name, 'value', value as number | number[]);
    return {
      sample(rng, { width, height }) {
        let box: Box | null = null;
        for (let attempt = 0; attempt < 10 && box === null; attempt++) {
          const area = width * height * rng.uniform(...scales);
          const aspect = Math.exp(rng.uniform(Math.log(ratios[0]), Math.log(ratios[1])));
          const [rows, columns] = [Math.round(Math.sqrt(area * aspect)), Math.round(Math.sqrt(area / aspect))];
          if (rows >= height || columns >= width) continue;
          const top = rng.int(height - rows + 1);
          box = { top, left: rng.int(width - columns + 1), height: rows, width: columns };
        }
        return { box, seed: rng.uint32() };
      },
      apply: (image, { box, seed }) => (box === null ? image : erase(image, [box], value, seed)),
    };
  },
);

export interface CutoutOptions {
  /** Of each hole, `[height, width]` or one number for both, in pixels. */
  readonly size: Size;
  /** Default 1. */
  readonly numHoles?: number | undefined;
  /** Default 0. */
  readonly value?: Fill | undefined;
  /** Default 1. */
  readonly p?: number | undefined;
}

/**
 * Paints over squares whose centres lie anywhere in the picture, so that they may reach beyond it (DeVries and Taylor,
 * "Improved Regularization of Convolutional Neural Networks with Cutout", 2017).
 */
export const cutout = defineTransform<CutoutOptions, { readonly boxes: readonly Box[] }>(
  'cutout',
  { size: required, numHoles: 1, value: 0, p: 1 },
  ({ size, numHoles, value }) => {
    const [height, width] = sizeOf('cutout', 'size', size);
    checkNumber('cutout', 'numHoles', numHoles, { min: 0, integer: true });
    checkNumbers('cutout', 'value', value as number | number[]);
    return {
      sample: (rng, shape) => ({
        boxes: Array.from({ length: numHoles }, () => ({
          top: rng.int(shape.height) - Math.floor(height / 2),
          left: rng.int(shape.width) - Math.floor(width / 2),
          height,
          width,
        })),
      }),
      apply: (image, { boxes }) => erase(image, boxes, value, 0),
    };
  },
);

function erase(image: AnyImage, boxes: readonly Box[], value: Fill | 'random', seed: number): AnyImage {
  const { width, height, channels } = image;
  const data = copyOf(image.data);
  const rng = new Rng(seed);
  const random = isBytes(image) ? () => rng.int(fullScale(image) + 1) : () => rng.normal();
  const fill = value === 'random' ? undefined : fillOf(value, channels);
  for (const box of boxes) {
    for (let y = Math.max(0, box.top); y < Math.min(height, box.top + box.height); y++) {
      for (let x = Math.max(0, box.left); x < Math.min(width, box.left + box.width); x++) {
        for (let c = 0; c < channels; c++) data[(y * width + x) * channels + c] = fill?.[c] ?? random();
      }
    }
  }
  return withData(image, data);
}
