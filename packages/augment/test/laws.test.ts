import { type Image, isProjError, Rng } from '@proj/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as augment from '../src/index.js';
import {
  type AnyImage,
  centerCrop,
  compose,
  fromJSON,
  normalize,
  oneOf,
  padToSquare,
  pipeline,
  randomApply,
  randomCrop,
  randomHorizontalFlip,
  randomOrder,
  randomPerspective,
  randomRotation,
  randomVerticalFlip,
  resize,
  run,
  seeded,
  someOf,
  standardize,
  type Transform,
  type TransformJson,
  toBytes,
  toFloat,
  transformNames,
} from '../src/index.js';
import { drawing } from './drawing.js';
import { samples } from './samples.js';

const same = (a: AnyImage, b: AnyImage) =>
  a.width === b.width && a.height === b.height && a.channels === b.channels && a.data.every((v, k) => v === b.data[k]);

const roundTrip = <T>(value: T): T => JSON.parse(JSON.stringify(value));

it('the samples are of every transform', () => {
  expect(samples.map(({ name }) => name).sort()).toEqual([...transformNames].sort());
});

describe.each(samples)('$name', (json) => {
  const arbitrary = fc.record({
    seed: fc.integer(),
    width: fc.integer({ min: 8, max: 24 }),
    height: fc.integer({ min: 8, max: 24 }),
    channels: fc.constantFrom(1, 2, 3, 4),
    floats: fc.boolean(),
  });

  it('is the same pipeline after JSON; recorded parameters replay; the input stays; shapes are foretold', () => {
    const transform = fromJSON(json);
    const again = fromJSON(roundTrip(transform.toJSON()));
    fc.assert(
      fc.property(arbitrary, ({ seed, width, height, channels, floats }) => {
        const bytes = drawing(width, height, channels);
        const image = floats ? toFloat(bytes) : bytes;
        const before = image.data.slice();
        const { image: result, params } = run(transform, image, new Rng(seed));
        expect(params).toEqual(roundTrip(params));
        expect(again.sample(new Rng(seed), { width, height, channels })).toEqual(params);
        expect(same(again.apply(image, roundTrip(params)), result)).toBe(true);
        expect(image.data.every((value, k) => value === before[k])).toBe(true);
        const shape = transform.outputShape(image, params);
        expect([shape.width, shape.height, shape.channels]).toEqual([result.width, result.height, result.channels]);
        expect(result.data.length).toBe(result.width * result.height * result.channels);
        expect(result.data.every((value) => Number.isFinite(value))).toBe(true);
        const real = floats || ['normalize', 'standardize'].includes(json.name);
        expect(result.data).toBeInstanceOf(real ? Float32Array : Uint8ClampedArray);
      }),
      { numRuns: 12 },
    );
  });

  it('leaves alpha to itself unless it moves pixels', () => {
    const moving =
      /^(pad|resize|centerCrop|randomCrop|randomResized|random(Horizontal|Vertical)Flip|randomRotation|randomAffine|randomPersp|elastic|grid|gaussianBlur|motionBlur|cutout|randomErasing|normalize|standardize|compose|randomOrder|oneOf|someOf|randAug|trivial|auto|augMix|grayscale)/;
    if (moving.test(json.name)) return;
    const image = drawing(11, 9, 4);
    for (let seed = 0; seed < 5; seed++) {
      const { data } = run(fromJSON(json), image, new Rng(seed)).image;
      for (let i = 3; i < data.length; i += 4) expect(data[i]).toBe(image.data[i]);
    }
  });
});

