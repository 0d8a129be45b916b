import type { FloatImage, Image } from '@proj/core';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type AnyImage, normalize } from '../src/index.js';
import { type Adjustment, adjust } from '../src/kernels/adjust.js';
import { axisOf } from '../src/kernels/axis.js';
import { luma } from '../src/kernels/color.js';
import { mapChannels } from '../src/kernels/levels.js';
import { flipHorizontally } from '../src/kernels/move.js';
import { resample } from '../src/kernels/resample.js';
import { type AffineMatrix, warp, warpAffine } from '../src/kernels/warp.js';
import { Workspace } from '../src/kernels/workspace.js';
import { drawing } from './drawing.js';

// The kernels in WebAssembly, beside what they compute said plainly, one value at a time.

const { fround } = Math;
const side = fc.integer({ min: 1, max: 40 });
const anyChannels = fc.constantFrom(1, 2, 3, 4, 5);
const anyColored = fc.constantFrom(3, 4);

/** Noise, so that all levels occur. */
const pictures = (channels: fc.Arbitrary<number>) =>
  fc
    .record({ width: side, height: side, channels, seed: fc.integer() })
    .map(({ width, height, channels, seed }) => noise(width, height, channels, seed));

function noise(width: number, height: number, channels: number, seed: number): Image {
  let state = seed | 1;
  const data = Uint8ClampedArray.from({ length: width * height * channels }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state & 255;
  });
  return { data, width, height, channels };
}

/** A picture of this shape, value by value; rounded and clamped as arrays of bytes do. */
function plainly(
  { width, height, channels }: Pick<Image, 'width' | 'height' | 'channels'>,
  valueAt: (x: number, y: number, c: number) => number,
): Image {
  const data = new Uint8ClampedArray(width * height * channels);
  for (let i = 0; i < data.length; i++) {
    const pixel = Math.floor(i / channels);
    data[i] = valueAt(pixel % width, Math.floor(pixel / width), i % channels);
  }
  return { data, width, height, channels };
}

const at = ({ data, width, channels }: Image, x: number, y: number, c: number) => data[(y * width + x) * channels + c]!;

/** Red, green and blue of each pixel anew; alpha stays. */
function recolored(image: Image, change: (r: number, g: number, b: number) => readonly number[]): Image {
  const data = image.data.slice();
  for (let i = 0; i < data.length; i += image.channels) {
    data.set(change(image.data[i]!, image.data[i + 1]!, image.data[i + 2]!), i);
  }
  return { ...image, data };
}

/** Equal to the last bit; `toEqual` takes its time with large arrays. */
function expectSame(actual: AnyImage, expected: AnyImage): void {
  const shape = ({ width, height, channels, data }: AnyImage) => [width, height, channels, data.length];
  expect(shape(actual)).toEqual(shape(expected));
  const differing = expected.data.findIndex((value, i) => value !== actual.data[i]);
  if (differing >= 0) expect([differing, actual.data[differing]]).toEqual([differing, expected.data[differing]]);
}

const greyOf = (r: number, g: number, b: number) => (19595 * r + 38470 * g + 7471 * b + 32768) >> 16;

