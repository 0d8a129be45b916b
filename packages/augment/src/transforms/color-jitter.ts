import type { Rng } from '@proj/core';
import { type Adjustment, adjust, type Property } from '../kernels/adjust.js';
import { type NumberOrRange, type Range, rangeOf } from '../options.js';
import { defineTransform } from '../transform.js';

export interface ColorJitterOptions {
  /** A range of factors, or one number x for [max(0, 1 - x), 1 + x]. Default 0: left alone. */
  readonly brightness?: NumberOrRange | undefined;
  readonly contrast?: NumberOrRange | undefined;
  readonly saturation?: NumberOrRange | undefined;
  /** A range within -0.5..0.5, or one number x for [-x, x]. Default 0: left alone. */
  readonly hue?: NumberOrRange | undefined;
}

const properties = ['brightness', 'contrast', 'saturation', 'hue'] as const;

/** What is adjusted by how much, in this order. */
export type ColorJitterParams = { readonly steps: readonly Adjustment[] };

/** Changes brightness, contrast, saturation and hue in an order drawn by chance; torchvision's `ColorJitter`. */
export const colorJitter = defineTransform<ColorJitterOptions, ColorJitterParams>(
  'colorJitter',
  { brightness: 0, contrast: 0, saturation: 0, hue: 0 },
  (options) => {
    const ranges = new Map<Property, Range>();
    for (const property of properties) {
      const range = jitterRange(property, options[property]);
      if (range !== undefined) ranges.set(property, range);
    }
    return {
      sample: (rng: Rng) => ({
        steps: rng.shuffle([...ranges]).map(([property, range]) => [property, rng.uniform(...range)] as const),
      }),
      apply: (image, { steps }) => adjust(image, steps),
    };
  },
);

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
