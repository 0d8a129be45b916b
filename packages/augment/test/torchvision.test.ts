import { describe, expect, it } from 'vitest';
import { type AnyImage, type Drawing, type ElasticParams, fromJSON, toFloat, transformNames } from '../src/index.js';
import { type WarpOptions, warp } from '../src/kernels/warp.js';
import { displacement, elasticMoves } from '../src/transforms/distortion.js';
import { type Case, cases, picture, tensor } from './goldens.js';

const byName = new Map<string, Case[]>();
for (const each of cases) byName.set(each.name, [...(byName.get(each.name) ?? []), each]);

/** Those that may differ by a level, and why; all others are equal to the last bit. */
const rounding: Record<string, string> = {
  resize: 'Pillow 13 goes vertically first for some sizes',
  randomResizedCrop: 'Pillow 13 goes vertically first for some sizes',
  randomPerspective: 'the equations are solved in another order, and interpolation truncates',
  gridDistortion: 'Pillow computes places cell by cell, and interpolation truncates',
  augMix: 'sums of floats are truncated',
};

/** No counterpart in torchvision or Pillow; `laws.test.ts` and `distributions.test.ts` see to them. */
const ownTests = [
  ...['padToSquare', 'cutout', 'standardize', 'gaussianNoise', 'isoNoise', 'saltAndPepper'],
  ...['compose', 'randomApply', 'randomOrder', 'oneOf', 'someOf'],
];

/** By how much a value may differ: where alpha is low, a level of the product with it is many levels of the colour. */
function tolerance({ name }: Case, expected: AnyImage, at: number): number {
  if (rounding[name] === undefined) return 0;
  const alpha = expected.channels === 4 ? expected.data[at - (at % 4) + 3]! : 255;
  return alpha === 255 || at % 4 === 3 ? 1 : 1 + 2 * Math.ceil(255 / Math.max(1, alpha));
}

function compare(golden: Case, actual: AnyImage): { differing: number; beyond: number } {
  const expected = picture(golden.output);
  const shape = ({ width, height, channels }: AnyImage) => [width, height, channels];
  expect(shape(actual)).toEqual(shape(expected));
  let [differing, beyond] = [0, 0];
  for (const [k, value] of expected.data.entries()) {
    const difference = Math.abs(value - actual.data[k]!);
    if (difference > 0) differing++;
    if (!(difference <= tolerance(golden, expected, k))) beyond++;
  }
  return { differing, beyond };
}

describe.each([...byName].filter(([name]) => name !== 'elasticTransform'))(
  '%s as torchvision on Pillow',
  (name, goldens) => {
    it.each(goldens)('$options, $params on $input', (golden) => {
      const transform = fromJSON({ name, ...golden.options });
      const input = picture(`input.${golden.input}`);
      const before = input.data.slice();
      const actual = transform.apply(input, golden.params);
      expect(compare(golden, actual).beyond).toBe(0);
      expect(before.every((value, k) => value === input.data[k])).toBe(true); // untouched
      expect(transform.outputShape(input, golden.params)).toEqual({
        width: actual.width,
        height: actual.height,
        channels: actual.channels,
      });
    });
  },
);

it.each(Object.keys(rounding))('%s: most values are equal all the same', (name) => {
  let [differing, all] = [0, 0];
  for (const golden of byName.get(name)!) {
    const actual = fromJSON({ name, ...golden.options }).apply(picture(`input.${golden.input}`), golden.params);
    differing += compare(golden, actual).differing;
    all += actual.data.length;
  }
  expect(differing / all).toBeLessThan(0.06);
});

/** A tensor of pairs, `[H, W, 2]`, as two planes. */
function planes(name: string): [x: Float32Array, y: Float32Array] {
  const { data } = tensor(name);
  const plane = (offset: number) => Float32Array.from({ length: data.length / 2 }, (_, i) => data[2 * i + offset]!);
  return [plane(0), plane(1)];
}

