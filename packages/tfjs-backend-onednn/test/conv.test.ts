import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { autocast, fallbackCalls, profile, resetFallbackCalls, resetProfile } from '../src/index.js';
import { available, expectClose, expectSame, noise, on } from './reference.js';

const size = (max: number) => fc.integer({ min: 1, max });
type Pad = 'same' | 'valid' | number | tf.backend_util.ExplicitPadding;
const pad: fc.Arbitrary<Pad> = fc.oneof(
  fc.constantFrom<Pad>('same', 'valid', 1),
  fc.tuple(fc.nat(2), fc.nat(2), fc.nat(2), fc.nat(2)).map(
    ([top, bottom, left, right]): Pad => [
      [0, 0],
      [top, bottom],
      [left, right],
      [0, 0],
    ],
  ),
);

const geometry = fc
  .record({
    batch: size(3),
    height: fc.integer({ min: 4, max: 9 }),
    width: fc.integer({ min: 4, max: 9 }),
    channels: fc.constantFrom(1, 3, 8, 17),
    filters: fc.constantFrom(1, 4, 16, 19),
    kernel: fc.tuple(size(3), size(3)),
    strides: fc.tuple(size(2), size(2)),
    pad,
  })
  .filter(
    ({ pad, kernel, strides }) =>
      // Of a numeric padding tfjs makes sense only with square kernels and strides.
      typeof pad !== 'number' || (kernel[0] === kernel[1] && strides[0] === strides[1]),
  );

/** The gradients of `f` for an upstream gradient that differs from pixel to pixel. */
function gradients(f: (...inputs: tf.Tensor[]) => tf.Tensor, inputs: tf.Tensor[]): tf.Tensor[] {
  return tf.grads((...xs: tf.Tensor[]) => {
    const y = f(...xs);
    return y.mul(noise(y.shape, 99)).sum();
  })(inputs);
}