describe('geometry', () => {
  const always = (transform: Transform, image: AnyImage) => run(transform, image, new Rng(1)).image;

  it.each([1, 2, 3, 4, 5])('flips twice are the identity (%i channels)', (channels) => {
    const image = drawing(13, 7, channels);
    for (const flip of [randomHorizontalFlip({ p: 1 }), randomVerticalFlip({ p: 1 })]) {
      expect(same(always(flip, image), image)).toBe(false);
      expect(same(always(flip, always(flip, image)), image)).toBe(true);
    }
  });

  it.each([1, 2, 3, 4])('four quarter turns are the identity (%i channels)', (channels) => {
    for (const interpolation of ['nearest', 'bilinear'] as const) {
      const quarter = randomRotation({ degrees: [90, 90], expand: true, interpolation });
      const half = randomRotation({ degrees: [180, 180], interpolation });
      let image: AnyImage = drawing(12, 7, channels);
      for (let turn = 0; turn < 4; turn++) image = always(quarter, image);
      expect(same(image, drawing(12, 7, channels))).toBe(true);
      expect(same(always(half, always(half, image)), image)).toBe(true);
    }
  });

  it('perspective finds a way for pictures of every size', () => {
    const transform = randomPerspective({ p: 1, distortionScale: 1 });
    for (const [width, height] of [
      [1, 1],
      [1, 9],
      [9, 1],
      [2, 2],
      [4, 4],
      [32, 32],
    ] as const) {
      const image = drawing(width, height, 3);
      for (let seed = 0; seed < 500; seed++) run(transform, image, new Rng(seed));
    }
    const still = drawing(1, 9, 3);
    expect(run(transform, still, new Rng(1)).image).toBe(still);
  });

  it('pads to a square as report A prepares its captchas, all of it inside', () => {
    const image = drawing(20, 11);
    const square = always(padToSquare({}), image) as Image;
    expect([square.width, square.height]).toEqual([20, 20]);
    expect(same(always(randomCrop({ size: [11, 20] }), always(centerCrop({ size: [11, 20] }), square)), image)).toBe(
      true,
    );
    const prepared = always(compose([padToSquare(), resize({ size: 128 })]), drawing(128, 64));
    expect([prepared.width, prepared.height]).toEqual([128, 128]);
  });

  it('many channels go the ways of few', () => {
    const six = drawing(15, 12, 6);
    const three = (offset: number): Image => ({
      ...six,
      channels: 3,
      data: Uint8ClampedArray.from(
        { length: 15 * 12 * 3 },
        (_, i) => six.data[Math.floor(i / 3) * 6 + offset + (i % 3)]!,
      ),
    });
    const json: TransformJson[] = [
      { name: 'randomResizedCrop', size: [9, 17] },
      { name: 'randomRotation', degrees: 20 },
      { name: 'gaussianBlur', kernelSize: 3 },
      { name: 'randomInvert', p: 1 },
    ];
    const transform = fromJSON(json);
    const params = transform.sample(new Rng(3), six);
    const whole = transform.apply(six, params);
    for (const offset of [0, 3]) {
      const part = transform.apply(three(offset), params);
      expect(part.data.every((value, i) => value === whole.data[Math.floor(i / 3) * 6 + offset + (i % 3)])).toBe(true);
    }
    for (const name of ['hue', 'saturation', 'jpeg', 'grayscale', 'isoNoise']) {
      const options = { hue: { factor: 0.1 }, saturation: { factor: 2 }, jpeg: { quality: 50 } }[name] ?? {};
      expect(() => always(fromJSON({ name, ...options }), six)).toThrow(/unsupported-channels|needs a grey/);
    }
  });
});

describe('normalising', () => {
  it('standardize gives each channel mean 0 and deviation 1, and a plain picture 0', () => {
    const { data } = run(standardize(), drawing(30, 20), new Rng(1)).image;
    for (let c = 0; c < 3; c++) {
      const values = [...data].filter((_, i) => i % 3 === c);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
      expect(mean).toBeCloseTo(0, 4);
      expect(variance).toBeCloseTo(1, 4);
    }
    const plain = { ...drawing(4, 4), data: new Uint8ClampedArray(48).fill(77) };
    expect([...run(standardize(), plain, new Rng(1)).image.data].every((value) => Math.abs(value) < 1e-5)).toBe(true);
  });

  it('takes real numbers of 0..1 for what they are', () => {
    const image = drawing(6, 5);
    const transform = normalize(augment.imagenetStatistics);
    const [bytes, floats] = [transform.apply(image, {}), transform.apply(toFloat(image), {})];
    for (const [i, value] of bytes.data.entries()) expect(floats.data[i]).toBeCloseTo(value, 5);
    expect(same(toBytes(toFloat(image)), image)).toBe(true);
  });
});

