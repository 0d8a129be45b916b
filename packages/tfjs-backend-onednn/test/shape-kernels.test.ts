import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { available, expectSame, noise } from './reference.js';

const dims = (minLength: number, max = 7) => fc.array(fc.integer({ min: 1, max }), { minLength, maxLength: 5 });
const runs = { numRuns: 25 };

/** A shape with a choice of its axes. */
const axes = dims(1).chain((shape) => fc.tuple(fc.constant(shape), fc.subarray([...shape.keys()], { minLength: 1 })));

describe.skipIf(!available)('kernels that reduce and move agree with the plain JS backend', () => {
  it('reductions over any axes', async () => {
    await fc.assert(
      fc.asyncProperty(axes, fc.boolean(), ([shape, axis], keepDims) =>
        expectSame(() => {
          const x = noise(shape);
          return [x.sum(axis, keepDims), x.mean(axis, keepDims), x.max(axis, keepDims), x.min(axis, keepDims)];
        }),
      ),
      runs,
    );
    await expectSame(() => [noise([3, 4, 5]).prod([0, 2]), noise([7, 3]).argMax(0), noise([7, 3]).argMin(-1)]);
    await expectSame(() => [noise([40, 5]).greater(0).all(1), noise([40, 5]).greater(1.9).any(0)]);
  });

  it('sums of many, with all threads at work', async () => {
    await expectSame(() => [noise([3000, 40]).sum(0), noise([3000, 40]).sum(), noise([2, 30000]).mean(1)]);
    await expectSame(() => [noise([50, 60, 40]).sum(1), noise([50, 60, 40]).mean([0, 1])]);
  });

  it('sum and mean of int32 and bool, maximum with not-a-number', async () => {
    await expectSame(() => [tf.range(0, 12, 1, 'int32').reshape([3, 4]).sum(0), noise([9]).greater(0).sum()]);
    await expectSame(() => tf.range(0, 12, 1, 'int32').mean());
    await expectSame(() => [tf.tensor1d([1, Number.NaN, 3]).max(), tf.tensor1d([1, Number.NaN, 3]).min()]);
  });

  it('cumsum and cumprod', async () => {
    await fc.assert(
      fc.asyncProperty(dims(1), fc.nat(), fc.boolean(), fc.boolean(), (shape, at, exclusive, reverse) =>
        expectSame(() => {
          const axis = at % shape.length;
          return [noise(shape).cumsum(axis, exclusive, reverse), tf.cumprod(noise(shape), axis, exclusive, reverse)];
        }),
      ),
      runs,
    );
  });

  it('transpose', async () => {
    const turned = dims(1, 9).chain((shape) =>
      fc.tuple(fc.constant(shape), fc.shuffledSubarray([...shape.keys()], { minLength: shape.length })),
    );
    await fc.assert(
      fc.asyncProperty(turned, ([shape, perm]) => expectSame(() => noise(shape).transpose(perm))),
      runs,
    );
    await expectSame(() => noise([3, 70, 90]).transpose([2, 0, 1]));
    await expectSame(() => noise([8, 50, 60, 3]).transpose([0, 2, 1, 3]));
  });

  it('slice, strided slice and reverse', async () => {
    await fc.assert(
      fc.asyncProperty(axes, fc.nat(), ([shape, reversed], n) =>
        expectSame(() => {
          const begin = shape.map((size, i) => (n + i) % size);
          const size = shape.map((full, i) => (n + 2 * i) % (full - begin[i]! + 1));
          const strides = shape.map((_, i) => ((n + i) % 3) + 1);
          const x = noise(shape);
          return [
            x.slice(begin, size),
            x.stridedSlice(begin, shape, strides),
            x.stridedSlice(
              shape.map((full) => full - 1),
              shape.map(() => 0),
              strides.map((step) => -step),
            ),
            x.reverse(reversed),
          ];
        }),
      ),
      runs,
    );
  });

  it('pad, tile, concat, stack, split and unstack', async () => {
    await fc.assert(
      fc.asyncProperty(dims(1, 4), fc.nat(), (shape, n) =>
        expectSame(() => {
          const axis = n % shape.length;
          const other = shape.with(axis, (n % 5) + 1);
          const x = noise(shape);
          const paddings = shape.map((_, i): [number, number] => [(n + i) % 3, (n + 2 * i) % 3]);
          const joined = tf.concat([x, noise(other, 2), x], axis);
          return [
            x.pad(paddings, 0.5),
            x.tile(shape.map((_, i) => (n + i) % 3)),
            joined,
            tf.stack([x, x.neg()], axis),
            ...tf.split(joined, [shape[axis]!, other[axis]!, shape[axis]!], axis),
            ...x.unstack(axis),
          ];
        }),
      ),
      runs,
    );
  });

  it('the same for int32 and bool', async () => {
    await expectSame(() => {
      const x = tf.range(0, 24, 1, 'int32').reshape([2, 3, 4]) as tf.Tensor;
      const y = x.greater(tf.scalar(11, 'int32'));
      return [x, y].flatMap((t) => [
        t.transpose([2, 0, 1]),
        t.pad([
          [1, 0],
          [0, 2],
          [1, 1],
        ]),
        t.tile([1, 2, 1]),
        tf.concat([t, t], 1),
      ]);
    });
  });

  it('reshape and expandDims share data', async () => {
    await expectSame(() => [noise([2, 6]).reshape([3, 4]), noise([2, 6]).expandDims(1), noise([1, 6, 1]).squeeze()]);
  });

  it('gather, oneHot, where, segment sum', async () => {
    const ids = () => tf.tensor1d([2, 0, 2, 1], 'int32');
    await expectSame(() => [noise([4, 3, 5]).gather(ids(), 0), noise([2, 3, 5]).gather(ids(), 1)]);
    await expectSame(() =>
      tf.gather(
        noise([2, 3, 4]),
        tf.tensor2d(
          [
            [0, 2],
            [1, 1],
          ],
          [2, 2],
          'int32',
        ),
        1,
        1,
      ),
    );
    await expectSame(() => [tf.oneHot(ids(), 4), tf.oneHot(tf.tensor1d([-1, 5, 1], 'int32'), 3, 2, -2, 'float32')]);
    await expectSame(() => tf.where(noise([40, 50]).greater(0), noise([40, 50], 2), noise([50], 3)));
    await expectSame(() => tf.unsortedSegmentSum(noise([4, 6]) as tf.Tensor2D, ids(), 3));
  });

  it('fill, range, zerosLike, onesLike', async () => {
    await expectSame(() => [tf.fill([2, 3], 1.5), tf.zerosLike(noise([3])), tf.onesLike(noise([3, 2]))]);
    await expectSame(() => [tf.range(0, 1, 0.1), tf.range(5, -3, -2, 'int32'), tf.fill([3], 7, 'int32')]);
  });

  it('tensors without elements', async () => {
    await expectSame(() => {
      const none = tf.zeros([0, 3]);
      return [
        none.add(1),
        none.sum(0),
        none.sum(1),
        none.transpose(),
        none.pad([
          [1, 1],
          [0, 0],
        ]),
        tf.concat([none, noise([2, 3])]),
      ];
    });
    await expectSame(() => [
      tf.zeros([2, 0]).tile([1, 3]),
      tf.zeros([0, 4]).slice([0, 1], [0, 2]),
      tf.zeros([0]).relu(),
    ]);
  });
});