describe.skipIf(!available)('convolution and pooling agree with the plain JS backend', () => {
  it('conv2d and both gradients', async () => {
    await fc.assert(
      fc.asyncProperty(geometry, (g) =>
        expectSame(() => {
          const x = noise([g.batch, g.height, g.width, g.channels], 1) as tf.Tensor4D;
          const w = noise([...g.kernel, g.channels, g.filters], 2) as tf.Tensor4D;
          const f = (a: tf.Tensor, b: tf.Tensor) =>
            tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, g.strides, g.pad as 'same');
          return [f(x, w), ...gradients(f as (...inputs: tf.Tensor[]) => tf.Tensor, [x, w])];
        }),
      ),
      { numRuns: 25 },
    );
  });

  it('dilated conv2d', async () => {
    await expectSame(() =>
      tf.conv2d(noise([2, 9, 8, 5]) as tf.Tensor4D, noise([3, 2, 5, 7], 2) as tf.Tensor4D, 1, 'same', 'NHWC', 2),
    );
  });

  it('rounding modes of numeric padding', async () => {
    for (const mode of ['floor', 'round', 'ceil'] as const) {
      await expectSame(() =>
        tf.conv2d(noise([1, 6, 6, 3]) as tf.Tensor4D, noise([3, 3, 3, 4], 2) as tf.Tensor4D, 2, 0, 'NHWC', 1, mode),
      );
    }
  });

  it('depthwise conv2d and both gradients', async () => {
    await fc.assert(
      fc.asyncProperty(geometry, size(3), (g, multiplier) =>
        expectSame(() => {
          const x = noise([g.batch, g.height, g.width, g.channels], 1) as tf.Tensor4D;
          const w = noise([...g.kernel, g.channels, multiplier], 2) as tf.Tensor4D;
          const f = (a: tf.Tensor, b: tf.Tensor) =>
            tf.depthwiseConv2d(a as tf.Tensor4D, b as tf.Tensor4D, g.strides, g.pad as 'same');
          return [f(x, w), ...gradients(f as (...inputs: tf.Tensor[]) => tf.Tensor, [x, w])];
        }),
      ),
      { numRuns: 20 },
    );
  });

  it('gradients of depthwise filters of many channels', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          height: fc.integer({ min: 1, max: 12 }),
          width: fc.integer({ min: 1, max: 12 }),
          channels: fc.constantFrom(16, 35),
          kernel: fc.constantFrom(3, 5),
          strides: fc.tuple(size(2), size(2)),
          pad: fc.tuple(fc.nat(4), fc.nat(4), fc.nat(4), fc.nat(4)),
        }),
        async ({ height, width, channels, kernel, strides, pad: [top, bottom, left, right] }) => {
          fc.pre(height + top + bottom >= kernel && width + left + right >= kernel);
          await expectSame(() => {
            const x = noise([2, height, width, channels], 1) as tf.Tensor4D;
            const w = noise([kernel, kernel, channels, 1], 2) as tf.Tensor4D;
            const border = [
              [0, 0],
              [top, bottom],
              [left, right],
              [0, 0],
            ] as unknown as 'same';
            const f = (a: tf.Tensor) => tf.depthwiseConv2d(x, a as tf.Tensor4D, strides, border);
            return gradients(f, [w]);
          });
        },
      ),
      { numRuns: 20 },
    );
  });

  it('fused convolutions with every bias and activation', async () => {
    const x = () => noise([2, 6, 7, 5], 1) as tf.Tensor4D;
    const w = () => noise([3, 3, 5, 6], 2) as tf.Tensor4D;
    for (const activation of ['linear', 'relu', 'relu6', 'elu', 'sigmoid', 'leakyrelu', 'prelu'] as const) {
      for (const bias of [undefined, [6], [7, 6]]) {
        await expectSame(() =>
          tf.fused.conv2d({
            x: x(),
            filter: w(),
            strides: 1,
            pad: 'same',
            activation,
            ...(bias === undefined ? {} : { bias: noise(bias, 3) }),
            ...(activation === 'prelu' ? { preluActivationWeights: noise([6], 4) } : {}),
            ...(activation === 'leakyrelu' ? { leakyreluAlpha: 0.3 } : {}),
          }),
        );
      }
    }
    await expectSame(() =>
      tf.fused.depthwiseConv2d({
        x: x(),
        filter: noise([3, 3, 5, 2], 2) as tf.Tensor4D,
        strides: 2,
        pad: 'same',
        bias: noise([10], 3),
        activation: 'relu6',
      }),
    );
  });

  it('pools and their gradients', async () => {
    await fc.assert(
      fc.asyncProperty(geometry, (g) =>
        expectSame(() => {
          const x = noise([g.batch, g.height, g.width, g.channels], 1) as tf.Tensor4D;
          // An explicit padding may leave windows without a pixel, which tfjs does not define.
          const border = typeof g.pad === 'object' ? 'same' : g.kernel.includes(1) && g.pad === 1 ? 'valid' : g.pad;
          const pools = [tf.maxPool, tf.avgPool].map(
            (pool) => (a: tf.Tensor) => pool(a as tf.Tensor4D, g.kernel, g.strides, border as 'same'),
          );
          return pools.flatMap((pool) => [pool(x), ...gradients(pool, [x])]);
        }),
      ),
      { numRuns: 25 },
    );
  });

  it('pools with more work than one thread takes', async () => {
    await expectSame(() => {
      const x = noise([1, 40, 41, 40]) as tf.Tensor4D;
      return [tf.maxPool(x, 3, 2, 'same'), ...gradients((a) => tf.maxPool(a as tf.Tensor4D, 3, 2, 'same'), [x])];
    });
  });
});

describe.skipIf(!available)('windows larger than the picture', () => {
  it.each<[string, () => tf.Tensor]>([
    [
      'convolution',
      () => tf.conv2d(noise([1, 3, 1, 4]) as tf.Tensor4D, noise([5, 5, 4, 8]) as tf.Tensor4D, 1, 'valid'),
    ],
    [
      'depthwise convolution',
      () => tf.depthwiseConv2d(noise([1, 3, 1, 4]) as tf.Tensor4D, noise([5, 5, 4, 1]) as tf.Tensor4D, 1, 'valid'),
    ],
    ['pool', () => tf.maxPool(noise([1, 3, 1, 4]) as tf.Tensor4D, 5, 1, 'valid')],
  ])('%s: an error at once', async (_, f) => {
    await tf.setBackend('onednn');
    expect(() => tf.tidy(f)).toThrow(expect.objectContaining({ code: 'invalid-shape' }));
    expect(tf.tidy(() => tf.add(1, 2).dataSync()[0])).toBe(3);
  });
});

