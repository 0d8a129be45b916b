import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasTiles } from './amx/machine.js';
import { available, expectClose, expectSame, noise, on, type Values } from './reference.js';

const run = promisify(execFile);

type Pad = readonly [top: number, bottom: number, left: number, right: number];

interface Shape {
  readonly batch: number;
  readonly kernel: readonly [height: number, width: number];
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly filters: number;
  readonly pad: Pad;
  readonly stride: number;
  readonly depthwise?: true;
}

const maps = {
  batch: fc.integer({ min: 1, max: 3 }),
  height: fc.integer({ min: 1, max: 9 }),
  width: fc.integer({ min: 1, max: 9 }),
  pad: fc.tuple(fc.nat(2), fc.nat(2), fc.nat(2), fc.nat(2)),
  stride: fc.constantFrom(1, 2, 3),
};
const reaches = ({ height, width, kernel, pad: [top, bottom, left, right] }: Shape) =>
  height + top + bottom >= kernel[0] && width + left + right >= kernel[1];

const ofManyChannels: fc.Arbitrary<Shape> = fc
  .record({
    ...maps,
    kernel: fc.constant([3, 3] as const),
    channels: fc.constantFrom(32, 33, 47, 80),
    filters: fc.constantFrom(32, 35, 64, 97),
  })
  .filter(reaches);

const ofOnePixel: fc.Arbitrary<Shape> = fc.record({
  ...maps,
  kernel: fc.constant([1, 1] as const),
  channels: fc.constantFrom(1, 7, 48, 300),
  filters: fc.constantFrom(1, 8, 15, 24, 33, 64),
  pad: fc.constant([0, 0, 0, 0] as const),
});

const ofFewChannels: fc.Arbitrary<Shape> = fc
  .record({
    ...maps,
    kernel: fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 })),
    channels: fc.constantFrom(1, 3, 16, 31),
    filters: fc.constantFrom(1, 8, 16, 17, 48),
  })
  .filter(reaches);

const ofEachChannel: fc.Arbitrary<Shape> = fc
  .record({
    ...maps,
    kernel: fc.integer({ min: 1, max: 7 }).map((side) => [side, side] as const),
    channels: fc.constantFrom(1, 5, 8, 16, 30, 75),
    filters: fc.constant(1),
    depthwise: fc.constant(true as const),
  })
  .filter(reaches);

const outputShape = (s: Shape) => {
  const { batch, height, width, kernel, channels, filters, pad, stride, depthwise } = s;
  const [top, bottom, left, right] = pad;
  const [rows, columns] = [height + top + bottom, width + left + right];
  return [
    batch,
    Math.floor((rows - kernel[0]) / stride) + 1,
    Math.floor((columns - kernel[1]) / stride) + 1,
    depthwise ? channels * filters : filters,
  ] as const;
};

/** The convolution and, for the gradient `dy` of its output, those of its inputs, as the definition has them, in float64. */
function reference(s: Shape, x: Float32Array, w: Float32Array, dy: Float32Array) {
  const [batch, outHeight, outWidth, outputs] = outputShape(s);
  const { filters, kernel } = s;
  const y = new Float64Array(dy.length);
  const dx = new Float64Array(x.length);
  const dw = new Float64Array(w.length);
  for (let n = 0; n < batch; n++)
    for (let i = 0; i < outHeight; i++)
      for (let j = 0; j < outWidth; j++)
        for (let tap = 0; tap < kernel[0] * kernel[1]; tap++) {
          const row = i * s.stride - s.pad[0] + Math.floor(tap / kernel[1]);
          const column = j * s.stride - s.pad[2] + (tap % kernel[1]);
          if (row < 0 || row >= s.height || column < 0 || column >= s.width) continue;
          for (let c = 0; c < s.channels; c++) {
            const out = ((n * outHeight + i) * outWidth + j) * outputs + (s.depthwise ? c * filters : 0);
            const from = ((n * s.height + row) * s.width + column) * s.channels + c;
            const weights = (tap * s.channels + c) * filters;
            const value = x[from]!;
            let sum = 0;
            for (let k = 0; k < filters; k++) {
              y[out + k]! += value * w[weights + k]!;
              dw[weights + k]! += value * dy[out + k]!;
              sum += w[weights + k]! * dy[out + k]!;
            }
            dx[from]! += sum;
          }
        }
  return { y, dx, dw };
}

