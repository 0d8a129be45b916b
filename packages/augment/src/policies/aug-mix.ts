import { dirichletVariate } from '../distributions.js';
import { type AnyImage, isBytes, type Shape, withData } from '../image.js';
import { checkNumber } from '../options.js';
import { defineTransform } from '../transform.js';
import { checkWarping, type WarpingOptions } from '../transforms/affine.js';
import { bitsDown, linear, type Operation, type Space } from './operations.js';
import { applyAll, drawOperation } from './random.js';

export interface AugMixOptions extends WarpingOptions {
  /** Greatest bin of the magnitudes, 1..10. Default 3. */
  readonly severity?: number | undefined;
  /** Chains that are mixed. Default 3. */
  readonly mixtureWidth?: number | undefined;
  /** Operations in a chain; -1 (default) draws 1..3. */
  readonly chainDepth?: number | undefined;
  /** Of the Dirichlet distribution of the shares. Default 1. */
  readonly alpha?: number | undefined;
  /** Whether brightness, colour, contrast and sharpness belong to the operations. Default true. */
  readonly allOps?: boolean | undefined;
  /** Default `bilinear`, as in torchvision. */
  readonly interpolation?: 'nearest' | 'bilinear' | undefined;
}

export type AugMixParams = {
  /** Share of the picture itself. */
  readonly original: number;
  readonly chains: readonly { readonly share: number; readonly operations: readonly Operation[] }[];
};

/** The picture mixed with chains of operations on it (Hendrycks et al., 2019); torchvision's `AugMix`. */
export const augMix = defineTransform<AugMixOptions, AugMixParams>(
  'augMix',
  { severity: 3, mixtureWidth: 3, chainDepth: -1, alpha: 1, allOps: true, interpolation: 'bilinear', fill: 0 },
  ({ severity, mixtureWidth, chainDepth, alpha, allOps, interpolation, fill }) => {
    checkNumber('augMix', 'severity', severity, { min: 1, max: 10, integer: true });
    checkNumber('augMix', 'mixtureWidth', mixtureWidth, { min: 1, integer: true });
    checkNumber('augMix', 'chainDepth', chainDepth, { min: -1, integer: true });
    checkNumber('augMix', 'alpha', alpha, { min: Number.MIN_VALUE });
    checkWarping('augMix', interpolation, fill);
    return {
      sample(rng, shape) {
        const space = augMixSpace(shape, allOps);
        const [original, mixed] = dirichletVariate(rng, [alpha, alpha]) as [number, number];
        const shares = dirichletVariate(rng, Array<number>(mixtureWidth).fill(alpha));
        const chains = shares.map((share) => {
          const length = chainDepth > 0 ? chainDepth : 1 + rng.int(3);
          const operations = Array.from({ length }, () => drawOperation(rng, space, () => rng.int(severity)));
          return { share: share * mixed, operations };
        });
        return { original, chains };
      },
      apply: (image, { original, chains }) => {
        const parts = chains.map(({ operations }) => applyAll(image, operations, { interpolation, fill }));
        return mix([image, ...parts], [original, ...chains.map(({ share }) => share)]);
      },
    };
  },
);

/** The weighted sum; levels are rounded down, as torchvision does. */
function mix(images: readonly AnyImage[], shares: readonly number[]): AnyImage {
  const [first] = images as [AnyImage];
  const sums = new Float32Array(first.data.length);
  for (const [k, { data }] of images.entries()) {
    for (let i = 0; i < sums.length; i++) sums[i]! += shares[k]! * data[i]!;
  }
  if (!isBytes(first)) return withData(first, sums);
  const data = new Uint8ClampedArray(sums.length);
  // A sum that single precision left a hair below its level counts as that level.
  for (let i = 0; i < sums.length; i++) data[i] = Math.floor(sums[i]! + 1e-4);
  return withData(first, data);
}

function augMixSpace({ width, height }: Shape, allOps: boolean): Space {
  const bins = 10;
  const geometricAndTonal = [
    ['ShearX', linear(0, 0.3, bins)],
    ['ShearY', linear(0, 0.3, bins)],
    ['TranslateX', linear(0, width / 3, bins)],
    ['TranslateY', linear(0, height / 3, bins)],
    ['Rotate', linear(0, 30, bins)],
    ['Posterize', bitsDown(4, 4, bins)],
    ['Solarize', linear(255, 0, bins, false)],
    ['AutoContrast', undefined],
    ['Equalize', undefined],
  ] as const;
  const photometric = (['Brightness', 'Color', 'Contrast', 'Sharpness'] as const).map(
    (name) => [name, linear(0, 0.9, bins)] as const,
  );
  return new Map([...geometricAndTonal, ...(allOps ? photometric : [])]);
}