describe.skipIf(!available)('products, normalisation and resizing agree with the plain JS backend', () => {
  it('matMul with batches and transposes', async () => {
    const sizes = fc.record({ m: size(9), k: size(20), n: size(17), batch: size(3) });
    await fc.assert(
      fc.asyncProperty(sizes, fc.boolean(), fc.boolean(), fc.nat(3), ({ m, k, n, batch }, ta, tb, kind) =>
        expectSame(() => {
          const outer = [
            [[], []],
            [[batch], [batch]],
            [[batch], [1]],
            [
              [batch, 2],
              [batch, 2],
            ],
          ][kind]!;
          const a = noise([...outer[0]!, ...(ta ? [k, m] : [m, k])], 1);
          const b = noise([...outer[1]!, ...(tb ? [n, k] : [k, n])], 2);
          // tfjs has no gradient of a batch that is broadcast.
          const differentiable = kind !== 2 || batch === 1;
          const f = (x: tf.Tensor, y: tf.Tensor) => tf.matMul(x, y, ta, tb);
          return [f(a, b), ...(differentiable ? gradients(f as (...inputs: tf.Tensor[]) => tf.Tensor, [a, b]) : [])];
        }),
      ),
      { numRuns: 25 },
    );
  });

  it('matMul where the batches of both sides are repeated', async () => {
    const a = () => noise([3, 1, 5, 7], 1);
    const b = () => noise([4, 2, 7], 2);
    await tf.setBackend('onednn');
    resetFallbackCalls();
    const [actual] = await on('onednn', () => tf.matMul(a(), b(), false, true));
    expect(fallbackCalls()).toEqual({});
    // The plain JS backend itself takes wrong matrices where it has to repeat both.
    const [expected] = await on('cpu', () =>
      tf.matMul(tf.tile(a(), [1, 4, 1, 1]), tf.tile(tf.expandDims(b(), 0), [3, 1, 1, 1]), false, true),
    );
    expectClose(actual!, expected!);
  });

  it('products of matrices that are neither small nor large, and one beyond', async () => {
    for (const [rows, depth, columns] of [
      [64, 512, 300],
      [257, 1030, 62],
      [130, 2100, 40],
    ] as const) {
      await expectSame(() => tf.matMul(noise([rows, depth]), noise([depth, columns], 2)));
      await expectSame(() =>
        tf.fused.matMul({
          a: noise([rows, depth]),
          b: noise([depth, columns], 2),
          bias: noise([columns], 3),
          activation: 'relu',
        }),
      );
    }
  });

  it('fused matMul with bias and activation', async () => {
    for (const activation of ['linear', 'relu', 'relu6', 'elu', 'sigmoid'] as const) {
      for (const bias of [[11], [1, 11], [3, 11]]) {
        await expectSame(() =>
          tf.fused.matMul({ a: noise([3, 7]), b: noise([7, 11], 2), bias: noise(bias, 3), activation }),
        );
      }
    }
  });

  describe('a convolution with batch normalisation after it, in one pass', () => {
    const channels = 24;
    const norm = (x: tf.Tensor) =>
      tf.batchNorm(
        x,
        noise([channels], 2),
        noise([channels], 3).abs().add(0.1),
        noise([channels], 4),
        noise([channels], 5),
        1e-3,
      );
    const x = () => noise([2, 9, 7, 24], 6) as tf.Tensor4D;
    const convolutions: Record<string, () => tf.Tensor> = {
      '3x3': () => tf.conv2d(x(), noise([3, 3, 24, channels], 7) as tf.Tensor4D, 1, 'same'),
      '1x1 with stride': () => tf.conv2d(x(), noise([1, 1, 24, channels], 7) as tf.Tensor4D, 2, 'valid'),
      'with a bias': () =>
        tf.fused.conv2d({
          x: x(),
          filter: noise([3, 3, 24, channels], 7) as tf.Tensor4D,
          strides: [2, 1],
          pad: 'same',
          bias: noise([channels], 8),
        }),
      depthwise: () => tf.depthwiseConv2d(x(), noise([5, 5, 24, 1], 7) as tf.Tensor4D, 1, 'same'),
    };
    it.each(Object.keys(convolutions))('%s', async (name) => {
      const conv = convolutions[name]!;
      const residual = () => noise(conv().shape, 9);
      await expectSame(() => norm(conv()));
      await expectSame(() => norm(conv()).relu());
      await expectSame(() => norm(conv()).add(residual()).relu());
      await expectSame(() => residual().add(norm(conv())));
      await expectSame(() => tf.batchNorm(conv(), noise([channels], 2), noise([channels], 3).abs()));
    });

    it.each(Object.keys(convolutions))('%s, in bfloat16, to its precision', async (name) => {
      const conv = convolutions[name]!;
      const f = () => {
        const y = norm(conv());
        return [y.add(noise(y.shape, 9)).relu(), norm(conv())];
      };
      const expected = await on('onednn', f);
      const actual = await on('onednn', () => autocast('bfloat16', f));
      // Inputs, and the sum, are rounded to 8 bits.
      for (const [i, values] of actual.entries()) expectClose(values, expected[i]!, { tolerance: 2 ** -7 });
    });

    it('runs as one operation, without the values between', async () => {
      await tf.setBackend('onednn');
      resetProfile();
      tf.tidy(() => norm(convolutions['3x3']!()).add(norm(convolutions['3x3']!())).relu().dataSync());
      const operations = profile().map(({ op, calls }) => [op, calls]);
      expect(Object.fromEntries(operations)).toMatchObject({ conv2d_norm: 2 });
      expect(operations.map(([op]) => op)).not.toContain('conv2d');
      expect(operations.map(([op]) => op)).not.toContain('batch_norm');
    });

    it('lets what is not a number through, but for a ReLU in the same pass, which makes it 0', async () => {
      const bad = () => norm(tf.conv2d(x().mul(Number.NaN), noise([3, 3, 24, channels], 7) as tf.Tensor4D, 1, 'same'));
      await expectSame(bad);
      const [positive] = await on('onednn', () => bad().relu());
      expect(new Set(Array.from(positive!.values))).toEqual(new Set([0]));
    });

    it('takes parameters that are stored in bfloat16, alone and after a convolution', async () => {
      const normOf = (scale: tf.Tensor) => [
        tf.batchNorm(x(), noise([24], 2), noise([24], 3).abs().add(0.1), null as never, scale as tf.Tensor1D),
        tf.batchNorm(
          convolutions['3x3']!(),
          noise([24], 2),
          noise([24], 3).abs().add(0.1),
          null as never,
          scale as tf.Tensor1D,
        ),
      ];
      const scale = () => tf.matMul(tf.ones([1, 8]), noise([8, 24], 4)).reshape([24]);
      const expected = await on('onednn', () => normOf(scale()));
      const actual = await on('onednn', () => normOf(autocast('bfloat16', scale)));
      for (const [i, values] of actual.entries()) expectClose(values, expected[i]!, { tolerance: 2 ** -7 });
    });

    it('computes in the precision in which it was asked for', async () => {
      const f = () => norm(convolutions['3x3']!());
      const [inFloat32] = await on('onednn', f);
      const [mixed] = await on('onednn', () => {
        const y = convolutions['3x3']!();
        return autocast('bfloat16', () => norm(y));
      });
      expectClose(mixed!, inFloat32!);
    });

    it('gives the convolution itself to those who want it too', async () => {
      await expectSame(() => {
        const y = convolutions['3x3']!();
        const normalised = norm(y).relu();
        return [y, normalised, norm(y), y.add(normalised)];
      });
    });
  });

  it('batchNorm for inference', async () => {
    await expectSame(() =>
      tf.batchNorm(noise([4, 5, 6, 19]), noise([19], 2), noise([19], 3).abs(), noise([19], 4), noise([19], 5), 1e-3),
    );
    await expectSame(() => tf.batchNorm(noise([30, 7]), noise([7], 2), noise([7], 3).abs()));
  });

  it('softmax, logSoftmax and softmax cross-entropy with gradients', async () => {
    await expectSame(() => {
      const x = noise([13, 62]).mul(20);
      const y = tf.oneHot(tf.range(0, 13, 1, 'int32'), 62).toFloat();
      const loss = (logits: tf.Tensor) => tf.losses.softmaxCrossEntropy(y, logits) as tf.Tensor;
      return [
        tf.softmax(x),
        tf.logSoftmax(x),
        loss(x),
        ...gradients(loss, [x]),
        ...gradients((logits) => tf.softmax(logits!), [x]),
      ];
    });
  });

  it('resizeBilinear and its gradient', async () => {
    for (const [alignCorners, halfPixelCenters] of [
      [false, false],
      [true, false],
      [false, true],
    ] as const) {
      await expectSame(() => {
        // Square, because the plain JS backend gives the gradient with height and width exchanged.
        const x = noise([2, 6, 6, 3]) as tf.Tensor4D;
        const f = (a: tf.Tensor, to: [number, number]) =>
          tf.image.resizeBilinear(a as tf.Tensor4D, to, alignCorners, halfPixelCenters);
        const sizes: [number, number][] = [
          [9, 4],
          [3, 14],
        ];
        return sizes.flatMap((to) => [f(x, to), ...(halfPixelCenters ? [] : gradients((a) => f(a!, to), [x]))]);
      });
    }
  });
});
