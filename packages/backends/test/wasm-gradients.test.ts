import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { activateWasm } from '../src/wasm.js';

type Shape4D = [number, number, number, number];
type Compute = () => tf.Tensor | tf.Tensor[];

beforeAll(activateWasm);
vi.setConfig({ testTimeout: 120_000 });

/** Numbers in -1..1 that depend on `seed` alone, and equal each other nowhere (ties would leave max pooling open). */
function noise(shape: number[], seed: number): tf.Tensor {
  const size = tf.util.sizeFromShape(shape);
  return tf.tensor(
    Float32Array.from({ length: size }, (_, i) => Math.sin((i + 1) * 12.9898 + seed * 78.233)),
    shape,
  );
}

/** Values of `compute` on a backend; the backend that was active is so again, and nothing stays behind. */
async function valuesOn(backend: string, compute: Compute) {
  await tf.setBackend(backend);
  const { numTensors } = tf.memory();
  const ids = tf.backend().numDataIds();
  const outputs = tf.tidy(() => [compute()].flat());
  const values = outputs.map((tensor) => ({ shape: tensor.shape, values: Array.from(tensor.dataSync()) }));
  tf.dispose(outputs);
  expect(tf.memory().numTensors).toBe(numTensors);
  expect(tf.backend().numDataIds()).toBe(ids);
  await tf.setBackend('wasm');
  return values;
}

/** The wasm backend agrees with the plain JS backend to `1e-5` of the largest value. */
async function expectAgreement(compute: Compute) {
  const ours = await valuesOn('wasm', compute);
  const theirs = await valuesOn('cpu', compute);
  expect(ours.map(({ shape }) => shape)).toEqual(theirs.map(({ shape }) => shape));
  ours.forEach(({ values }, i) => {
    const expected = theirs[i]!.values;
    const largest = Math.max(...expected.map(Math.abs));
    const worst = Math.max(...values.map((value, j) => Math.abs(value - expected[j]!)));
    expect(worst).toBeLessThanOrEqual(1e-5 * Math.max(1, largest));
  });
}

const padding = fc.oneof(
  fc.constantFrom('same' as const, 'valid' as const),
  fc.tuple(...Array.from({ length: 4 }, () => fc.integer({ min: 0, max: 3 }))),
);
const convolution = fc.record({
  batch: fc.integer({ min: 1, max: 3 }),
  size: fc.tuple(fc.integer({ min: 4, max: 9 }), fc.integer({ min: 4, max: 9 })),
  channels: fc.integer({ min: 1, max: 5 }),
  out: fc.integer({ min: 1, max: 5 }),
  kernel: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })),
  strides: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
  pad: padding,
});

const explicit = (pad: 'same' | 'valid' | number[]) =>
  typeof pad === 'string' ? pad : ([[0, 0], pad.slice(0, 2), pad.slice(2), [0, 0]] as tf.backend_util.ExplicitPadding);

function gradients(f: (...tensors: tf.Tensor[]) => tf.Tensor, inputs: tf.Tensor[]): tf.Tensor[] {
  const out = f(...inputs);
  return tf.grads(f)(inputs, noise(out.shape, 3));
}

