import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { autocast, profile, resetProfile } from '../src/index.js';
import { available, expectSame, noise } from './reference.js';

type Pads = [number, number, number, number];
type Both = (x: tf.Tensor, filter: tf.Tensor) => tf.Tensor;

/** A convolution of `x` with zeros around each map, as PyTorch pads; with a map of zeros in front of the batch, if `wider`. */
function paddedConv({ pads: [top, bottom, left, right], stride, depthwise, wider = false }: Geometry): Both {
  const around = wider ? 1 : 0;
  return (x, filter) => {
    const padded = tf.pad4d(x as tf.Tensor4D, [
      [around, 0],
      [top, bottom],
      [left, right],
      [0, 0],
    ]);
    const conv = depthwise ? tf.depthwiseConv2d : tf.conv2d;
    return conv(padded, filter as tf.Tensor4D, stride, 'valid');
  };
}

interface Geometry {
  readonly pads: Pads;
  readonly stride: number;
  readonly depthwise: boolean;
  readonly wider?: boolean;
}

const geometry = fc.record({
  pads: fc.tuple(fc.nat(4), fc.nat(4), fc.nat(4), fc.nat(4)),
  stride: fc.constantFrom(1, 2, 3),
  depthwise: fc.boolean(),
  wider: fc.boolean(),
});
const sizes = fc.record({
  height: fc.integer({ min: 5, max: 9 }),
  width: fc.integer({ min: 5, max: 9 }),
  channels: fc.constantFrom(3, 8),
  kernel: fc.constantFrom(1, 3, 5),
});

function operations(f: () => tf.Tensor[]): Record<string, number> {
  resetProfile();
  for (const tensor of f()) tensor.dataSync();
  return Object.fromEntries(profile().map(({ op, calls }) => [op, calls]));
}

describe.skipIf(!available)('a convolution behind a padding', () => {
  beforeEach(() => tf.setBackend('onednn'));

  it('gives what the plain JS backend gives, and so do its gradients', async () => {
    await fc.assert(
      fc.asyncProperty(geometry, sizes, (g, { height, width, channels, kernel }) =>
        expectSame(() => {
          const x = noise([2, height, width, channels], 1);
          const filter = noise([kernel, kernel, channels, g.depthwise ? 1 : 4], 2);
          const f = paddedConv(g);
          const y = f(x, filter);
          return [y, ...tf.grads(f)([x, filter], noise(y.shape, 3))];
        }),
      ),
      { numRuns: 30 },
    );
  });

  it.each([false, true])('computes no padded map, nor its gradient (depthwise: %s)', (depthwise) => {
    tf.tidy(() => {
      const x = noise([2, 8, 8, 16], 1);
      const filter = noise([3, 3, 16, depthwise ? 1 : 8], 2);
      const f = paddedConv({ pads: [1, 1, 1, 1], stride: 2, depthwise });
      for (const precision of ['float32', 'bfloat16'] as const) {
        const counts = operations(() =>
          autocast(precision, () => tf.grads(f)([x, filter], noise(f(x, filter).shape, 3))),
        );
        expect(counts).toMatchObject({ conv2d_backward_data: 1, conv2d_backward_weights: 1 });
        expect(Object.keys(counts)).not.toContain('pad');
        expect(Object.keys(counts)).not.toContain('copy_strided');
      }
    });
  });

  it('reads the map that was padded, and any part of the gradient, and takes zeros around nothing', async () => {
    await expectSame(() => {
      const x = noise([1, 5, 5, 3], 1) as tf.Tensor4D;
      const filter = noise([3, 3, 3, 2], 2) as tf.Tensor4D;
      const padded = tf.pad4d(x, [
        [0, 0],
        [1, 1],
        [1, 1],
        [0, 0],
      ]);
      const y = tf.conv2d(padded, filter, 2, 'valid');
      const dx = tf.grad((a) => tf.conv2d(a as tf.Tensor4D, filter, 2, 'valid'))(padded, noise(y.shape, 3));
      const parts = [
        dx.slice([0, 0, 0, 1], [1, 7, 7, 1]),
        dx.slice([0, 2, 3, 0], [1, 2, 3, 3]),
        dx.slice([0, 6, 0, 0], [1, 1, 7, 3]),
      ];
      const nothing = tf.pad4d(tf.zeros([1, 0, 4, 3]), [
        [0, 0],
        [2, 1],
        [0, 0],
        [0, 0],
      ]);
      return [
        y,
        padded.neg(),
        ...parts,
        dx,
        tf.conv2d(nothing, filter, 1, 'valid'),
        dx.slice([0, 3, 0, 0], [1, 0, 7, 3]),
      ];
    });
  });
});