describe('compositions', () => {
  const marks = [1, 2, 3].map((n) => fromJSON({ name: 'pad', padding: [n, 0, 0, 0] }));
  const widths = (transform: Transform, count = 300) => {
    const seen = new Map<number, number>();
    for (let seed = 0; seed < count; seed++) {
      const { width } = run(transform, drawing(8, 8, 1), new Rng(seed)).image;
      seen.set(width - 8, (seen.get(width - 8) ?? 0) + 1);
    }
    return Object.fromEntries([...seen].sort());
  };

  it('choose as often as they say', () => {
    expect(widths(compose(marks))).toEqual({ 6: 300 });
    expect(Object.keys(widths(randomApply(marks)))).toEqual(['0', '6']);
    expect(widths(randomApply(marks))[6]! / 300).toBeCloseTo(0.5, 1);
    const chosen = widths(oneOf(marks, { weights: [0, 1, 3] }), 1000);
    expect(Object.keys(chosen)).toEqual(['2', '3']);
    expect(chosen[3]! / 1000).toBeCloseTo(0.75, 1);
    expect(Object.keys(widths(someOf(marks, { n: 2 })))).toEqual(['3', '4', '5']);
    expect(Object.keys(widths(someOf(marks, { n: [0, 3] })))).toEqual(['0', '1', '2', '3', '4', '5', '6']);
    expect(Object.keys(widths(someOf(marks, { n: 2, replace: true })))).toEqual(['2', '3', '4', '5', '6']);
  });

  it('randomOrder takes all orders', () => {
    const orders = new Set<string>();
    for (let seed = 0; seed < 100; seed++) {
      const { steps } = randomOrder(marks).sample(new Rng(seed), drawing(8, 8));
      orders.add(steps.map(({ index }) => index).join(''));
    }
    expect([...orders].sort()).toEqual(['012', '021', '102', '120', '201', '210']);
  });

  it('never hands out memory that someone else still has', () => {
    const seen: AnyImage[] = [];
    const spy: Transform = {
      name: 'spy',
      sample: () => ({}),
      outputShape: (shape) => shape,
      apply: (image) => {
        seen.push(image);
        return image;
      },
      toJSON: () => ({ name: 'spy' }),
    };
    const invert = fromJSON({ name: 'randomInvert', p: 1 });
    const image = drawing(150, 110); // large enough for its memory to be used again
    const first = run(compose([invert, invert, spy, invert]), image, new Rng(1)).image;
    const copy = first.data.slice();
    for (let i = 0; i < 10; i++) run(compose([invert, invert, invert]), drawing(150, 110, 3, i), new Rng(i));
    expect(first.data.every((value, i) => value === copy[i])).toBe(true);
    expect(same(seen[0]!, image)).toBe(true);
    expect(same(image, drawing(150, 110))).toBe(true);
  });

  const nothing = fromJSON({ name: 'randomInvert', p: 0 });
  const changes = ['randomInvert', 'randomVerticalFlip'].map((name) => fromJSON({ name, p: 1 }));

  it.each([
    ['after one that does nothing', (own: Transform) => [own, nothing, ...changes]],
    ['in a composition within one', (own: Transform) => [compose([own]), ...changes]],
  ])("never takes the memory that a user's transform keeps: %s", (_, transformsWith) => {
    const kept = drawing(150, 110, 3, 5);
    const own: Transform = {
      name: 'own',
      sample: () => ({}),
      outputShape: (shape) => shape,
      apply: <I extends AnyImage>() => kept as AnyImage as I,
      toJSON: () => ({ name: 'own' }),
    };
    for (let i = 0; i < 3; i++) run(compose(transformsWith(own)), drawing(150, 110), new Rng(i));
    expect(same(kept, drawing(150, 110, 3, 5))).toBe(true);
  });
});

describe('seeds', () => {
  it('seeded draws by index alone', () => {
    const transform = fromJSON([{ name: 'randomRotation', degrees: 40 }, { name: 'gaussianNoise' }]);
    const image = drawing(16, 16);
    const [one, other] = [seeded(transform, 7), seeded(transform, 7)];
    const forwards = [0, 1, 2].map((i) => one(image, i));
    const backwards = [2, 1, 0].map((i) => other(image, i)).reverse();
    for (const [i, drawn] of forwards.entries()) expect(same(drawn.image, backwards[i]!.image)).toBe(true);
    expect(forwards[0]!.params).not.toEqual(forwards[1]!.params);
    expect(seeded(transform, 8)(image, 0).params).not.toEqual(forwards[0]!.params);
  });

  it('pipeline is what the loader calls', () => {
    const flip = pipeline([{ name: 'randomHorizontalFlip', p: 1 }]);
    const image = drawing(9, 5);
    expect(same(flip(flip(image, new Rng(1)) as Image, new Rng(1)), image)).toBe(true);
    const real = pipeline({ name: 'normalize', mean: 0.5, std: 0.5 })(image, new Rng(1));
    expect(real.data).toBeInstanceOf(Float32Array);
    expect(real.data[7]).toBeCloseTo((image.data[7]! / 255 - 0.5) / 0.5, 6);
  });
});

