import { throughBytes } from '../image.js';
import { blurByTaps, blurSeparably, gaussianKernel, type Tap } from '../kernels/blur.js';
import { checkColor } from '../kernels/color.js';
import { type Subsampling, throughJpeg } from '../kernels/jpeg.js';
import { checkNumber, checkOneOf, invalidOption, type NumberOrRange, rangeOf, required } from '../options.js';
import { defineTransform } from '../transform.js';

export interface GaussianBlurOptions {
  /** Odd: one number, or `[width, height]`. */
  readonly kernelSize: number | readonly [width: number, height: number];
  /** Deviation in pixels, above 0. Default [0.1, 2]. */
  readonly sigma?: NumberOrRange | undefined;
  /** Default 1. */
  readonly p?: number | undefined;
}

/** torchvision's `GaussianBlur`; behind its border the picture goes on mirrored. */
export const gaussianBlur = defineTransform<GaussianBlurOptions, { readonly sigma: number }>(
  'gaussianBlur',
  { kernelSize: required, sigma: [0.1, 2], p: 1 },
  ({ kernelSize, sigma }) => {
    const sizes = Array.isArray(kernelSize) ? (kernelSize as number[]) : [kernelSize as number, kernelSize as number];
    if (sizes.length !== 2) throw invalidOption('gaussianBlur', 'kernelSize', '[width, height]', kernelSize);
    const [width, height] = sizes as [number, number];
    for (const size of [width, height]) checkOdd('gaussianBlur', size);
    const range = rangeOf('gaussianBlur', 'sigma', sigma, { min: 0 });
    if (range[0] <= 0) throw invalidOption('gaussianBlur', 'sigma', 'numbers above 0', sigma);
    return {
      sample: (rng) => ({ sigma: rng.uniform(...range) }),
      apply: (image, params) =>
        blurSeparably(image, gaussianKernel(width, params.sigma), gaussianKernel(height, params.sigma)),
    };
  },
);

export interface MotionBlurOptions {
  /** Length of the way in pixels, odd; of a range one is drawn. Default [3, 7]. */
  readonly kernelSize?: NumberOrRange | undefined;
  /** Direction of the way in degrees, counter-clockwise, 0 to the right. Default [0, 360]. */
  readonly angle?: NumberOrRange | undefined;
  /** Default 1. */
  readonly p?: number | undefined;
}

export type MotionBlurParams = { readonly kernelSize: number; readonly angle: number };

/**
 * The mean along a straight way through each pixel, `kernelSize` places a pixel apart in its longer direction; a place between
 * two pixels is shared by both.
 */
export const motionBlur = defineTransform<MotionBlurOptions, MotionBlurParams>(
  'motionBlur',
  { kernelSize: [3, 7], angle: [0, 360], p: 1 },
  ({ kernelSize, angle }) => {
    const [low, high] = rangeOf('motionBlur', 'kernelSize', kernelSize, { min: 1, integer: true });
    for (const size of [low, high]) checkOdd('motionBlur', size);
    const angles = rangeOf('motionBlur', 'angle', angle);
    return {
      sample: (rng) => ({ kernelSize: low + 2 * rng.int((high - low) / 2 + 1), angle: rng.uniform(...angles) }),
      apply: (image, params) => blurByTaps(image, wayOf(params)),
    };
  },
);

function wayOf({ kernelSize, angle }: MotionBlurParams): Tap[] {
  checkOdd('motionBlur', kernelSize);
  const radians = (angle * Math.PI) / 180;
  const [cos, sin] = [Math.cos(radians), -Math.sin(radians)];
  const longer = Math.max(Math.abs(cos), Math.abs(sin));
  const isFlat = longer === Math.abs(cos);
  const slope = (isFlat ? sin : cos) / longer;
  const taps: Tap[] = [];
  for (let step = -(kernelSize - 1) / 2; step <= (kernelSize - 1) / 2; step++) {
    const along = Math.sign(isFlat ? cos : sin) * step;
    const aside = slope * step;
    const near = Math.floor(aside);
    for (const [place, share] of [
      [near, near + 1 - aside],
      [near + 1, aside - near],
    ] as const) {
      const [dx, dy] = isFlat ? [along, place] : [place, along];
      if (share > 0) taps.push({ dx, dy, weight: share / kernelSize });
    }
  }
  return taps;
}

function checkOdd(name: string, size: number): void {
  checkNumber(name, 'kernelSize', size, { min: 1, integer: true });
  if (size % 2 === 0) throw invalidOption(name, 'kernelSize', 'odd numbers', size);
}

export interface JpegOptions {
  /** 1..100; of a range one is drawn. */
  readonly quality: NumberOrRange;
  /** Default `4:2:0`, as Pillow and torchvision write. */
  readonly subsampling?: Subsampling | undefined;
  /** Default 1. */
  readonly p?: number | undefined;
}

/**
 * Leaves of a picture what JPEG would leave; torchvision's `JPEG`, without a file in between. Grey pictures stay grey, alpha
 * stays as it is. The same levels as Pillow with libjpeg-turbo.
 */
export const jpeg = defineTransform<JpegOptions, { readonly quality: number }>(
  'jpeg',
  { quality: required, subsampling: '4:2:0', p: 1 },
  ({ quality, subsampling }) => {
    const [low, high] = rangeOf('jpeg', 'quality', quality, { min: 1, max: 100, integer: true });
    checkOneOf('jpeg', 'subsampling', subsampling, ['4:4:4', '4:2:2', '4:2:0']);
    return {
      sample: (rng) => ({ quality: low + rng.int(high - low + 1) }),
      apply: (image, params) => {
        checkColor('jpeg', image);
        return throughBytes(image, (bytes) => throughJpeg(bytes, params.quality, subsampling));
      },
    };
  },
);
