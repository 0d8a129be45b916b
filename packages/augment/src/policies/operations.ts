import { type AnyImage, type Fill, fullScale, throughBytes } from '../image.js';
import { adjust } from '../kernels/adjust.js';
import { autocontrast, equalize } from '../kernels/levels.js';
import { type Interpolation, warpAffine } from '../kernels/warp.js';
import { adjustSharpness } from '../transforms/adjust.js';
import { affineMatrix, type Point, rotate } from '../transforms/affine.js';
import { invert, posterize, solarize } from '../transforms/tone.js';

/** The names that the papers and torchvision have for what policies do. */
export type OperationName =
  | 'Identity'
  | 'ShearX'
  | 'ShearY'
  | 'TranslateX'
  | 'TranslateY'
  | 'Rotate'
  | 'Brightness'
  | 'Color'
  | 'Contrast'
  | 'Sharpness'
  | 'Posterize'
  | 'Solarize'
  | 'AutoContrast'
  | 'Equalize'
  | 'Invert';

/** One operation as it was drawn. */
export type Operation = {
  readonly operation: OperationName;
  /** In the operation's own units, with its sign; 0 where it has none. */
  readonly magnitude: number;
};

export interface OperationOptions {
  readonly interpolation: Interpolation;
  readonly fill: Fill;
}

/** torchvision's `_apply_op` on Pillow. Thresholds of `Solarize` are levels of 255, also for real numbers. */
export function applyOperation(
  image: AnyImage,
  { operation, magnitude }: Operation,
  options: OperationOptions,
): AnyImage {
  const middle: Point = [image.width / 2, image.height / 2];
  const affine = (shear: Point, translate: Point, center: Point) =>
    warpAffine(image, affineMatrix({ angle: 0, translate, scale: 1, shear }, center), options);
  const degrees = (Math.atan(magnitude) * 180) / Math.PI;
  switch (operation) {
    case 'Identity':
      return image;
    case 'ShearX':
      return affine([degrees, 0], [0, 0], [0, 0]);
    case 'ShearY':
      return affine([0, degrees], [0, 0], [0, 0]);
    case 'TranslateX':
      return affine([0, 0], [Math.trunc(magnitude), 0], middle);
    case 'TranslateY':
      return affine([0, 0], [0, Math.trunc(magnitude)], middle);
    case 'Rotate':
      return magnitude === 0 ? image : rotate(image, magnitude, options);
    case 'Brightness':
      return adjust(image, [['brightness', 1 + magnitude]]);
    case 'Color':
      return adjust(image, [['saturation', 1 + magnitude]]);
    case 'Contrast':
      return adjust(image, [['contrast', 1 + magnitude]]);
    case 'Sharpness':
      return adjustSharpness(image, 1 + magnitude);
    case 'Posterize':
      return posterize(image, Math.trunc(magnitude));
    case 'Solarize':
      return solarize(image, (magnitude * fullScale(image)) / 255);
    case 'AutoContrast':
      return throughBytes(image, autocontrast);
    case 'Equalize':
      return throughBytes(image, equalize);
    case 'Invert':
      return invert(image);
  }
}

/** What an operation's magnitude may be. */
export interface Scale {
  /** By bin. */
  readonly magnitudes: readonly number[];
  /** Whether a coin decides its sign. */
  readonly signed: boolean;
}

/** Operations and their magnitudes; those without a scale have no magnitude. */
export type Space = ReadonlyMap<OperationName, Scale | undefined>;

/** `bins` numbers from `first` to `last`. */
export function linear(first: number, last: number, bins: number, signed = true): Scale {
  const magnitudes = Array.from({ length: bins }, (_, i) =>
    bins === 1 ? first : first + ((last - first) * i) / (bins - 1),
  );
  return { magnitudes, signed };
}

/** Bits kept: from `most` down by `loss`. */
export function bitsDown(most: number, loss: number, bins: number): Scale {
  return {
    magnitudes: Array.from({ length: bins }, (_, i) => most - Math.round((i * loss) / Math.max(1, bins - 1))),
    signed: false,
  };
}