describe('errors', () => {
  const codeOf = (action: () => unknown) => {
    try {
      action();
    } catch (error) {
      if (isProjError(error)) return error.code;
      throw error;
    }
    return 'none';
  };

  it.each([
    [{ name: 'randomRotation', degress: 15 }, 'unknown-option'],
    [{ name: 'randomRotation' }, 'missing-option'],
    [{ name: 'randomRotation', degrees: -3 }, 'invalid-option'],
    [{ name: 'randomRotation', degrees: [9, 3] }, 'invalid-option'],
    [{ name: 'randomRotation', degrees: 'many' }, 'invalid-option'],
    [{ name: 'randomRotation', degrees: 5, fill: [1, 'x'] }, 'invalid-option'],
    [{ name: 'randomHorizontalFlip', p: 2 }, 'invalid-option'],
    [{ name: 'resize', size: 0 }, 'invalid-option'],
    [{ name: 'resize', size: 5, interpolation: 'bicubic' }, 'invalid-option'],
    [{ name: 'gaussianBlur', kernelSize: 4 }, 'invalid-option'],
    [{ name: 'gaussianBlur', kernelSize: null }, 'invalid-option'],
    [{ name: 'gaussianBlur', kernelSize: [3, 3, 3] }, 'invalid-option'],
    [{ name: 'randomAffine', degrees: 5, translate: 0.1 }, 'invalid-option'],
    [{ name: 'randomAffine', degrees: 5, translate: [0.1] }, 'invalid-option'],
    [{ name: 'jpeg', quality: 101 }, 'invalid-option'],
    [{ name: 'normalize', mean: 0, std: 0 }, 'invalid-option'],
    [{ name: 'hue', factor: 0.7 }, 'invalid-option'],
    [{ name: 'randAugment', magnitude: 31 }, 'invalid-option'],
    [{ name: 'oneOf', transforms: [] }, 'invalid-option'],
    [{ name: 'oneOf', transforms: [{ name: 'randomInvert' }], weights: 1 }, 'invalid-option'],
    [{ name: 'someOf', transforms: [{ name: 'randomInvert' }], n: 2 }, 'invalid-option'],
    [{ name: 'compose' }, 'invalid-pipeline'],
    [{ name: 'randomInvert', transforms: [] }, 'unknown-option'],
    [{ name: 'toString' }, 'unknown-transform'],
    [{ name: 'rotate' }, 'unknown-transform'],
    [{}, 'invalid-pipeline'],
    [null, 'invalid-pipeline'],
    ['randomInvert', 'invalid-pipeline'],
  ])('%j: %s', (json, code) => {
    expect(codeOf(() => fromJSON(json as TransformJson))).toBe(code);
  });

  it('names pictures and parameters that cannot be', () => {
    const image = drawing(8, 8);
    const invert = fromJSON({ name: 'randomInvert', p: 1 });
    expect(codeOf(() => invert.apply({ ...image, width: 9 }, {}))).toBe('invalid-image');
    expect(codeOf(() => invert.apply(image, 'x'))).toBe('invalid-params');
    expect(codeOf(() => run(randomCrop({ size: 9 }), image, new Rng(1)))).toBe('picture-too-small');
    expect(codeOf(() => fromJSON({ name: 'pad', padding: 1, fill: [1, 2] }).apply(image, {}))).toBe('invalid-fill');
    expect(codeOf(() => normalize({ mean: [0, 0], std: 1 }).apply(image, {}))).toBe('invalid-fill');
    const crop = fromJSON({ name: 'randomResizedCrop', size: 4 });
    expect(codeOf(() => crop.apply(image, { top: 3, left: 3, width: 8, height: 2 }))).toBe('invalid-params');
    expect(codeOf(() => compose([invert]).apply(image, { steps: [{ index: 4, params: {} }] }))).toBe('invalid-params');
    expect(codeOf(() => compose(['randomInvert'] as never))).toBe('invalid-pipeline');
  });
});