async function expectReference(s: Shape): Promise<void> {
  const make = () => ({
    x: noise([s.batch, s.height, s.width, s.channels], 1) as tf.Tensor4D,
    w: noise([...s.kernel, s.channels, s.filters], 2) as tf.Tensor4D,
    dy: noise(outputShape(s), 3),
  });
  const convolve = s.depthwise ? tf.depthwiseConv2d : tf.conv2d;
  const native = await on('onednn', () => {
    const { x, w, dy } = make();
    const [top, bottom, left, right] = s.pad;
    const pad = [
      [0, 0],
      [top, bottom],
      [left, right],
      [0, 0],
    ] as unknown as 'same';
    const { value, grads } = tf.valueAndGrads((a, b) => {
      const y = convolve(a as tf.Tensor4D, b as tf.Tensor4D, s.stride, pad);
      return y.mul(dy).sum();
    })([x, w]);
    value.dispose();
    return [convolve(x, w, s.stride, pad), ...grads, x, w, dy];
  });
  const [y, dx, dw, ...inputs] = native as [Values, Values, Values, ...Values[]];
  const [x, w, dy] = inputs.map(({ values }) => values as Float32Array);
  const expected = reference(s, x!, w!, dy!);
  // What rounding does is a share of the terms of a sum, which may cancel each other.
  const terms = reference(s, x!.map(Math.abs), w!.map(Math.abs), dy!.map(Math.abs));
  for (const [name, actual] of Object.entries({ y, dx, dw }) as ['y' | 'dx' | 'dw', Values][]) {
    const largest = terms[name].reduce((a, b) => Math.max(a, b), 0);
    expectClose(actual, { ...actual, values: expected[name] }, { largest, tolerance: 5e-7 });
  }
}

interface Results {
  readonly float32: number[];
  readonly bfloat16: number[];
}

/** What a program gives under some setting of the environment: gradients with 1 as the largest number. */
async function results(environment: Record<string, string>): Promise<Results> {
  const program = fileURLToPath(new URL('programs/convolution.mjs', import.meta.url));
  const { stdout } = await run(process.execPath, [program], {
    env: { ...process.env, ...environment },
    maxBuffer: 1 << 25,
  });
  return JSON.parse(stdout) as Results;
}

function largestDifference(a: readonly number[], b: readonly number[]): number {
  expect(a.length).toBe(b.length);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
}

// Without strides they go by Winograd's algorithm, with them by the indirect one or, with AVX-512, by oneDNN.
describe.skipIf(!available)('3x3 convolutions of many channels', () => {
  it('agree with the definition, forward and in both gradients', async () => {
    await fc.assert(fc.asyncProperty(ofManyChannels, expectReference), { numRuns: 12 });
  });

  it('agree where the tiles are more than a thread takes at once', async () => {
    const large = { height: 33, width: 31, kernel: [3, 3], channels: 32, filters: 32 } as const;
    await expectReference({ ...large, batch: 5, pad: [1, 1, 1, 1], stride: 1 });
    await expectReference({ ...large, batch: 3, pad: [0, 1, 0, 1], stride: 2 });
  });

  it.each([1, 2])(
    'agree with bias and ReLU, and with what follows in a prediction, in steps of %i',
    async (strides) => {
      await expectSame(() => {
        const x = noise([2, 5, 7, 40], 1) as tf.Tensor4D;
        const filter = noise([3, 3, 40, 36], 2).div(20) as tf.Tensor4D;
        const fused = { x, filter, strides, pad: 'same', bias: noise([36], 3) } as const;
        const convolved = () => tf.conv2d(x, filter, strides, 'same');
        const normalised = () =>
          tf.batchNorm(convolved(), noise([36], 4), noise([36], 5).abs(), noise([36], 6), noise([36], 7));
        return [
          tf.fused.conv2d(fused),
          tf.fused.conv2d({ ...fused, activation: 'relu' }),
          normalised(),
          normalised().relu(),
          normalised().add(noise(convolved().shape, 8)).relu(),
        ];
      });
    },
  );

  it('agree whichever way they go, on any instruction set, and to the bit for any number of threads', async () => {
    const [usual, onednn, direct, indirect, oneThread, manyThreads, baseline] = await Promise.all([
      results({}),
      results({ PROJ_ONEDNN_CONVOLUTION: 'onednn' }),
      results({ PROJ_ONEDNN_CONVOLUTION: 'direct' }),
      results({ PROJ_ONEDNN_CONVOLUTION: 'indirect' }),
      results({ OMP_NUM_THREADS: '1' }),
      results({ OMP_NUM_THREADS: '64' }),
      results({ PROJ_ONEDNN_ISA: 'baseline' }),
    ]);
    for (const { float32 } of [oneThread, manyThreads]) expect(float32).toEqual(usual.float32);
    if (!hasTiles) expect(oneThread.bfloat16).toEqual(usual.bfloat16); // with AMX the way is chosen by timing
    for (const { float32 } of [usual, direct, indirect, baseline]) {
      const difference = largestDifference(float32, onednn.float32);
      expect(difference).toBeGreaterThan(0); // Not the same way.
      expect(difference).toBeLessThan(5e-6);
    }
    for (const { bfloat16 } of [usual, onednn, direct, indirect, baseline]) {
      const lost = largestDifference(bfloat16, onednn.float32);
      expect(lost).toBeGreaterThan(2 ** -10);
      expect(lost).toBeLessThan(2 ** -5); // Of some roundings of 2^-9 each.
    }
    // What tiles lose is less than what filters win that are not rounded to bfloat16.
    const loss = ({ bfloat16 }: Results) => meanDifference(bfloat16, onednn.float32);
    expect(loss(usual)).toBeLessThan(1.1 * loss(onednn));
  }, 120_000);

  it('go by a way that there is; another word is an error that lists them', async () => {
    await expect(results({ PROJ_ONEDNN_CONVOLUTION: 'fft' })).rejects.toThrow(
      /PROJ_ONEDNN_CONVOLUTION names no way.* Expected onednn, direct, indirect, winograd, amx: .* Received fft\./,
    );
  });
});

