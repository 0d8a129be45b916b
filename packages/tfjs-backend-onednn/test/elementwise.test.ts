import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { available, expectSame, noise } from './reference.js';

const shape = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 4 });

/** Two shapes that broadcast: some dimensions of each are 1, some leading ones left out. */
const pair = shape.chain((full) =>
  fc.tuple(
    ...[0, 1].map(() =>
      fc
        .tuple(
          fc.array(fc.boolean(), { minLength: full.length, maxLength: full.length }),
          fc.integer({ min: 0, max: 2 }),
        )
        .map(([ones, drop]) => full.map((size, i) => (ones[i] ? 1 : size)).slice(Math.min(drop, full.length))),
    ),
  ),
) as fc.Arbitrary<[number[], number[]]>;

describe.skipIf(!available)('elementwise kernels agree with the plain JS backend', () => {
  type Binary = (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;
  const binary: Record<string, Binary> = {
    add: tf.add,
    sub: tf.sub,
    mul: tf.mul,
    div: tf.div,
    maximum: tf.maximum,
    minimum: tf.minimum,
    squaredDifference: tf.squaredDifference,
    mod: tf.mod,
    atan2: tf.atan2,
    prelu: tf.prelu,
    equal: tf.equal,
    notEqual: tf.notEqual,
    greater: tf.greater,
    greaterEqual: tf.greaterEqual,
    less: tf.less,
    lessEqual: tf.lessEqual,
  };
  it.each(Object.entries(binary))('%s, broadcast', async (_, op) => {
    await fc.assert(
      fc.asyncProperty(pair, ([a, b]) => expectSame(() => op(noise(a, 1), noise(b, 2)), { elementwise: true })),
      { numRuns: 12 },
    );
  });

  const integer: Record<string, Binary> = {
    add: tf.add,
    sub: tf.sub,
    mul: tf.mul,
    maximum: tf.maximum,
    minimum: tf.minimum,
    squaredDifference: tf.squaredDifference,
    floorDiv: tf.floorDiv,
    mod: tf.mod,
    equal: tf.equal,
    less: tf.less,
  };
  it.each(Object.entries(integer))('%s of int32, wrapping and division by 0 included', async (_, op) => {
    const numbers = fc.array(fc.oneof(fc.integer({ min: -9, max: 9 }), fc.integer({ min: -(2 ** 25), max: 2 ** 25 })), {
      minLength: 6,
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(numbers, numbers, (a, b) =>
        expectSame(() => op(tf.tensor1d(a, 'int32'), tf.tensor1d(b, 'int32'))),
      ),
      { numRuns: 20 },
    );
  });

  it('int32 products of more than 53 bits wrap exactly', () => {
    // The plain JS backend multiplies in double precision and loses the low bits, so it is no reference here.
    return tf.setBackend('onednn').then(() => {
      const [value] = tf.tidy(() =>
        tf
          .tensor1d([0x7fffffff], 'int32')
          .mul(tf.tensor1d([0x7fffffff], 'int32'))
          .dataSync(),
      );
      if (value !== Math.imul(0x7fffffff, 0x7fffffff)) throw new Error(`${value}`);
    });
  });

  type Unary = (x: tf.Tensor) => tf.Tensor;
  const everywhere = [
    0, -0, 1, -1, 0.5, -0.5, 1e-4, -1e-4, 1e-30, -1e-30, 6.5, -7, 40, -40, 88.5, -100, 1e10, -1e10, 1e38,
  ];
  const special = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const unary: Record<string, Unary> = {
    abs: tf.abs,
    neg: tf.neg,
    square: tf.square,
    sign: tf.sign,
    relu: tf.relu,
    relu6: tf.relu6,
    elu: tf.elu,
    selu: tf.selu,
    leakyRelu: (x) => tf.leakyRelu(x, 0.1),
    step: (x) => tf.step(x, 0.25),
    clip: (x) => tf.clipByValue(x, -0.75, 2),
    exp: tf.exp,
    expm1: tf.expm1,
    log: tf.log,
    log1p: tf.log1p,
    sigmoid: tf.sigmoid,
    tanh: tf.tanh,
    softplus: tf.softplus,
    sqrt: tf.sqrt,
    rsqrt: tf.rsqrt,
    reciprocal: tf.reciprocal,
    floor: tf.floor,
    ceil: tf.ceil,
    round: tf.round,
    erf: tf.erf,
    sin: tf.sin,
    cos: tf.cos,
    tan: tf.tan,
    asin: tf.asin,
    acos: tf.acos,
    atan: tf.atan,
    sinh: tf.sinh,
    cosh: tf.cosh,
    asinh: tf.asinh,
    acosh: tf.acosh,
    atanh: tf.atanh,
    isNaN: tf.isNaN,
    isInf: tf.isInf,
    isFinite: tf.isFinite,
    toInt: (x) => tf.cast(x, 'int32'),
    toBool: (x) => tf.cast(x, 'bool'),
  };
  // Where the plain JS backend itself cancels, overflows early or approximates coarsely, a smaller range is compared.
  const range: Record<string, (x: number) => boolean> = {
    erf: (x) => Math.abs(x) >= 0.5 || x === 0,
    elu: (x) => x >= 0 || x < -0.4,
    selu: (x) => x >= 0 || x < -0.4,
    asinh: (x) => Math.abs(x) < 1e9 && (x === 0 || Math.abs(x) > 0.1),
    softplus: (x) => x > -15,
    sin: (x) => Math.abs(x) < 1e9,
    cos: (x) => Math.abs(x) < 1e9,
    tan: (x) => Math.abs(x) < 1e9,
    sinh: (x) => Math.abs(x) < 88 && (x === 0 || Math.abs(x) > 0.1),
    cosh: (x) => Math.abs(x) < 88,
  };
  it.each(Object.entries(unary))('%s over its range, infinities and not-a-number', async (name, op) => {
    const values = [...everywhere, ...special].filter(range[name] ?? (() => true));
    await expectSame(() => op(tf.tensor1d(values)), { elementwise: true });
    await expectSame(() => op(tf.tensor1d(Float32Array.from({ length: 301 }, (_, i) => 0.5 + i / 120))), {
      elementwise: true,
    });
  });

  it('elementwise operations over more elements than one thread takes', async () => {
    await expectSame(
      () =>
        noise([70, 33, 57])
          .mul(noise([33, 1], 2))
          .add(noise([57], 3))
          .relu(),
      { elementwise: true },
    );
  });

  it('a few numbers for each pixel of a map', async () => {
    for (const channels of [2, 3, 5, 63, 64]) {
      const map = () => noise([2, 37, 41, channels]);
      const each = () => noise([channels], 2);
      await expectSame(() => [map().mul(each()), map().sub(each()), each().sub(map())], { elementwise: true });
      await expectSame(() => [map().greater(each()), map().toInt().mul(each().toInt())]);
    }
  });

  it('int32 and bool operations keep their dtype', async () => {
    const x = () => tf.tensor1d([-5, 0, 7, 16777215, -16777216], 'int32');
    await expectSame(() => [tf.neg(x()), tf.abs(x()), tf.square(x()), tf.sign(x()), tf.relu(x())]);
    await expectSame(() => [tf.clipByValue(x(), -3, 3), x().cast('bool'), x().cast('float32')]);
    const [a, b] = [() => tf.tensor1d([1, 0, 1, 0], 'bool'), () => tf.tensor1d([1, 1, 0, 0], 'bool')];
    await expectSame(() => [tf.logicalAnd(a(), b()), tf.logicalOr(a(), b()), tf.logicalNot(a()), tf.equal(a(), b())]);
  });
});
