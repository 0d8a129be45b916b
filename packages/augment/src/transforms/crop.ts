import { ProjError, type Rng } from '@proj/core';
import type { Fill, Shape } from '../image.js';
import { cut, type PaddingMode } from '../kernels/move.js';
import { type Box, type ResizeInterpolation, resample } from '../kernels/resample.js';
import { invalidOption, type NumberOrRange, rangeOf, required, sizeOf } from '../options.js';
import { defineTransform } from '../transform.js';
import { checkFilling, type NoParams, type Padding, sidesOf } from './pad.js';
import { checkInterpolation } from './resize.js';

/** `[height, width]` in pixels, or one number for both. */
export type Size = number | readonly [height: number, width: number];

export interface CenterCropOptions {
  readonly size: Size;
  /** Where the picture is the smaller one. Default 0. */
  readonly fill?: Fill | undefined;
}

/** Cuts out the middle; torchvision's `CenterCrop` (a half pixel is rounded to even, and a small picture is filled up). */
export const centerCrop = defineTransform<CenterCropOptions, NoParams>(
  'centerCrop',
  { size: required, fill: 0 },
  ({ size, fill }) => {
    const [height, width] = sizeOf('centerCrop', 'size', size);
    checkFilling('centerCrop', fill, 'constant');
    return {
      sample: () => ({}),
      outputShape: ({ channels }) => ({ width, height, channels }),
      apply: (image) =>
        cut(image, { top: startOf(image.height, height), left: startOf(image.width, width), height, width }, fill),
    };
  },
);

/** Where the middle begins: a larger picture's in Python's rounding, a smaller one's as its padding says. */
function startOf(from: number, to: number): number {
  if (from < to) return -Math.floor((to - from) / 2);
  const half = Math.floor((from - to) / 2);
  return (from - to) % 2 === 0 || half % 2 === 0 ? half : half + 1;
}

export interface RandomCropOptions {
  readonly size: Size;
  /** Added first on all sides. Default 0. */
  readonly padding?: Padding | undefined;
  /** Whether a picture that is still too small is padded on both sides by what is missing. Default false. */
  readonly padIfNeeded?: boolean | undefined;
  readonly fill?: Fill | undefined;
  readonly paddingMode?: PaddingMode | undefined;
}

/**
 * Cuts out a part anywhere; torchvision's `RandomCrop`. Padding and cutting are one step, and the parameters are places in
 * the unpadded picture, negative in the padding.
 *
 * Its `sample` throws ProjError `picture-too-small`.
 */
export const randomCrop = defineTransform<RandomCropOptions, Box>(
  'randomCrop',
  { size: required, padding: 0, padIfNeeded: false, fill: 0, paddingMode: 'constant' },
  ({ size, padding, padIfNeeded, fill, paddingMode }) => {
    const [height, width] = sizeOf('randomCrop', 'size', size);
    const { left, top, right, bottom } = sidesOf('randomCrop', padding);
    checkFilling('randomCrop', fill, paddingMode);
    return {
      sample(rng, shape) {
        let [y, x] = [-top, -left];
        let [rows, columns] = [shape.height + top + bottom - height, shape.width + left + right - width];
        if (padIfNeeded && columns < 0) [x, columns] = [x + columns, -columns];
        if (padIfNeeded && rows < 0) [y, rows] = [y + rows, -rows];
        if (columns < 0 || rows < 0) throw tooSmall(shape, height, width);
        return { top: y + rng.int(rows + 1), left: x + rng.int(columns + 1), height, width };
      },
      outputShape: ({ channels }) => ({ width, height, channels }),
      apply: (image, box) => cut(image, box, fill, paddingMode),
    };
  },
);

function tooSmall({ width, height }: Shape, wantedHeight: number, wantedWidth: number): ProjError {
  return new ProjError(`Cannot cut ${wantedWidth}x${wantedHeight} out of this picture`, {
    code: 'picture-too-small',
    expected: `at least ${wantedWidth}x${wantedHeight} with its padding`,
    received: `${width}x${height} without`,
    fix: 'Set `padding` or `padIfNeeded`, or resize first',
  });
}

export interface RandomResizedCropOptions {
  /** Of the result. */
  readonly size: Size;
  /** Part of the picture's area that is kept. Default [0.08, 1]. */
  readonly scale?: NumberOrRange | undefined;
  /** Width over height of what is kept, drawn from a logarithmic scale. Default [3/4, 4/3]. */
  readonly ratio?: NumberOrRange | undefined;
  /** Default `bilinear`. */
  readonly interpolation?: ResizeInterpolation | undefined;
}

/** Cuts out a part of any size and stretches it to one; torchvision's `RandomResizedCrop`. */
export const randomResizedCrop = defineTransform<RandomResizedCropOptions, Box>(
  'randomResizedCrop',
  { size: required, scale: [0.08, 1], ratio: [3 / 4, 4 / 3], interpolation: 'bilinear' },
  ({ size, scale, ratio, interpolation }) => {
    const name = 'randomResizedCrop';
    const [height, width] = sizeOf(name, 'size', size);
    const scales = rangeOf(name, 'scale', scale, { min: 0 });
    const ratios = rangeOf(name, 'ratio', ratio, { min: 0 });
    if (scales[0] <= 0) throw invalidOption(name, 'scale', 'numbers above 0', scale);
    if (ratios[0] <= 0) throw invalidOption(name, 'ratio', 'numbers above 0', ratio);
    checkInterpolation(name, interpolation);
    return {
      sample: (rng, shape) => drawBox(rng, shape, scales, ratios) ?? widestBox(shape, ratios),
      outputShape: ({ channels }) => ({ width, height, channels }),
      apply: (image, box) => {
        checkBox(image, box);
        const same = box.width === width && box.height === height;
        return same ? cut(image, box) : resample(image, box, { width, height }, interpolation);
      },
    };
  },
);

/** Ten tries at a box that fits. */
function drawBox(
  rng: Rng,
  { width, height }: Shape,
  scale: readonly [number, number],
  ratio: readonly [number, number],
): Box | undefined {
  for (let attempt = 0; attempt < 10; attempt++) {
    const area = width * height * rng.uniform(...scale);
    const aspect = Math.exp(rng.uniform(Math.log(ratio[0]), Math.log(ratio[1])));
    const box = { width: Math.round(Math.sqrt(area * aspect)), height: Math.round(Math.sqrt(area / aspect)) };
    if (box.width <= 0 || box.height <= 0 || box.width > width || box.height > height) continue;
    const top = rng.int(height - box.height + 1);
    return { top, left: rng.int(width - box.width + 1), ...box };
  }
  return undefined;
}

/** The greatest box in the middle whose proportions are allowed. */
function widestBox({ width, height }: Shape, [low, high]: readonly [number, number]): Box {
  const aspect = width / height;
  const box = {
    width: aspect > high ? Math.max(1, Math.round(height * high)) : width,
    height: aspect < low ? Math.max(1, Math.round(width / low)) : height,
  };
  return { top: Math.floor((height - box.height) / 2), left: Math.floor((width - box.width) / 2), ...box };
}

/** @throws ProjError `invalid-params` for a box that is not all inside, as of another picture. */
function checkBox({ width, height }: Shape, box: Box): void {
  const { top, left } = box;
  if (top >= 0 && left >= 0 && top + box.height <= height && left + box.width <= width) return;
  throw new ProjError('Cannot cut this box out of the picture', {
    code: 'invalid-params',
    expected: `a box inside ${width}x${height}`,
    received: JSON.stringify(box),
    fix: 'Replay parameters on a picture of the size for which they were drawn',
  });
}