describe('wasm gradients agree with the plain JS backend', () => {
  it('2D convolution, both gradients, any stride and padding', () =>
    fc.assert(
      fc.asyncProperty(convolution, ({ batch, size, channels, out, kernel, strides, pad }) =>
        expectAgreement(() =>
          gradients(
            (x, w) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, strides as [number, number], explicit(pad)),
            [noise([batch, ...size, channels], 1), noise([...kernel, channels, out], 2)],
          ),
        ),
      ),
      { numRuns: 60, seed: 1 },
    ));

  it.each<[string, number[], number[], (x: tf.Tensor, w: tf.Tensor) => tf.Tensor]>([
    ['2D', [2, 7, 8, 3], [2, 3, 3, 4], (x, w) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 4, 'same')],
    [
      'depthwise',
      [2, 7, 8, 3],
      [2, 3, 3, 1],
      (x, w) => tf.depthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D, 4, 'same'),
    ],
    [
      'transposed',
      [2, 4, 5, 3],
      [1, 2, 4, 3],
      (x, w) => tf.conv2dTranspose(x as tf.Tensor4D, w as tf.Tensor4D, [2, 8, 10, 4], 2, 'same'),
    ],
  ])('%s convolution with strides larger than the filter, and both gradients', (_, x, w, f) =>
    expectAgreement(() => [f(noise(x, 1), noise(w, 2)), ...tf.grads(f)([noise(x, 1), noise(w, 2)])]),
  );

  it('fused convolutions with strides larger than the filter', () =>
    expectAgreement(() => {
      const [x, w, d] = [noise([2, 7, 8, 3], 1), noise([2, 2, 3, 4], 2), noise([2, 2, 3, 1], 3)] as tf.Tensor4D[];
      const settings = { x: x!, strides: 4, pad: 'same' as const, activation: 'relu' as const };
      return [tf.fused.conv2d({ ...settings, filter: w! }), tf.fused.depthwiseConv2d({ ...settings, filter: d! })];
    }));

  it('2D convolution in several strips of rows, the last one shorter', () =>
    expectAgreement(() =>
      gradients(
        (x, w) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'same'),
        [noise([3, 29, 70, 2], 1), noise([3, 3, 2, 3], 2)],
      ),
    ));

  it.each([
    ['more outputs', [3, 23, 31, 3], [1, 1, 3, 7], 1, 'valid'],
    ['more inputs', [3, 23, 31, 7], [1, 1, 7, 3], 1, 'valid'],
    ['strides', [2, 6, 9, 3], [1, 1, 3, 4], 2, 'same'],
    ['a border', [2, 2, 2, 3], [1, 1, 3, 4], 2, explicit([1, 1, 1, 1])],
  ] as const)('1x1 convolution with %s', (_, x, w, stride, pad) =>
    expectAgreement(() =>
      gradients(
        (x, w) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, stride, pad),
        [noise([...x], 1), noise([...w], 2)],
      ),
    ),
  );

  it('depthwise convolution with a large filter and strides', () =>
    expectAgreement(() =>
      gradients(
        (x, w) => tf.depthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D, 2, 'same'),
        [noise([2, 16, 15, 5], 1), noise([11, 7, 5, 1], 2)],
      ),
    ));

  it('depthwise convolution with filters larger than the picture, and nothing else in memory changes', () =>
    fc.assert(
      fc.asyncProperty(
        fc.record({
          size: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
          kernel: fc.tuple(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 7 })),
          stride: fc.integer({ min: 1, max: 2 }),
        }),
        async ({ size, kernel, stride }) => {
          const others = [1, 30, 300, 3000].flatMap((length) => Array.from({ length: 5 }, () => tf.ones([length])));
          for (const other of others) other.dataSync();
          await expectAgreement(() =>
            gradients(
              (x, w) => tf.depthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D, stride, 'same'),
              [noise([2, ...size, 40], 1), noise([...kernel, 40, 1], 2)],
            ),
          );
          for (const other of others) expect(other.dataSync().every((value) => value === 1)).toBe(true);
          tf.dispose(others);
        },
      ),
      { numRuns: 40, seed: 4 },
    ));

  it('depthwise convolution, any stride, padding and multiplier', () =>
    fc.assert(
      fc.asyncProperty(convolution, ({ batch, size, channels, out, kernel, strides, pad }) =>
        expectAgreement(() =>
          gradients(
            (x, w) =>
              tf.depthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D, strides as [number, number], explicit(pad)),
            [noise([batch, ...size, channels], 1), noise([...kernel, channels, out], 2)],
          ),
        ),
      ),
      { numRuns: 40, seed: 2 },
    ));

  it.each([
    [2, 2, 'valid'],
    [3, 2, 'same'],
    [3, 1, 'same'],
    [2, 3, 'valid'],
  ] as const)('max pooling of %i, stride %i, %s', (size, stride, pad) =>
    expectAgreement(() => gradients((x) => tf.maxPool(x as tf.Tensor4D, size, stride, pad), [noise([2, 9, 7, 3], 1)])),
  );

  it('max pooling gives a tie to its first value', () =>
    expectAgreement(() => gradients((x) => tf.maxPool(x as tf.Tensor4D, 2, 2, 'same'), [tf.ones([1, 4, 5, 2])])));

  it.each([
    ['dense', [5, 7], [7, 3], false, false],
    ['a transposed', [7, 5], [7, 3], true, false],
    ['b transposed', [5, 7], [3, 7], false, true],
    ['both transposed', [7, 5], [3, 7], true, true],
    ['a small batch, b large and transposed', [2, 40], [30, 40], false, true],
    ['a large and transposed, b small', [40, 30], [40, 2], true, false],
    ['both large and transposed', [40, 3], [2, 40], true, true],
    ['batches', [2, 7, 20], [2, 7, 33], true, false],
  ] as const)('matrix product and its gradients: %s', (_, a, b, transposeA, transposeB) =>
    expectAgreement(() => {
      const inputs = [noise([...a], 1), noise([...b], 2)];
      return [
        tf.matMul(inputs[0]!, inputs[1]!, transposeA, transposeB),
        ...gradients((x, y) => tf.matMul(x, y, transposeA, transposeB), inputs),
      ];
    }),
  );

  it('matrix product of a batch against one', () =>
    expectAgreement(() => tf.matMul(noise([4, 20, 7], 1), noise([1, 33, 7], 2), false, true)));

  it('gather, of rows that come twice or never', () =>
    expectAgreement(() =>
      gradients(
        (x) =>
          tf.gather(
            x,
            tf.tensor2d(
              [
                [0, 2],
                [2, 4],
              ],
              [2, 2],
              'int32',
            ),
          ),
        [noise([6, 3, 2], 1)],
      ),
    ));

  it('unsorted segment sum drops numbers outside', () =>
    expectAgreement(() => tf.unsortedSegmentSum(noise([4, 3], 1), tf.tensor1d([1, 0, 5, 1], 'int32'), 3)));

  it('tile, any shape', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 5 })), {
          minLength: 1,
          maxLength: 4,
        }),
        (axes) => {
          const shape = axes.map(([size]) => size);
          const reps = axes.map(([, times]) => times);
          return expectAgreement(() => [
            tf.tile(noise(shape, 1), reps),
            tf.tile(noise(shape, 1).greater(0), reps),
            tf.tile(noise(shape, 1).mul(9).toInt(), reps),
          ]);
        },
      ),
      { numRuns: 40, seed: 3 },
    ));

  it.each([
    [[3, 5, 7, 4], [0, 1, 2], false],
    [[3, 5, 7, 4], [0, 1, 2], true],
    [[3, 5, 7, 4], [2, 0, 1], false],
    [[3, 5, 7, 4], [0], true],
    [[3, 5, 7, 4], [1, 2], false],
    [[3, 5, 7, 4], [-1], false],
    [[3, 5], [0, 1], false],
    [[4096, 3], [0], false],
    [[1031, 2], [0], false],
    [[1, 2], [0], false],
    [[5], [0], false],
  ])('sum and mean of %j over %j, keepDims %s', (shape, axis, keepDims) =>
    expectAgreement(() => {
      const x = noise(shape, 1);
      return [tf.sum(x, axis, keepDims), tf.sum(x.mul(9).toInt(), axis, keepDims), tf.mean(x, axis, keepDims)];
    }),
  );

  it('batch normalization in training', () =>
    expectAgreement(() =>
      gradients(
        (x, offset, scale) => {
          const { mean, variance } = tf.moments(x, [0, 1, 2]);
          return tf.batchNorm(
            x,
            mean as tf.Tensor1D,
            variance as tf.Tensor1D,
            offset as tf.Tensor1D,
            scale as tf.Tensor1D,
          );
        },
        [noise([3, 4, 5, 6], 1), noise([6], 2), noise([6], 3)],
      ),
    ));

  it.each([
    ['average pooling', (x: tf.Tensor) => tf.avgPool(x as tf.Tensor4D, 2, 2, 'same'), [2, 6, 6, 3] as Shape4D],
    ['softmax', (x: tf.Tensor) => tf.logSoftmax(x), [2, 3, 4, 5] as Shape4D],
  ])('%s', (_, f, shape) => expectAgreement(() => gradients(f, [noise(shape, 1)])));
});
