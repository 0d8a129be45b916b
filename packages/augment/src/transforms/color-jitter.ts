import type { Image, Rng } from '@proj/core';
import { type AnyImage, isBytes } from '../image.js';
import { checkColor, meanLuma, saturate, shiftHue } from '../kernels/color.js';
import { blendTable, chained, mapLevels, unchanged } from '../kernels/levels.js';
import { giveBack } from '../memory.js';
import { type NumberOrRange, type Range, rangeOf } from '../options.js';
import { defineTransform } from '../transform.js';
import { adjustBrightness, adjustContrast, adjustHue, adjustSaturation } from './adjust.js';

export interface ColorJitterOptions {
  /** A range of factors, or one number x for [max(0, 1 - x), 1 + x]. Default 0: left alone. */
  readonly brightness?: NumberOrRange | undefined;
  readonly contrast?: NumberOrRange | undefined;
  readonly saturation?: NumberOrRange | undefined;
  /** A range within -0.5..0.5, or one number x for [-x, x]. Default 0: left alone. */
  readonly hue?: NumberOrRange | undefined;
}

const adjusts = {
  brightness: adjustBrightness,
  contrast: adjustContrast,
  saturation: adjustSaturation,
  hue: adjustHue,
} as const;

type Property = keyof typeof adjusts;

/** What is adjusted by how much, in this order. */
export type ColorJitterParams = { readonly steps: readonly (readonly [property: Property, factor: number])[] };

/** Changes brightness, contrast, saturation and hue in an order drawn by chance; torchvision's `ColorJitter`. */
export const colorJitter = defineTransform<ColorJitterOptions, ColorJitterParams>(
  'colorJitter',
  { brightness: 0, contrast: 0, saturation: 0, hue: 0 },
  (options) => {
    const ranges = new Map<Property, Range>();
    for (const property of Object.keys(adjusts) as Property[]) {
      const range = jitterRange(property, options[property]);
      if (range !== undefined) ranges.set(property, range);
    }
    return {
      sample: (rng: Rng) => ({
        steps: rng.shuffle([...ranges]).map(([property, range]) => [property, rng.uniform(...range)] as const),
      }),
      apply: (image: AnyImage, { steps }) =>
        isBytes(image) && image.channels >= 3
          ? adjustBytes(image, steps)
          : steps.reduce((changed, [property, factor]) => adjusts[property](changed, factor), image),
    };
  },
);

/**
 * The same in fewer passes over memory: brightness and contrast change levels, and wait for a step that looks at whole colours.
 */
function adjustBytes(image: Image, steps: ColorJitterParams['steps']): AnyImage {
  checkColor('colorJitter', image);
  let current: AnyImage = image;
  let levels = unchanged;
  for (const [property, factor] of steps) {
    if (property === 'brightness' || property === 'contrast') {
      const from = property === 'brightness' ? 0 : meanLuma(current, levels);
      levels = chained(levels, blendTable(from, factor));
      continue;
    }
    const before: AnyImage = current;
    current = property === 'hue' ? shiftHue(before, factor, levels) : saturate(before, factor, levels);
    levels = unchanged;
    if (before !== image) giveBack(before.data);
  }
  if (levels === unchanged) return current;
  const last = mapLevels(current as Image, levels);
  if (current !== image) giveBack(current.data);
  return last;
}

/** Undefined where nothing would change. */
function jitterRange(property: Property, value: NumberOrRange): Range | undefined {
  const middle = property === 'hue' ? 0 : 1;
  const limits = property === 'hue' ? { min: -0.5, max: 0.5 } : { min: 0 };
  if (typeof value !== 'number') {
    const range = rangeOf('colorJitter', property, value, limits);
    return range[0] === middle && range[1] === middle ? undefined : range;
  }
  rangeOf('colorJitter', property, value, { ...limits, min: 0 });
  if (value === 0) return undefined;
  return property === 'hue' ? [-value, value] : [Math.max(0, 1 - value), 1 + value];
}
