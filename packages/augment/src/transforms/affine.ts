import type { AnyImage, Fill } from '../image.js';
import { type AffineMatrix, type Interpolation, type WarpOptions, warpAffine } from '../kernels/warp.js';
import {
  checkNumber,
  checkNumbers,
  checkOneOf,
  invalidOption,
  type NumberOrRange,
  rangeOf,
  required,
  symmetricRange,
} from '../options.js';
import { defineTransform } from '../transform.js';

/** A place in the picture, pixels from its upper left corner. */
export type Point = readonly [x: number, y: number];

export interface WarpingOptions {
  /** Default `nearest`, as in torchvision. */
  readonly interpolation?: Interpolation | undefined;
  /** Colour of what comes from outside. Default 0. */
  readonly fill?: Fill | undefined;
}

export interface RandomRotationOptions extends WarpingOptions {
  /** A range, or one number for all from its negative to itself. */
  readonly degrees: NumberOrRange;
  /** Whether the result is made as large as the whole turned picture. Default false. */
  readonly expand?: boolean | undefined;
  /** Default the middle, `null`. */
  readonly center?: Point | null | undefined;
}

export type RotationParams = {
  /** Degrees, counter-clockwise. */
  readonly angle: number;
};

/** Turns by an angle from `degrees`; torchvision's `RandomRotation` on Pillow. */
export const randomRotation = defineTransform<RandomRotationOptions, RotationParams>(
  'randomRotation',
  { degrees: required, interpolation: 'nearest', fill: 0, expand: false, center: null },
  ({ degrees, interpolation, fill, expand, center }) => {
    const range = symmetricRange('randomRotation', 'degrees', degrees);
    checkWarping('randomRotation', interpolation, fill);
    checkCenter('randomRotation', center);
    return {
      sample: (rng) => ({ angle: rng.uniform(...range) }),
      outputShape: (shape, { angle }) => {
        const { width, height } = rotation(shape, angle, expand, center);
        return { width, height, channels: shape.channels };
      },
      apply: (image, { angle }) => {
        if (angle % 360 === 0) return image;
        return rotate(image, angle, { interpolation, fill }, expand, center);
      },
    };
  },
);

/** Pillow's `Image.rotate`. */
export function rotate(
  image: AnyImage,
  angle: number,
  options: WarpOptions,
  expand = false,
  center: Point | null = null,
): AnyImage {
  const { matrix, ...size } = rotation(image, angle, expand, center);
  // Pillow moves the pixels of quarter turns, so that colours do not go through alpha and back.
  const isSquare = expand || image.width === image.height;
  const moves = center === null && angle % (isSquare ? 90 : 180) === 0;
  return warpAffine(image, matrix, { ...options, ...size, ...(moves && { interpolation: 'nearest' }) });
}

/** The way back from the turned picture, with Pillow's rounding to 15 digits; the size of the result. */
export function rotation(
  { width, height }: { readonly width: number; readonly height: number },
  angle: number,
  expand = false,
  center: Point | null = null,
): { matrix: AffineMatrix; width: number; height: number } {
  const turn = ((angle % 360) + 360) % 360;
  if (expand && center === null && (turn === 90 || turn === 270)) {
    // A quarter turn swaps the sides; rounding would add a pixel.
    return { matrix: turn === 90 ? [0, -1, width, 1, 0, 0] : [0, 1, 0, -1, 0, height], width: height, height: width };
  }
  const radians = (-turn * Math.PI) / 180;
  const rounded = (value: number) => Math.round(value * 1e15) / 1e15;
  const [cos, sin] = [rounded(Math.cos(radians)), rounded(Math.sin(radians))];
  const [x, y] = center ?? [width / 2, height / 2];
  const c = cos * -x + sin * -y + x;
  const f = -sin * -x + cos * -y + y;
  if (!expand) return { matrix: [cos, sin, c, -sin, cos, f], width, height };
  const corners = [
    [0, 0],
    [width, 0],
    [width, height],
    [0, height],
  ] as const;
  const xs = corners.map(([u, v]) => cos * u + sin * v + c);
  const ys = corners.map(([u, v]) => -sin * u + cos * v + f);
  const wide = Math.ceil(Math.max(...xs)) - Math.floor(Math.min(...xs));
  const high = Math.ceil(Math.max(...ys)) - Math.floor(Math.min(...ys));
  const [dx, dy] = [-(wide - width) / 2, -(high - height) / 2];
  const matrix: AffineMatrix = [cos, sin, cos * dx + sin * dy + c, -sin, cos, -sin * dx + cos * dy + f];
  return { matrix, width: wide, height: high };
}

