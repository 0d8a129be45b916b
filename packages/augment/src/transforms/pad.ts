import type { Fill, Shape } from '../image.js';
import { cut, type PaddingMode } from '../kernels/move.js';
import type { Box } from '../kernels/resample.js';
import { checkNumber, checkNumbers, checkOneOf, invalidOption, required } from '../options.js';
import { defineTransform } from '../transform.js';

/** Pixels: one number for all sides, `[left and right, top and bottom]`, or `[left, top, right, bottom]`. */
export type Padding = number | readonly [number, number] | readonly [number, number, number, number];

export interface PadOptions {
  readonly padding: Padding;
  /** For `constant`. Default 0. */
  readonly fill?: Fill | undefined;
  /** Default `constant`. */
  readonly paddingMode?: PaddingMode | undefined;
}

export type NoParams = Record<string, never>;

/** Adds a border; torchvision's `Pad`, but that negative numbers, which crop there, are an error. */
export const pad = defineTransform<PadOptions, NoParams>(
  'pad',
  { padding: required, fill: 0, paddingMode: 'constant' },
  ({ padding, fill, paddingMode }) => {
    const { left, top, right, bottom } = sidesOf('pad', padding);
    checkFilling('pad', fill, paddingMode);
    const padded = ({ width, height, channels }: Shape) => ({
      width: width + left + right,
      height: height + top + bottom,
      channels,
    });
    return {
      sample: () => ({}),
      outputShape: padded,
      apply: (image) => cut(image, { left: -left, top: -top, ...sizeOfShape(padded(image)) }, fill, paddingMode),
    };
  },
);

export interface PadToSquareOptions {
  readonly fill?: Fill | undefined;
  readonly paddingMode?: PaddingMode | undefined;
}

/** Adds to both ends of the shorter side, an odd pixel at the end, so that width and height are equal. */
export const padToSquare = defineTransform<PadToSquareOptions, NoParams>(
  'padToSquare',
  { fill: 0, paddingMode: 'constant' },
  ({ fill, paddingMode }) => {
    checkFilling('padToSquare', fill, paddingMode);
    return {
      sample: () => ({}),
      outputShape: ({ width, height, channels }) => {
        const side = Math.max(width, height);
        return { width: side, height: side, channels };
      },
      apply: (image) => cut(image, centred(image, Math.max(image.width, image.height)), fill, paddingMode),
    };
  },
);

function centred({ width, height }: Shape, side: number): Box {
  return { left: -Math.floor((side - width) / 2), top: -Math.floor((side - height) / 2), width: side, height: side };
}

export function sizeOfShape({ width, height }: Shape) {
  return { width, height };
}

/** @throws ProjError `invalid-option` */
export function sidesOf(name: string, padding: Padding) {
  const numbers = [padding].flat() as number[];
  for (const each of numbers) checkNumber(name, 'padding', each, { min: 0, integer: true });
  const [a, b = a, c = a, d = b] = numbers as [number, number?, number?, number?];
  if (numbers.length === 1 || numbers.length === 2 || numbers.length === 4)
    return { left: a, top: b, right: c, bottom: d };
  throw invalidOption(name, 'padding', '1, 2 or 4 numbers', padding);
}

/** @throws ProjError `invalid-option` */
export function checkFilling(name: string, fill: Fill, paddingMode: PaddingMode): void {
  checkNumbers(name, 'fill', fill as number | number[]);
  checkOneOf(name, 'paddingMode', paddingMode, ['constant', 'edge', 'reflect', 'symmetric']);
}