// Straight from the pixels, where oneDNN would leave them to one thread or something follows.
describe.skipIf(!available)('small convolutions', () => {
  it.each([
    ['of one pixel', ofOnePixel],
    ['over few channels', ofFewChannels],
    ['of each channel by itself', ofEachChannel],
  ])('%s agree with the definition, forward and in both gradients', async (_, shape) => {
    await fc.assert(fc.asyncProperty(shape, expectReference), { numRuns: 25 });
  });

  it('agree where the pixels are more than a thread takes at once', async () => {
    const wide = { batch: 3, height: 19, width: 37, kernel: [3, 3], pad: [1, 1, 1, 1], stride: 1 } as const;
    await expectReference({ ...wide, channels: 3, filters: 20 });
    await expectReference({ ...wide, stride: 2, channels: 16, filters: 32 });
    await expectReference({ ...wide, kernel: [7, 4], pad: [3, 3, 1, 2], stride: 2, channels: 3, filters: 48 });
    await expectReference({ ...wide, batch: 40, stride: 2, channels: 33, filters: 64 });
    await expectReference({ ...wide, kernel: [1, 1], pad: [0, 0, 0, 0], channels: 40, filters: 24 });
    await expectReference({ ...wide, channels: 70, filters: 1, depthwise: true });
    for (const [side, stride] of [
      [5, 1],
      [3, 2],
      [5, 2],
      [3, 3],
      [7, 1],
      [7, 2],
    ] as const) {
      const pad = [side >> 1, side >> 1, side >> 1, side >> 1] as const;
      await expectReference({ ...wide, kernel: [side, side], pad, stride, channels: 45, filters: 1, depthwise: true });
    }
    // A row of more pixels than should be copied.
    await expectReference({ ...wide, batch: 1, height: 3, width: 5000, channels: 9, filters: 1, depthwise: true });
  });

  it.each([
    ['of one pixel', [2, 7, 5, 40], [1, 1, 40, 24], 1],
    ['of one pixel in steps of two', [2, 7, 5, 17], [1, 1, 17, 50], 2],
    ['over few channels', [1, 9, 11, 3], [3, 5, 3, 20], 2],
    ['of each channel by itself', [2, 9, 11, 44], [5, 5, 44, 1], 1],
    ['of each channel by itself in steps of two', [2, 9, 11, 30], [3, 3, 30, 1], 2],
  ] as const)('%s agree with what follows in a prediction', async (_, pictures, taps, strides) => {
    await expectSame(() => {
      const x = noise(pictures, 1) as tf.Tensor4D;
      const filter = noise(taps, 2).div(5) as tf.Tensor4D;
      const convolved = () =>
        taps[3] === 1 ? tf.depthwiseConv2d(x, filter, strides, 'same') : tf.conv2d(x, filter, strides, 'same');
      const normalised = () => {
        const [mean, variance, offset, scale] = [4, 5, 6, 7].map((seed) => noise([convolved().shape[3]], seed));
        return tf.batchNorm(convolved(), mean!, variance!.abs().add(0.1) as tf.Tensor1D, offset, scale);
      };
      const silu = (y: tf.Tensor) => tf.layers.activation({ activation: 'swish' }).apply(y) as tf.Tensor;
      return [
        convolved().relu(),
        normalised(),
        normalised().relu(),
        silu(normalised()),
        normalised().add(noise(convolved().shape, 8)).relu(),
      ];
    });
  });
});

function meanDifference(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0) / a.length;
}

// In these oneDNN 2.6 adds other pixels than it should where the sum is its convolution's.
it.skipIf(!available)(
  'a residual sum right after the normalisation of a convolution is that of its pixels',
  async () => {
    const explicit = [
      [0, 0],
      [0, 2],
      [1, 2],
      [0, 0],
    ] as unknown as 'same';
    await expectSame(() =>
      (
        [
          [[2, 1, 1, 16], [3, 5, 16, 64], [1, 1], 'same'],
          [[2, 1, 1, 1], [1, 1, 1, 64], [1, 1], 'same'],
          [[1, 6, 4, 4], [5, 1, 4, 8], [1, 2], explicit],
          [[2, 7, 6, 12], [1, 1, 12, 24], [1, 1], 'same'],
        ] as const
      ).map(([x, filter, strides, pad]) => {
        const y = tf.conv2d(noise(x, 1) as tf.Tensor4D, noise(filter, 2) as tf.Tensor4D, [...strides], pad);
        const [mean, variance, offset, scale] = [3, 4, 5, 6].map((seed) => noise([filter[3]], seed));
        return tf.batchNorm(y, mean!, variance!.abs().add(0.5), offset, scale).add(noise(y.shape, 7)).relu();
      }),
    );
  },
);
