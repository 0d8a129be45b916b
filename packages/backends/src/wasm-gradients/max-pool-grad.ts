import * as tf from '@tensorflow/tfjs';
import { floats, type WasmKernelCall } from './heap.js';

interface Attributes {
  readonly filterSize: number | [number, number];
  readonly strides: number | [number, number];
  readonly pad: 'valid' | 'same' | number | tf.backend_util.ExplicitPadding;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/**
 * Gradient of 2D max pooling (NHWC): each window's gradient goes to its largest value, the first in reading order when
 * there are several. The wasm backend's own kernel is about ten times slower.
 *
 * `dy [B, OH, OW, C]`, `input [B, H, W, C]` give `[B, H, W, C]`.
 */
export function maxPoolGrad({ inputs, attrs, backend }: WasmKernelCall): tf.TensorInfo {
  const { dy, input } = inputs as { dy: tf.TensorInfo; input: tf.TensorInfo };
  const { filterSize, strides, pad, dimRoundingMode } = attrs as unknown as Attributes;
  const shape = input.shape as [number, number, number, number];
  const info = tf.backend_util.computePool2DInfo(shape, filterSize, strides, 1, pad, dimRoundingMode);
  const { batchSize, inHeight, inWidth, outHeight, outWidth, filterHeight, filterWidth, padInfo } = info;
  const channels = info.inChannels;

  const result = backend.makeOutput([...shape], 'float32');
  const values = floats(backend, input);
  const gradient = floats(backend, dy);
  const target = floats(backend, result).fill(0);
  const largest = new Float32Array(channels);
  const position = new Int32Array(channels);
  let output = 0;
  for (let b = 0; b < batchSize; b++) {
    for (let oh = 0; oh < outHeight; oh++) {
      const top = oh * info.strideHeight - padInfo.top;
      for (let ow = 0; ow < outWidth; ow++, output += channels) {
        const left = ow * info.strideWidth - padInfo.left;
        largest.fill(Number.NEGATIVE_INFINITY);
        position.fill(-1);
        for (let h = Math.max(0, top); h < Math.min(inHeight, top + filterHeight); h++) {
          for (let w = Math.max(0, left); w < Math.min(inWidth, left + filterWidth); w++) {
            const pixel = ((b * inHeight + h) * inWidth + w) * channels;
            for (let c = 0; c < channels; c++) {
              const value = values[pixel + c]!;
              if (value > largest[c]!) {
                largest[c] = value;
                position[c] = pixel + c;
              }
            }
          }
        }
        for (let c = 0; c < channels; c++) {
          const at = position[c]!;
          // A window of nothing but NaN or -Infinity has no largest value.
          if (at >= 0) target[at]! += gradient[output + c]!;
        }
      }
    }
  }
  return result;
}