export interface RandomAffineOptions extends WarpingOptions {
  /** As for {@link randomRotation}; 0 for none. */
  readonly degrees: NumberOrRange;
  /** Greatest shift as parts of width and height. Default `null`, none. */
  readonly translate?: readonly [x: number, y: number] | null | undefined;
  /** Default `null`, none. */
  readonly scale?: NumberOrRange | null | undefined;
  /** Degrees: of x as for {@link randomRotation}, or four numbers, the ranges of x and y. Default `null`, none. */
  readonly shear?: NumberOrRange | readonly [number, number, number, number] | null | undefined;
  readonly center?: Point | null | undefined;
}

export type AffineParams = {
  /** Degrees, clockwise. */
  readonly angle: number;
  /** Whole pixels. */
  readonly translate: Point;
  readonly scale: number;
  /** Degrees. */
  readonly shear: Point;
};

/** Turns, shifts, scales and shears; torchvision's `RandomAffine` on Pillow. */
export const randomAffine = defineTransform<RandomAffineOptions, AffineParams>(
  'randomAffine',
  { degrees: required, translate: null, scale: null, shear: null, interpolation: 'nearest', fill: 0, center: null },
  ({ degrees, translate, scale, shear, interpolation, fill, center }) => {
    const name = 'randomAffine';
    const angles = symmetricRange(name, 'degrees', degrees);
    const scales = rangeOf(name, 'scale', scale ?? 1, { min: 0 });
    if (scales[0] <= 0) throw invalidOption(name, 'scale', 'numbers above 0', scale);
    if (translate !== null) {
      if (!Array.isArray(translate) || translate.length !== 2)
        throw invalidOption(name, 'translate', '[x, y]', translate);
      for (const part of translate) checkNumber(name, 'translate', part, { min: 0, max: 1 });
    }
    const [left = 0, right = 0, up = 0, down = 0] = shearsOf(name, shear);
    checkWarping(name, interpolation, fill);
    checkCenter(name, center);
    return {
      sample(rng, { width, height }) {
        const angle = rng.uniform(...angles);
        const reach = [(translate?.[0] ?? 0) * width, (translate?.[1] ?? 0) * height] as const;
        const shift = reach.map((most) => Math.round(rng.uniform(-most, most)) || 0); // no -0, which JSON lacks
        return {
          angle,
          translate: shift as unknown as Point,
          scale: rng.uniform(...scales),
          shear: [rng.uniform(left, right), rng.uniform(up, down)],
        };
      },
      apply: (image, params) => {
        const matrix = affineMatrix(params, center ?? [image.width / 2, image.height / 2]);
        return warpAffine(image, matrix, { interpolation, fill });
      },
    };
  },
);

function shearsOf(name: string, shear: NumberOrRange | readonly number[] | null): readonly number[] {
  if (shear === null) return [];
  if (!Array.isArray(shear) || shear.length !== 4) return symmetricRange(name, 'shear', shear as NumberOrRange);
  const [x0, x1, y0, y1] = shear as [number, number, number, number];
  return [...rangeOf(name, 'shear', [x0, x1]), ...rangeOf(name, 'shear', [y0, y1])];
}

/**
 * The way back through shift, rotation, scale and shear about `center`; torchvision's `_get_inverse_affine_matrix`.
 *
 * The way there is T(center + translate) R(angle) Shear(y) Shear(x) S(scale) T(-center).
 */
export function affineMatrix({ angle, translate, scale, shear }: AffineParams, [cx, cy]: Point): AffineMatrix {
  const [turn, sx, sy] = [angle, ...shear].map((degrees) => (degrees * Math.PI) / 180) as [number, number, number];
  const a = Math.cos(turn - sy) / Math.cos(sy);
  const b = (-Math.cos(turn - sy) * Math.tan(sx)) / Math.cos(sy) - Math.sin(turn);
  const c = Math.sin(turn - sy) / Math.cos(sy);
  const d = (-Math.sin(turn - sy) * Math.tan(sx)) / Math.cos(sy) + Math.cos(turn);
  const [p, q, r, s] = [d / scale, -b / scale, -c / scale, a / scale];
  const [x, y] = [-cx - translate[0], -cy - translate[1]];
  return [p, q, p * x + q * y + cx, r, s, r * x + s * y + cy];
}

/** @throws ProjError `invalid-option` */
export function checkWarping(name: string, interpolation: Interpolation, fill: Fill): void {
  checkOneOf(name, 'interpolation', interpolation, ['nearest', 'bilinear']);
  checkNumbers(name, 'fill', fill as number | number[]);
}

function checkCenter(name: string, center: Point | null): void {
  if (center === null) return;
  if (center.length !== 2) throw invalidOption(name, 'center', '[x, y]', center);
  for (const each of center) checkNumber(name, 'center', each);
}
