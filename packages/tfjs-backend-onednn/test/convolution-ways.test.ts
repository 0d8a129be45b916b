import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasTiles } from './amx/machine.js';
import { available, expectClose, expectSame, noise, on } from './reference.js';

const run = promisify(execFile);

type Pad = readonly [top: number, bottom: number, left: number, right: number];

interface Shape {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly filters: number;
  readonly pad: Pad;
  readonly stride: number;
}

const shape: fc.Arbitrary<Shape> = fc
  .record({
    batch: fc.integer({ min: 1, max: 3 }),
    height: fc.integer({ min: 1, max: 9 }),
    width: fc.integer({ min: 1, max: 9 }),
    channels: fc.constantFrom(32, 33, 47, 80),
    filters: fc.constantFrom(32, 35, 64, 97),
    pad: fc.tuple(fc.nat(2), fc.nat(2), fc.nat(2), fc.nat(2)),
    stride: fc.constantFrom(1, 2, 3),
  })
  .filter(
    ({ height, width, pad: [top, bottom, left, right] }) => height + top + bottom >= 3 && width + left + right >= 3,
  );

const outputShape = ({ batch, height, width, filters, pad: [top, bottom, left, right], stride }: Shape) => {
  const [rows, columns] = [height + top + bottom, width + left + right];
  return [batch, Math.floor((rows - 3) / stride) + 1, Math.floor((columns - 3) / stride) + 1, filters] as const;
};

/** The convolution and, for the gradient `dy` of its output, those of its inputs, as the definition has them, in float64. */
function reference(s: Shape, x: Float32Array, w: Float32Array, dy: Float32Array) {
  const [batch, outHeight, outWidth, filters] = outputShape(s);
  const y = new Float64Array(dy.length);
  const dx = new Float64Array(x.length);
  const dw = new Float64Array(w.length);
  for (let n = 0; n < batch; n++)
    for (let i = 0; i < outHeight; i++)
      for (let j = 0; j < outWidth; j++)
        for (let tap = 0; tap < 9; tap++) {
          const row = i * s.stride - s.pad[0] + Math.floor(tap / 3);
          const column = j * s.stride - s.pad[2] + (tap % 3);
          if (row < 0 || row >= s.height || column < 0 || column >= s.width) continue;
          const out = ((n * outHeight + i) * outWidth + j) * filters;
          for (let c = 0; c < s.channels; c++) {
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
    w: noise([3, 3, s.channels, s.filters], 2) as tf.Tensor4D,
    dy: noise(outputShape(s), 3),
  });
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
      const y = tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, s.stride, pad);
      return y.mul(dy).sum();
    })([x, w]);
    value.dispose();
    return [tf.conv2d(x, w, s.stride, pad), ...grads, x, w, dy];
  });
  const [y, dx, dw, ...inputs] = native as [(typeof native)[0], (typeof native)[0], (typeof native)[0]];
  const [x, w, dy] = (inputs as typeof native).map(({ values }) => values as Float32Array);
  const expected = reference(s, x!, w!, dy!);
  expectClose(y, { ...y, values: expected.y }, { tolerance: 2e-6 });
  expectClose(dx, { ...dx, values: expected.dx }, { tolerance: 2e-6 });
  expectClose(dw, { ...dw, values: expected.dw }); // a sum over all pixels
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
    await fc.assert(fc.asyncProperty(shape, expectReference), { numRuns: 12 });
  });

  it('agree where the tiles are more than a thread takes at once', async () => {
    await expectReference({ batch: 5, height: 33, width: 31, channels: 32, filters: 32, pad: [1, 1, 1, 1], stride: 1 });
    await expectReference({ batch: 3, height: 33, width: 31, channels: 32, filters: 32, pad: [0, 1, 0, 1], stride: 2 });
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
    const [usual, direct, indirect, oneThread, manyThreads, baseline] = await Promise.all([
      results({}),
      results({ PROJ_ONEDNN_CONVOLUTION: 'onednn' }),
      results({ PROJ_ONEDNN_CONVOLUTION: 'indirect' }),
      results({ OMP_NUM_THREADS: '1' }),
      results({ OMP_NUM_THREADS: '64' }),
      results({ PROJ_ONEDNN_ISA: 'baseline' }),
    ]);
    for (const { float32 } of [oneThread, manyThreads]) expect(float32).toEqual(usual.float32);
    if (!hasTiles) expect(oneThread.bfloat16).toEqual(usual.bfloat16); // with AMX the way is chosen by timing
    for (const { float32 } of [usual, indirect, baseline]) {
      const difference = largestDifference(float32, direct.float32);
      expect(difference).toBeGreaterThan(0); // Not the same way.
      expect(difference).toBeLessThan(5e-6);
    }
    for (const { bfloat16 } of [usual, direct, indirect, baseline]) {
      const lost = largestDifference(bfloat16, direct.float32);
      expect(lost).toBeGreaterThan(2 ** -10);
      expect(lost).toBeLessThan(2 ** -5); // Of some roundings of 2^-9 each.
    }
    // What tiles lose is less than what filters win that are not rounded to bfloat16.
    const loss = ({ bfloat16 }: Results) => meanDifference(bfloat16, direct.float32);
    expect(loss(usual)).toBeLessThan(1.1 * loss(direct));
  }, 120_000);

  it('go by a way that there is; another word is an error that lists them', async () => {
    await expect(results({ PROJ_ONEDNN_CONVOLUTION: 'fft' })).rejects.toThrow(
      /PROJ_ONEDNN_CONVOLUTION names no way.* Expected onednn, indirect, winograd, amx: .* Received fft\./,
    );
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
