import { Rng } from '@proj/core';
import type { Shape } from '../image.js';
import { convolve, gaussianKernel } from '../kernels/blur.js';
import { warp } from '../kernels/warp.js';
import { checkNumber, type NumberOrRange, rangeOf, symmetricRange } from '../options.js';
import { defineTransform } from '../transform.js';
import { checkWarping, type WarpingOptions } from './affine.js';

export interface ElasticTransformOptions extends WarpingOptions {
  /** How far pixels move: pixels, times the noise's height after smoothing. Default 50. */
  readonly alpha?: NumberOrRange | undefined;
  /** Smoothness, a deviation in pixels. Default 5. */
  readonly sigma?: NumberOrRange | undefined;
  /** Default 1. */
  readonly p?: number | undefined;
}

/** Noise is drawn anew from `seed`, so that a record of it stays short. */
export type ElasticParams = { readonly alpha: number; readonly sigma: number; readonly seed: number };

/**
 * Moves every pixel by smoothed noise; torchvision's `ElasticTransform`: uniform noise of -1..1, blurred by `sigma` over
 * 8 sigma + 1 pixels, times `alpha` / 2 pixels. At the border the border's colour goes on for half a pixel, where torchvision
 * mixes it with `fill`.
 */
export const elasticTransform = defineTransform<ElasticTransformOptions, ElasticParams>(
  'elasticTransform',
  { alpha: 50, sigma: 5, p: 1, interpolation: 'bilinear', fill: 0 },
  ({ alpha, sigma, interpolation, fill }) => {
    const alphas = rangeOf('elasticTransform', 'alpha', alpha, { min: 0 });
    const sigmas = rangeOf('elasticTransform', 'sigma', sigma, { min: 0.1 });
    checkWarping('elasticTransform', interpolation, fill);
    return {
      sample: (rng) => ({ alpha: rng.uniform(...alphas), sigma: rng.uniform(...sigmas), seed: rng.uint32() }),
      apply: (image, params) => {
        const noise = new Rng(params.seed);
        const dx = elasticMoves(uniformNoise(noise.split('x'), image), image, params);
        const dy = elasticMoves(uniformNoise(noise.split('y'), image), image, params);
        return warp(image, { interpolation, fill }, displacement(image, dx, dy));
      },
    };
  },
);

function uniformNoise(rng: Rng, { width, height }: Shape): Float32Array {
  return Float32Array.from({ length: width * height }, () => rng.uniform(-1, 1));
}

/** Pixels by which each pixel looks aside along one axis, row by row, of noise of -1..1. */
export function elasticMoves(
  noise: Float32Array,
  { width, height }: Shape,
  { alpha, sigma }: Omit<ElasticParams, 'seed'>,
): Float32Array {
  const size = Math.trunc(8 * sigma + 1);
  const kernel = gaussianKernel(size % 2 === 0 ? size + 1 : size, sigma);
  // torchvision's displacement is in half sizes: alpha / width of them are alpha / 2 pixels.
  return convolve(noise, width, height, 1, kernel, kernel).map((value) => (value * alpha) / 2);
}

/** Each pixel from where its displacement points. */
export function displacement({ width }: Shape, dx: Float32Array, dy: Float32Array) {
  return (y: number, xs: Float64Array, ys: Float64Array) => {
    for (let x = 0; x < width; x++) {
      xs[x] = x + 0.5 + dx[y * width + x]!;
      ys[x] = y + 0.5 + dy[y * width + x]!;
    }
  };
}

export interface GridDistortionOptions extends WarpingOptions {
  /** Cells along each side. Default 5. */
  readonly numSteps?: number | undefined;
  /** How much wider or narrower a cell becomes, as a part of its size; -1 < limit < 1. Default 0.3. */
  readonly distortLimit?: NumberOrRange | undefined;
  /** Default 0.5. */
  readonly p?: number | undefined;
}

/** Sizes of the source's cells relative to each other. */
export type GridParams = { readonly columns: readonly number[]; readonly rows: readonly number[] };

/**
 * Stretches and squeezes the columns and rows of a grid, as albumentations' `GridDistortion(normalized=True)`: sizes are
 * 1 + uniform(`distortLimit`), scaled so that they fill the picture.
 */
export const gridDistortion = defineTransform<GridDistortionOptions, GridParams>(
  'gridDistortion',
  { numSteps: 5, distortLimit: 0.3, p: 0.5, interpolation: 'bilinear', fill: 0 },
  ({ numSteps, distortLimit, interpolation, fill }) => {
    checkNumber('gridDistortion', 'numSteps', numSteps, { min: 1, integer: true });
    const limits = symmetricRange('gridDistortion', 'distortLimit', distortLimit, { min: -0.99, max: 0.99 });
    checkWarping('gridDistortion', interpolation, fill);
    return {
      sample: (rng) => {
        const sizes = () => Array.from({ length: numSteps }, () => 1 + rng.uniform(...limits));
        return { columns: sizes(), rows: sizes() };
      },
      apply: (image, { columns, rows }) => {
        const places = gridPlaces(columns, image.width);
        const lines = gridPlaces(rows, image.height);
        return warp(image, { interpolation, fill }, (y, xs, ys) => {
          xs.set(places);
          ys.fill(lines[y]!);
        });
      },
    };
  },
);

/** Where the centre of each pixel comes from when equal cells are filled from cells of these sizes. */
function gridPlaces(sizes: readonly number[], length: number): Float64Array {
  const scale = length / sizes.reduce((sum, size) => sum + size, 0);
  const edges = [0];
  for (const size of sizes) edges.push(edges.at(-1)! + size * scale);
  return Float64Array.from({ length }, (_, i) => {
    const place = ((i + 0.5) * sizes.length) / length;
    const cell = Math.min(sizes.length - 1, Math.floor(place));
    return edges[cell]! + (place - cell) * (edges[cell + 1]! - edges[cell]!);
  });
}