describe('elasticTransform as torchvision', () => {
  const goldens = byName.get('elasticTransform')!;

  it.each(goldens)('$options on $input, given the displacement', (golden) => {
    const input = picture(`input.${golden.input}`);
    const { width, height, channels } = input;
    const { interpolation, fill } = { fill: 0, ...golden.options } as unknown as WarpOptions;
    const [dx, dy] = planes(golden.displacement!);
    const actual = warp(input, { interpolation, fill }, displacement(input, dx, dy));
    const expected = picture(golden.output);
    let compared = 0;
    let greatest = 0;
    for (let i = 0; i < dx.length; i++) {
      const x = (i % width) + dx[i]!;
      const y = Math.floor(i / width) + dy[i]!;
      // Within a pixel of the border torchvision mixes with the fill, even twice.
      const inside = x >= 0 && x <= width - 1 && y >= 0 && y <= height - 1;
      const outside = x <= -1 || x >= width || y <= -1 || y >= height;
      if (!inside && !outside) continue;
      compared++;
      for (let c = 0; c < channels; c++) {
        const at = i * channels + c;
        greatest = Math.max(greatest, Math.abs(expected.data[at]! - actual.data[at]!));
      }
    }
    expect(greatest).toBeLessThanOrEqual(1); // it rounds where Pillow, whom we follow, truncates
    expect(compared).toBeGreaterThan(0.75 * dx.length);
  });

  it.each(goldens.filter(({ noise }) => noise !== undefined))(
    '$params: the displacement, given the noise',
    (golden) => {
      const input = picture(`input.${golden.input}`);
      const [noise, expected] = [planes(golden.noise!), planes(golden.displacement!)];
      for (const axis of [0, 1] as const) {
        const moves = elasticMoves(noise[axis], input, golden.params as ElasticParams);
        const errors = moves.map((move, i) => Math.abs(move - expected[axis][i]!));
        expect(Math.max(...errors)).toBeLessThan((golden.params as ElasticParams).alpha * 2 ** -22); // single precision
      }
    },
  );
});

it('every transform has at least five sets of parameters, its own tests, or no parameters and five pictures', () => {
  const without = [
    ...['randomHorizontalFlip', 'randomVerticalFlip', 'grayscale', 'randomGrayscale'],
    ...['randomInvert', 'randomEqualize', 'randomAutocontrast'],
  ];
  for (const name of transformNames) {
    if (ownTests.includes(name)) continue;
    const goldens = byName.get(name) ?? [];
    const sets = goldens.map(({ input, options, params }) => (without.includes(name) ? input : { options, params }));
    expect(new Set(sets.map((set) => JSON.stringify(set))).size, name).toBeGreaterThanOrEqual(5);
  }
  for (const policy of ['imagenet', 'cifar10']) {
    const goldens = byName.get('autoAugment')!.filter(({ options }) => options.policy === policy);
    expect(new Set(goldens.map(({ params }) => JSON.stringify(params))).size, policy).toBeGreaterThanOrEqual(5);
  }
});

describe('pictures of real numbers', () => {
  // What is computed on values of 0..1 is what comes out for bytes, but for the rounding of bytes on the way.
  const exempt = ['normalize', 'elasticTransform', 'randomSolarize', 'randomErasing', 'gamma', 'pad', 'colorJitter'];
  const names = [...byName.keys()].filter((name) => !exempt.includes(name));
  it.each(names)('%s agrees with bytes', (name) => {
    for (const { options, params, input } of byName.get(name)!) {
      const { fill: _, ...rest } = options;
      const transform = fromJSON({ name, ...rest });
      const bytes = picture(`input.${input}`);
      if (bytes.channels === 4) continue; // low alpha makes large differences of small ones
      const expected = transform.apply(bytes, params);
      const actual = transform.apply(toFloat(bytes), params) as Drawing<AnyImage, unknown>['image'];
      expect(actual.data).toBeInstanceOf(Float32Array);
      let far = 0;
      for (const [k, value] of expected.data.entries()) {
        if (Math.abs(255 * actual.data[k]! - value) > allowed(name, params)) far++;
      }
      expect(far / expected.data.length).toBeLessThan(0.03); // ties of nearest, single hues, steps of a posterised picture
    }
  });

  function allowed(name: string, params: unknown): number {
    // Bytes are truncated, some more than once; blending beyond multiplies that.
    const factor = (params as { factor?: number; sharpnessFactor?: number }).factor ?? 1;
    const sharpness = (params as { sharpnessFactor?: number }).sharpnessFactor ?? 1;
    if (name === 'hue') return 14; // of 256 hues
    return 2.5 * Math.max(1, factor, sharpness);
  }
});
