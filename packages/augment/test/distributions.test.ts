import { Rng } from '@proj/core';
import { describe, expect, it } from 'vitest';
import { betaVariate, dirichletVariate, gammaVariate } from '../src/distributions.js';
import * as augment from '../src/index.js';
import { poisson } from '../src/transforms/noise.js';
import { drawing } from './drawing.js';
import { policies, spaces } from './goldens.js';

const image = drawing(29, 23);
const COUNT = 4000;

function draws<P>(transform: augment.Transform<P>, shape: augment.Shape = image): NonNullable<P>[] {
  const rng = new Rng(11);
  return Array.from({ length: COUNT }, () => transform.sample(rng, shape)).filter(
    (params) => params !== null,
  ) as NonNullable<P>[];
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Greatest distance of the empirical distribution from `cdf`: above this one time in ten thousand (Kolmogorov). */
function expectDistribution(values: readonly number[], cdf: (value: number) => number): void {
  const sorted = [...values].sort((a, b) => a - b);
  const distance = Math.max(...sorted.map((value, i) => Math.abs(cdf(value) - (i + 0.5) / sorted.length)));
  expect(distance).toBeLessThan(2.23 / Math.sqrt(values.length));
}

const uniform = (low: number, high: number) => (value: number) =>
  Math.min(1, Math.max(0, (value - low) / (high - low)));

describe('parameters as torchvision draws them', () => {
  it('angles, shifts, scales and shears are even', () => {
    expectDistribution(
      draws(augment.randomRotation({ degrees: 15 })).map(({ angle }) => angle),
      uniform(-15, 15),
    );
    const affine = draws(
      augment.randomAffine({ degrees: [-20, 5], translate: [0.2, 0.1], scale: [0.5, 2], shear: [-4, 4, 1, 3] }),
    );
    expectDistribution(
      affine.map(({ angle }) => angle),
      uniform(-20, 5),
    );
    expectDistribution(
      affine.map(({ scale }) => scale),
      uniform(0.5, 2),
    );
    expectDistribution(
      affine.map(({ shear }) => shear[0]),
      uniform(-4, 4),
    );
    expectDistribution(
      affine.map(({ shear }) => shear[1]),
      uniform(1, 3),
    );
    const shifts = affine.map(({ translate }) => translate);
    expect(Math.max(...shifts.map(([x]) => x))).toBe(6); // round(0.2 x 29)
    expect(Math.min(...shifts.map(([, y]) => y))).toBe(-2); // round(0.1 x 23)
    expect(shifts.flat().every(Number.isInteger)).toBe(true);
    expect(Math.abs(mean(shifts.map(([x]) => x)))).toBeLessThan(0.3);
  });

  it('colour factors are even within max(0, 1 - x)..1 + x and -h..h, orders are drawn', () => {
    const jitters = draws(augment.colorJitter({ brightness: 0.3, contrast: 2, saturation: [0.5, 0.7], hue: 0.1 }));
    const of = (name: string) => jitters.map(({ steps }) => steps.find(([property]) => property === name)![1]);
    expectDistribution(of('brightness'), uniform(0.7, 1.3));
    expectDistribution(of('contrast'), uniform(0, 3));
    expectDistribution(of('saturation'), uniform(0.5, 0.7));
    expectDistribution(of('hue'), uniform(-0.1, 0.1));
    expect(new Set(jitters.map(({ steps }) => steps.map(([name]) => name).join())).size).toBe(24);
    expect(augment.colorJitter().sample(new Rng(1), image)).toEqual({ steps: [] });
  });

  it('a random resized crop has an even area and a log-even ratio', () => {
    const large = { width: 4000, height: 4000, channels: 3 };
    const boxes = draws(augment.randomResizedCrop({ size: 9, scale: [0.1, 0.5] }), large);
    expectDistribution(
      boxes.map(({ width, height }) => (width * height) / 16e6),
      uniform(0.1, 0.5),
    );
    const logs = boxes.map(({ width, height }) => Math.log(width / height));
    expectDistribution(logs, uniform(Math.log(3 / 4), Math.log(4 / 3)));
    for (const { top, left, width, height } of draws(augment.randomResizedCrop({ size: 9 }))) {
      expect(top >= 0 && left >= 0 && left + width <= 29 && top + height <= 23).toBe(true);
    }
    // What never fits ends in the middle, with the nearest ratio that is allowed.
    const never = augment.randomResizedCrop({ size: 9, scale: 1, ratio: [0.5, 0.5] }).sample(new Rng(1), image);
    expect(never).toEqual({ top: 0, left: 8, width: 12, height: 23 });
  });

  it('a random crop is anywhere in the padded picture', () => {
    const boxes = draws(augment.randomCrop({ size: 32, padding: 4 }), drawing(32, 32));
    for (const side of ['top', 'left'] as const) {
      const places = boxes.map((box) => box[side]);
      expect([Math.min(...places), Math.max(...places)]).toEqual([-4, 4]);
      expect(new Set(places).size).toBe(9);
      expect(Math.abs(mean(places))).toBeLessThan(0.2);
    }
    const needed = augment.randomCrop({ size: 31, padIfNeeded: true }).sample(new Rng(2), image);
    expect(needed.left).toBeGreaterThanOrEqual(-2);
    expect(needed.top).toBeGreaterThanOrEqual(-8);
  });

  it('corners move inwards by half of half a side', () => {
    const corners = draws(augment.randomPerspective({ distortionScale: 0.5, p: 1 })).map(({ endpoints }) => endpoints);
    const range = (values: number[]) => [Math.min(...values), Math.max(...values)];
    expect(range(corners.map(([[x]]) => x))).toEqual([0, 7]);
    expect(range(corners.map(([[, y]]) => y))).toEqual([0, 5]);
    expect(range(corners.map(([, [x]]) => x))).toEqual([21, 28]);
    expect(range(corners.map(([, , [, y]]) => y))).toEqual([17, 22]);
  });

  it('an erased part has an even area, and is smaller than the picture', () => {
    const large = { width: 4000, height: 4000, channels: 3 };
    const boxes = draws(augment.randomErasing({ p: 1, ratio: [0.5, 2] }), large).map(({ box }) => box!);
    expectDistribution(
      boxes.map(({ width, height }) => (width * height) / 16e6),
      uniform(0.02, 0.33),
    );
    expectDistribution(
      boxes.map(({ width, height }) => Math.log(height / width)),
      uniform(-Math.log(2), Math.log(2)),
    );
  });

  it('probabilities hold', () => {
    for (const p of [0, 0.25, 1]) {
      expect(draws(augment.randomHorizontalFlip({ p })).length / COUNT).toBeCloseTo(p, 1);
      expect(draws(augment.randomErasing({ p })).length / COUNT).toBeCloseTo(p, 1);
    }
  });
});

describe('policies', () => {
  const signed = (scale: { magnitudes: number[]; signed: boolean }, bins?: number[]) => {
    const chosen = bins === undefined ? scale.magnitudes : bins.map((bin) => scale.magnitudes[bin] ?? 0);
    return new Set(chosen.flatMap((m) => (scale.signed && m !== 0 ? [m, -m] : [m])).map((m) => m.toFixed(4)));
  };

  it.each([
    ['randAugment', augment.randAugment({}), [9]],
    ['trivialAugmentWide', augment.trivialAugmentWide({}), undefined],
    ['augMix', augment.augMix({}), [0, 1, 2]],
  ] as const)("%s draws torchvision's operations at its magnitudes", (name, transform, bins) => {
    const space = spaces[name] as Record<string, { magnitudes: number[]; signed: boolean }>;
    const seen = new Map<string, Set<string>>();
    for (const params of draws(transform as augment.Transform)) {
      const all =
        name === 'augMix'
          ? (params as augment.AugMixParams).chains.flatMap(({ operations }) => operations)
          : (params as augment.OperationsParams).operations;
      for (const { operation, magnitude } of all) {
        seen.set(operation, (seen.get(operation) ?? new Set()).add(magnitude.toFixed(4)));
      }
    }
    expect([...seen.keys()].sort()).toEqual(Object.keys(space).sort());
    for (const [operation, scale] of Object.entries(space)) {
      const allowed = scale.magnitudes.length === 1 ? new Set(['0.0000']) : signed(scale, bins && [...bins]);
      for (const magnitude of seen.get(operation)!) expect(allowed, operation).toContain(magnitude);
      expect(seen.get(operation)!.size, operation).toBeGreaterThan(0.9 * allowed.size);
    }
  });

  it.each(['imagenet', 'cifar10'] as const)("autoAugment draws torchvision's %s policy", (policy) => {
    const space = spaces.autoAugment as Record<string, { magnitudes: number[]; signed: boolean }>;
    const wanted = new Set<string>();
    for (const pair of policies[policy]) {
      const [first, second] = pair.map(([operation, p, bin]) => {
        const scale = space[operation as string]!;
        const some = bin === null ? ['0.0000'] : [...signed(scale, [bin as number])];
        return [...((p as number) < 1 ? [''] : []), ...((p as number) > 0 ? some.map((m) => `${operation} ${m}`) : [])];
      });
      for (const a of first!) for (const b of second!) wanted.add([a, b].filter((each) => each !== '').join());
    }
    const seen = new Set(
      draws(augment.autoAugment({ policy })).map(({ operations }) =>
        operations.map(({ operation, magnitude }) => `${operation} ${magnitude.toFixed(4)}`).join(),
      ),
    );
    for (const each of seen) expect(wanted).toContain(each);
    expect(seen.size).toBeGreaterThan(0.85 * wanted.size); // some are rare
  });
});

describe('random numbers', () => {
  const rng = new Rng(5);
  const many = <T>(draw: () => T) => Array.from({ length: 5 * COUNT }, draw);
  const variance = (values: readonly number[]) => {
    const middle = mean(values);
    return mean(values.map((value) => (value - middle) ** 2));
  };

  it.each([0.3, 1, 4.5])('gamma of shape %d has its mean and variance', (shape) => {
    const values = Array.from({ length: COUNT }, () => gammaVariate(rng, shape));
    expect(Math.abs(mean(values) - shape)).toBeLessThan(0.12 * shape);
    expect(Math.abs(variance(values) - shape)).toBeLessThan(0.25 * shape);
    if (shape === 1) expectDistribution(values, (value) => 1 - Math.exp(-value));
  });

  it('beta of 1 is even, of 2 a parabola, of 0.5 an arc sine', () => {
    expectDistribution(
      many(() => betaVariate(rng, 1)),
      uniform(0, 1),
    );
    expectDistribution(
      many(() => betaVariate(rng, 2)),
      (x) => x * x * (3 - 2 * x),
    );
    expectDistribution(
      many(() => betaVariate(rng, 0.5)),
      (x) => (2 / Math.PI) * Math.asin(Math.sqrt(x)),
    );
    expect([0, 1]).toContain(betaVariate(rng, 1e-300));
  });

  it('Dirichlet shares add up to 1', () => {
    for (let i = 0; i < 50; i++) {
      expect(dirichletVariate(rng, [1, 2, 0.1]).reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12);
    }
  });

  it.each([0.5, 7, 90])('Poisson of %d has it as mean and variance', (lambda) => {
    const values = Array.from({ length: COUNT }, () => poisson(rng, lambda));
    expect(Math.abs(mean(values) - lambda)).toBeLessThan(0.08 * lambda + 0.02);
    const spread = mean(values.map((value) => (value - lambda) ** 2));
    expect(Math.abs(spread - lambda)).toBeLessThan(0.15 * lambda);
  });
});

describe('noise', () => {
  const grey = { ...drawing(100, 100), data: new Uint8ClampedArray(30_000).fill(128) };
  const apply = (json: augment.TransformJson, picture: augment.AnyImage = grey) =>
    augment.run(augment.fromJSON(json), picture, new Rng(4)).image;

  it('gaussianNoise has its deviation, in bytes and in real numbers', () => {
    const bytes = [...apply({ name: 'gaussianNoise', sigma: 0.05, mean: 0.1 }).data];
    expect(mean(bytes)).toBeCloseTo(128 + 25.5, 0);
    expect(Math.sqrt(mean(bytes.map((value) => (value - 153.5) ** 2)))).toBeCloseTo(12.75, 0);
    const floats = [...apply({ name: 'gaussianNoise', sigma: 2, clip: false }, augment.toFloat(grey)).data];
    expect(Math.sqrt(mean(floats.map((value) => (value - 128 / 255) ** 2)))).toBeCloseTo(2, 1);
    const clipped = apply({ name: 'gaussianNoise', sigma: 2 }, augment.toFloat(grey)).data;
    expect(clipped.every((value) => value >= 0 && value <= 1)).toBe(true);
  });

  it('saltAndPepper hits whole pixels as often as it says', () => {
    const { data } = apply({ name: 'saltAndPepper', amount: 0.2, saltVsPepper: 0.75 });
    const pixels = Array.from({ length: 10_000 }, (_, i) => [...data.subarray(3 * i, 3 * i + 3)].join());
    const share = (colour: string) => pixels.filter((pixel) => pixel === colour).length / pixels.length;
    expect(share('255,255,255')).toBeCloseTo(0.15, 1);
    expect(share('0,0,0')).toBeCloseTo(0.05, 1);
    expect(share('255,255,255') + share('0,0,0') + share('128,128,128')).toBe(1);
  });

  it('isoNoise lightens, turns hues a little, and leaves black and white pictures without hue', () => {
    const picture = drawing(60, 50);
    const noisy = apply({ name: 'isoNoise', colorShift: 0.05, intensity: 0.5 }, picture).data;
    expect(mean([...noisy])).toBeGreaterThan(mean([...picture.data]));
    const unicolor = drawing(60, 50, 1);
    const asRgb = augment.grayscale({ numOutputChannels: 3 }).apply(unicolor, {});
    const { data } = apply({ name: 'isoNoise' }, asRgb);
    for (let i = 0; i < data.length; i += 3) expect(data[i] === data[i + 1] && data[i] === data[i + 2]).toBe(true);
    expect(apply({ name: 'isoNoise', intensity: 0 }, unicolor).data).toEqual(unicolor.data);
  });

  it('cutout has its area, less what lies outside', () => {
    const white = { ...grey, data: new Uint8ClampedArray(30_000).fill(255) };
    const areas = Array.from({ length: 200 }, (_, seed) => {
      const { data } = augment.run(augment.cutout({ size: [20, 10] }), white, new Rng(seed)).image;
      return data.filter((value) => value === 0).length / 3;
    });
    expect(Math.max(...areas)).toBe(200);
    expect(mean(areas)).toBeGreaterThan(180);
    expect(Math.min(...areas)).toBeLessThan(200);
  });

  it('elasticTransform moves by the smoothness and strength it says, without a jump', () => {
    const ramp = augment.toFloat({ width: 64, height: 64, channels: 1, data: new Uint8ClampedArray(4096) });
    for (let i = 0; i < 4096; i++) ramp.data[i] = i % 64; // a pixel's column
    const { data } = apply({ name: 'elasticTransform', alpha: 50, sigma: 5 }, ramp);
    const moved = Array.from(data, (value, i) => value - (i % 64)).filter(
      (_, i) => i % 64 > 4 && i % 64 < 60 && i > 4 * 64 && i < 60 * 64, // the rest may come from outside
    );
    // Noise of deviation 1/sqrt(3) smoothed by a 2-D Gaussian keeps 1 / (2 sigma sqrt(pi)) of it.
    const deviation = (25 / Math.sqrt(3)) * (1 / (2 * 5 * Math.sqrt(Math.PI)));
    expect(Math.sqrt(mean(moved.map((value) => value * value)))).toBeGreaterThan(0.4 * deviation);
    expect(Math.sqrt(mean(moved.map((value) => value * value)))).toBeLessThan(2.5 * deviation);
  });
});
