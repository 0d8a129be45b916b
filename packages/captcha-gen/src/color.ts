import { ProjError } from '@proj/core';

/** `'#rrggbb'`, `'#rrggbbaa'`, `[r, g, b]` or `[r, g, b, a]`, integers 0..255; `a` is the opacity, not premultiplied. */
export type ColorInput = string | readonly number[];

/** Red, green, blue, opacity: integers 0..255, not premultiplied. */
export type Color = readonly [number, number, number, number];

/** @throws ProjError `invalid-color`. */
export function parseColor(input: ColorInput): Color {
  const values = typeof input === 'string' ? hexValues(input) : input;
  const valid =
    Array.isArray(values) &&
    (values.length === 3 || values.length === 4) &&
    values.every((value) => Number.isInteger(value) && value >= 0 && value <= 255);
  if (!valid) {
    throw new ProjError('Cannot use this colour', {
      code: 'invalid-color',
      expected: "3 or 4 integers 0..255, '#rrggbb' or '#rrggbbaa'",
      received: JSON.stringify(input),
    });
  }
  const [r, g, b, a = 255] = values as [number, number, number, number?];
  return [r, g, b, a];
}

/** @throws ProjError `invalid-color` also when the list is empty. */
export function parseColors(name: string, inputs: readonly ColorInput[]): readonly Color[] {
  if (!Array.isArray(inputs) || inputs.length === 0) {
    throw new ProjError(`Cannot use \`${name}\``, {
      code: 'invalid-color',
      expected: 'a list of at least one colour',
      received: JSON.stringify(inputs),
    });
  }
  return inputs.map(parseColor);
}

/** `'#rrggbb'`, with opacity `'#rrggbbaa'` where it is not 255. */
export function formatColor([r, g, b, a]: Color): string {
  return `#${(a === 255 ? [r, g, b] : [r, g, b, a]).map((value) => value.toString(16).padStart(2, '0')).join('')}`;
}

/** @throws ProjError `invalid-color` unless all are opaque, as backgrounds must be. */
export function checkOpaque(colors: readonly Color[]): void {
  const translucent = colors.find((color) => color[3] !== 255);
  if (translucent !== undefined) {
    throw new ProjError('A background must be opaque', {
      code: 'invalid-color',
      expected: 'an opacity of 255',
      received: formatColor(translucent),
    });
  }
}

function hexValues(text: string): number[] {
  return /^#([0-9a-f]{6}|[0-9a-f]{8})$/i.test(text)
    ? (text.slice(1).match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16))
    : [];
}