describe('resampling', () => {
  /** In whole numbers with 22 bits after the point, clamped after each pass. */
  function resized(image: Image, width: number, height: number, area: boolean): Image {
    const along = (from: number, to: number, position: number, valueAt: (i: number) => number) => {
      if (from === to) return valueAt(position);
      const { first, weights, taps } = axisOf(from, to, area);
      let sum = 2 ** 21;
      for (let k = 0; k < taps; k++) {
        const weight = Math.trunc(weights[position * taps + k]! * 2 ** 22 + 0.5);
        sum += weight * valueAt(first[position]! + k);
      }
      return Math.min(255, Math.floor(sum / 2 ** 22));
    };
    const wide = plainly({ ...image, width }, (x, y, c) => along(image.width, width, x, (i) => at(image, i, y, c)));
    return plainly({ ...wide, height }, (x, y, c) => along(image.height, height, y, (i) => at(wide, x, i, c)));
  }

  it('weighs neighbours as said, along rows and then along columns', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(1, 3, 5),
        side,
        side,
        fc.boolean(),
        side,
        side,
        (channels, width, height, area, w, h) => {
          const image = noise(w, h, channels, 7 * w + h);
          fc.pre(width !== w || height !== h);
          const box = { top: 0, left: 0, width: w, height: h };
          const actual = resample(image, box, { width, height }, area ? 'area' : 'bilinear');
          expectSame(actual, resized(image, width, height, area));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('takes a part for itself, also of a picture that is copied in portions', () => {
    const image = noise(901, 300, 3, 5);
    const box = { top: 2, left: 3, width: 890, height: 297 };
    const part = plainly({ width: 890, height: 297, channels: 3 }, (x, y, c) => at(image, x + 3, y + 2, c));
    const whole = { top: 0, left: 0, width: 890, height: 297 };
    for (const size of [
      { width: 50, height: 40 },
      { width: 890, height: 11 },
      { width: 13, height: 297 },
    ]) {
      expectSame(resample(image, box, size, 'bilinear'), resample(part, whole, size, 'bilinear'));
    }
  });
});

describe('colours', () => {
  const adjusted = (image: Image, ...adjustments: Adjustment[]) => adjust(image, adjustments) as Image;

  it('luma is as said', () => {
    fc.assert(
      fc.property(pictures(anyColored), (image) => {
        const expected = plainly({ ...image, channels: 1 }, (x, y) =>
          greyOf(at(image, x, y, 0), at(image, x, y, 1), at(image, x, y, 2)),
        );
        expectSame({ ...expected, data: luma(image) as Uint8ClampedArray }, expected);
      }),
    );
  });

  it('contrast is from the mean of all greys', () => {
    fc.assert(
      fc.property(pictures(anyChannels), fc.double({ min: 0, max: 3, noNaN: true }), (image, factor) => {
        fc.pre(factor !== 1);
        const greys = luma(image) as Uint8ClampedArray;
        const mean = Math.floor(greys.reduce((sum, grey) => sum + grey, 0) / greys.length + 0.5);
        const colors = image.channels === 2 || image.channels === 4 ? image.channels - 1 : image.channels;
        const expected = plainly(image, (x, y, c) => {
          const level = at(image, x, y, c);
          return c < colors ? Math.trunc(fround(mean + fround(fround(factor) * (level - mean)))) : level;
        });
        expectSame(adjusted(image, ['contrast', factor]), expected);
      }),
    );
  });

  it('greys of more pixels than a sum of 32 bits holds', () => {
    const white = { data: new Uint8ClampedArray(3 * 3000 * 3000).fill(255), width: 3000, height: 3000, channels: 3 };
    const { data } = adjusted(white, ['contrast', 0]);
    expect([data[0], data.at(-1)]).toEqual([255, 255]);
  });

  it('saturation is in single precision', () => {
    fc.assert(
      fc.property(pictures(anyColored), fc.double({ min: 0, max: 300, noNaN: true }), (image, factor) => {
        fc.pre(factor !== 1);
        const f = fround(factor);
        const expected = recolored(image, (...colors) => {
          const grey = greyOf(...colors);
          return colors.map((color) => Math.trunc(fround(grey + fround(f * (color - grey)))));
        });
        expectSame(adjusted(image, ['saturation', factor]), expected);
      }),
    );
  });

  it("hue goes through Pillow's HSV", () => {
    fc.assert(
      fc.property(pictures(anyColored), fc.double({ min: -0.5, max: 0.5, noNaN: true }), (image, turns) => {
        const shift = Math.trunc(turns * 255);
        expectSame(
          adjusted(image, ['hue', turns]),
          recolored(image, (r, g, b) => turned(r, g, b, shift)),
        );
      }),
    );
  });

  it('hue: every hue and chroma, where a rounding decides', { timeout: 60_000 }, () => {
    for (const channel of [0, 1, 2]) {
      const all = plainly({ width: 256, height: 256, channels: 3 }, (x, y, c) =>
        c === channel ? 255 : c === (channel + 1) % 3 ? x : y,
      );
      for (const turns of [0, 0.1]) {
        const shift = Math.trunc(turns * 255);
        expectSame(
          adjusted(all, ['hue', turns]),
          recolored(all, (r, g, b) => turned(r, g, b, shift)),
        );
      }
    }
  });

  /** Pillow's `rgb2hsv` and `hsv2rgb` (`Convert.c`) with its floats and doubles. */
  function turned(r: number, g: number, b: number, shift: number): readonly number[] {
    const v = Math.max(r, g, b);
    const low = Math.min(r, g, b);
    if (v === low) return [v, v, v];
    const chroma = v - low;
    const [rc, gc, bc] = [r, g, b].map((color) => fround((v - color) / chroma)) as [number, number, number];
    const sextants = r === v ? fround(bc - gc) : g === v ? fround(2 + rc - bc) : fround(4 + gc - rc);
    const place = fround((sextants / 6 + 1) % 1);
    const h = (Math.trunc(place * 255) + shift) & 255;
    const s = Math.trunc(fround(chroma / v) * 255);
    const sextant = Math.floor((h * 6) / 255);
    const f = fround((h * 6) / 255 - sextant);
    const fs = fround(s / 255);
    const [p, q, t] = [1 - fs, 1 - fs * f, 1 - fs * (1 - f)].map((part) => Math.floor(v * part + 0.5));
    return [
      [v, t!, p!],
      [q!, v, p!],
      [p!, v, t!],
      [p!, q!, v],
      [t!, p!, v],
      [v, p!, q!],
    ][sextant % 6]!;
  }
});

describe('levels', () => {
  it('each channel has a table of its own, those without one stay', () => {
    fc.assert(
      fc.property(pictures(anyChannels), fc.integer({ min: 1, max: 5 }), (image, count) => {
        const tables = Array.from({ length: Math.min(count, image.channels) }, (_, c) =>
          Uint8ClampedArray.from({ length: 256 }, (__, level) => (level * (2 * c + 3) + c) & 255),
        );
        const expected = plainly(image, (x, y, c) => tables[c]?.[at(image, x, y, c)] ?? at(image, x, y, c));
        expectSame(mapChannels(image, tables), expected);
      }),
    );
  });

  it('normalize computes in single precision', () => {
    fc.assert(
      fc.property(pictures(anyChannels), (image) => {
        const means = [0.485, 0.456, 0.406, 0.5, 0.1].slice(0, image.channels);
        const stds = [0.229, 0.224, 0.225, 0.5, 3].slice(0, image.channels);
        const data = Float32Array.from(image.data, (level, i) => {
          const c = i % image.channels;
          return fround(fround(fround(level / 255) - fround(means[c]!)) / fround(stds[c]!));
        });
        expectSame(normalize({ mean: means, std: stds }).apply(image, {}), { ...image, data } as FloatImage);
      }),
    );
  });
});

describe('places', () => {
  it('a mirrored row begins with its last pixel, of any number of channels', () => {
    fc.assert(
      fc.property(pictures(fc.integer({ min: 1, max: 18 })), (image) => {
        expectSame(
          flipHorizontally(image),
          plainly(image, (x, y, c) => at(image, image.width - 1 - x, y, c)),
        );
      }),
    );
  });

  const number = fc.double({ min: -1.5, max: 1.5, noNaN: true });
  const shift = fc.double({ min: -20, max: 40, noNaN: true });
  const matrices = fc.tuple(number, number, shift, number, number, shift) as fc.Arbitrary<AffineMatrix>;

  it('nearest of an affine map adds up steps of 65536ths', () => {
    fc.assert(
      fc.property(pictures(anyChannels), matrices, side, side, (image, matrix, width, height) => {
        const [a, b, c, d, e, f] = matrix;
        fc.pre(b !== 0 || d !== 0);
        const fixed = (value: number) => Math.floor(value * 65536 + 0.5);
        const expected = plainly({ ...image, width, height }, (x, y, channel) => {
          const u = (fixed(c + a / 2 + b / 2) + y * fixed(b) + x * fixed(a)) >> 16;
          const v = (fixed(f + d / 2 + e / 2) + y * fixed(e) + x * fixed(d)) >> 16;
          const inside = u >= 0 && u < image.width && v >= 0 && v < image.height;
          return inside ? at(image, u, v, channel) : 77;
        });
        const options = { interpolation: 'nearest', fill: 77, width, height } as const;
        expectSame(warpAffine(image, matrix, options), expected);
      }),
    );
  });

  it.each(['nearest', 'bilinear'] as const)('%s of any map', (interpolation) => {
    fc.assert(
      fc.property(pictures(fc.constantFrom(1, 3, 5)), matrices, (image, [a, b, c, d, e, f]) => {
        const placeOf = (x: number, y: number) => [a * x + b * y * y + c, d * x * x + e * y + f] as const;
        const expected = plainly(image, (x, y, channel) => {
          const [u, v] = placeOf(x, y);
          if (!(u >= 0 && u < image.width && v >= 0 && v < image.height)) return 5;
          if (interpolation === 'nearest') return at(image, Math.floor(u), Math.floor(v), channel);
          const inside = (i: number, size: number) => Math.min(size - 1, Math.max(0, i));
          const [left, top] = [Math.floor(u - 0.5), Math.floor(v - 0.5)];
          const [dx, dy] = [u - 0.5 - left, v - 0.5 - top];
          const along = (row: number) => {
            const [from, to] = [left, left + 1].map((i) =>
              at(image, inside(i, image.width), inside(row, image.height), channel),
            );
            return from! + (to! - from!) * dx;
          };
          const above = along(top);
          return Math.trunc(above + (along(top + 1) - above) * dy);
        });
        const actual = warp(image, { interpolation, fill: 5 }, (y, xs, ys) => {
          for (let x = 0; x < xs.length; x++) [xs[x], ys[x]] = placeOf(x, y) as [number, number];
        });
        expectSame(actual, expected);
      }),
    );
  });
});

describe('the memory of the kernels', () => {
  it('is used again, but not what a large picture left', () => {
    const small = new Workspace();
    small.room(1000);
    const next = new Workspace();
    expect(next.kernels).toBe(small.kernels);
    expect(next.room(1)).toBe(new Workspace().room(1));
    next.room(2 ** 27);
    expect(new Workspace().kernels).not.toBe(next.kernels);
  });

  it('ends at 4 GB', () => {
    expect(() => new Workspace().room(2 ** 33)).toThrow(expect.objectContaining({ code: 'picture-too-large' }));
  });
});

describe('without WebAssembly', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.resetModules();
  });

  it('says what to allow', async () => {
    vi.resetModules();
    vi.stubGlobal('WebAssembly', undefined);
    const { randomInvert } = await import('../src/index.js');
    const invert = () => randomInvert({ p: 1 }).apply(drawing(3, 2), {});
    expect(invert).toThrow(expect.objectContaining({ code: 'no-webassembly' }));
    expect(invert).toThrow(/wasm-unsafe-eval/);
  });
});
