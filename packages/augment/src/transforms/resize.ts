import type { Shape } from '../image.js';
import { wholeOf } from '../kernels/move.js';
import { type ResizeInterpolation, resample } from '../kernels/resample.js';
import { checkNumber, checkOneOf, invalidOption, required, sizeOf } from '../options.js';
import { defineTransform } from '../transform.js';
import type { NoParams } from './pad.js';

export interface ResizeOptions {
  /** Pixels: `[height, width]`, or the length of the shorter side, the longer following. */
  readonly size: number | readonly [height: number, width: number];
  /** Default `bilinear`. */
  readonly interpolation?: ResizeInterpolation | undefined;
  /** For one number: the longer side's greatest length, to which the shorter then gives way. Default `null`, none. */
  readonly maxSize?: number | null | undefined;
}

/**
 * Stretches a picture; torchvision's `Resize` on Pillow, always with antialiasing. A longer side's length is rounded down, as
 * there.
 */
export const resize = defineTransform<ResizeOptions, NoParams>(
  'resize',
  { size: required, interpolation: 'bilinear', maxSize: null },
  ({ size, interpolation, maxSize }) => {
    checkInterpolation('resize', interpolation);
    const [height, width] = sizeOf('resize', 'size', size);
    if (maxSize !== null) {
      checkNumber('resize', 'maxSize', maxSize, { min: height + 1, integer: true });
      if (typeof size !== 'number')
        throw invalidOption('resize', 'maxSize', 'null where `size` has two numbers', maxSize);
    }
    const sizeFor = (shape: Shape) => (typeof size === 'number' ? fitted(shape, size, maxSize) : { width, height });
    return {
      sample: () => ({}),
      outputShape: (shape) => ({ ...sizeFor(shape), channels: shape.channels }),
      apply: (image) => {
        const wanted = sizeFor(image);
        const same = wanted.width === image.width && wanted.height === image.height;
        return same ? image : resample(image, wholeOf(image), wanted, interpolation);
      },
    };
  },
);

function fitted({ width, height }: Shape, shorter: number, maxSize: number | null) {
  let short = shorter;
  let long = Math.trunc((shorter * Math.max(width, height)) / Math.min(width, height));
  if (maxSize !== null && long > maxSize) {
    short = Math.max(1, Math.trunc((maxSize * short) / long));
    long = maxSize;
  }
  return width <= height ? { width: short, height: long } : { width: long, height: short };
}

/** @throws ProjError `invalid-option` */
export function checkInterpolation(name: string, interpolation: ResizeInterpolation): void {
  checkOneOf(name, 'interpolation', interpolation, ['bilinear', 'nearest', 'area']);
}
