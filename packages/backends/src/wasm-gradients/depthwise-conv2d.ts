import * as tf from '@tensorflow/tfjs';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { floats, runNative, type WasmKernelCall } from './heap.js';
import { type Convolve, inputGradient } from './input-gradient.js';

type Shape4D = [number, number, number, number];

/** tfjs has no gradient of a dilated depthwise convolution, so dilations are always 1 here. */
interface Attributes {
  readonly strides: number | [number, number];
  readonly pad: 'valid' | 'same' | number | tf.backend_util.ExplicitPadding;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/**
 * Gradient of a depthwise 2D convolution (NHWC) with respect to its input: depthwise convolutions of `dy` with the
 * filter turned round, see `inputGradient`.
 *
 * `dy [B, OH, OW, C * M]`, `filter [KH, KW, C, M]` give `[B, H, W, C]`.
 */
export function depthwiseBackpropInput({ inputs, attrs, backend }: WasmKernelCall): tf.TensorInfo {
  const { dy, filter } = inputs as { dy: tf.TensorInfo; filter: tf.TensorInfo };
  const { inputShape, ...rest } = attrs as unknown as Attributes & { inputShape: Shape4D };
  const info = depthwiseInfo(inputShape, filter.shape as Shape4D, rest);
  const { filterWidth, inChannels, outChannels } = info;

  const convolve: Convolve = (x, v, h, pad) => {
    const [height, width] = fastSize(v.taps, h.taps);
    const turned = backend.makeOutput([height, width, outChannels, 1], 'float32');
    const source = floats(backend, filter);
    const target = floats(backend, turned).fill(0);
    for (let t = 0; t < v.taps; t++) {
      for (let u = 0; u < h.taps; u++) {
        const [row, column] = [v.remainder + v.stride * t, h.remainder + h.stride * u];
        const tap = row * filterWidth + column;
        const place = (v.taps - 1 - t) * width + h.taps - 1 - u;
        target.set(source.subarray(tap * outChannels, (tap + 1) * outChannels), place * outChannels);
      }
    }
    const [, [top, bottom], [left, right]] = pad;
    const around: typeof pad = [
      [0, 0],
      [top, bottom + height - v.taps],
      [left, right + width - h.taps],
      [0, 0],
    ];
    const settings = { strides: 1, dilations: 1, pad: around };
    const result = runNative('DepthwiseConv2dNative', backend, { x, filter: turned }, settings); // [B, h, w, C * M]
    backend.disposeData(turned.dataId);
    if (outChannels === inChannels) return result;

    const shape = [...result.shape.slice(0, 3), inChannels, outChannels / inChannels];
    const sum = runNative('Sum', backend, { x: { ...result, shape } }, { axis: [4], keepDims: false }); // [B, h, w, C]
    backend.disposeData(result.dataId);
    return sum;
  };
  return inputGradient(info, dy, backend, convolve);
}

/**
 * The size of the smallest filter with so many rows and columns, if need be with taps of zero after the others, for which the
 * wasm backend is fast: it takes one of 1x2 taps fifteen times as long as one of 2x2. Under a tap of zero a number that is not
 * finite makes not-a-number.
 */
function fastSize(rows: number, columns: number): readonly [number, number] {
  const side = [1, 2, 3, 5].find((each) => each >= Math.max(rows, columns));
  return side === undefined ? [rows, columns] : [side, side];
}

/**
 * Gradient of a depthwise 2D convolution (NHWC) with respect to its filter: for each tap the mean over each picture of
 * the activations under that tap times the gradient of the output, both of which the wasm backend does fast.
 *
 * `x [B, H, W, C]`, `dy [B, OH, OW, C * M]` give `[KH, KW, C, M]`.
 */
export function depthwiseBackpropFilter({ inputs, attrs, backend }: WasmKernelCall): tf.TensorInfo {
  const { x, dy } = inputs as { x: tf.TensorInfo; dy: tf.TensorInfo };
  const { filterShape, ...rest } = attrs as unknown as Attributes & { filterShape: Shape4D };
  const info = depthwiseInfo(x.shape as Shape4D, filterShape, rest);
  const { batchSize, outHeight, outWidth, outChannels, filterHeight, filterWidth } = info;

  const gradient = new Float32Array(filterHeight * filterWidth * outChannels);
  const under = backend.makeOutput([...dy.shape], 'float32');
  for (let kh = 0; kh < filterHeight; kh++) {
    for (let kw = 0; kw < filterWidth; kw++) {
      copyUnderTap(backend, x, under, info, kh, kw);
      const product = runNative('Multiply', backend, { a: under, b: dy }, {});
      const settings = { filterSize: [outHeight, outWidth], strides: 1, pad: 'valid' };
      const means = runNative('AvgPool', backend, { x: product }, settings); // [B, 1, 1, C * M]
      const values = floats(backend, means);
      const to = (kh * filterWidth + kw) * outChannels;
      for (let i = 0; i < batchSize * outChannels; i++) {
        gradient[to + (i % outChannels)]! += values[i]! * outHeight * outWidth;
      }
      backend.disposeData(product.dataId);
      backend.disposeData(means.dataId);
    }
  }
  backend.disposeData(under.dataId);
  return backend.makeOutput([...filterShape], 'float32', undefined, gradient);
}

/**
 * Writes to `under [B, OH, OW, C * M]` what one tap sees of `x` at every output position, each channel as often as it has
 * outputs; zeros outside the picture.
 */
function copyUnderTap(
  backend: BackendWasm,
  x: tf.TensorInfo,
  under: tf.TensorInfo,
  info: tf.backend_util.Conv2DInfo,
  kh: number,
  kw: number,
): void {
  const { inHeight, inWidth, outHeight, outWidth, inChannels, outChannels, strideWidth } = info;
  const multiplier = outChannels / inChannels;
  const left = kw - info.padInfo.left;
  const start = Math.min(outWidth, Math.max(0, Math.ceil(-left / strideWidth)));
  const end = Math.max(start, Math.min(outWidth, Math.floor((inWidth - 1 - left) / strideWidth) + 1));
  const line = outWidth * outChannels;
  const memory = new Float32Array(floats(backend, x).buffer); // both lie in it: to copy within is the fastest
  const source = floats(backend, x).byteOffset / 4;
  let target = floats(backend, under).byteOffset / 4;
  for (let row = 0; row < info.batchSize * outHeight; row++, target += line) {
    const h = (row % outHeight) * info.strideHeight + kh - info.padInfo.top;
    if (h < 0 || h >= inHeight) {
      memory.fill(0, target, target + line);
      continue;
    }
    memory.fill(0, target, target + start * outChannels);
    memory.fill(0, target + end * outChannels, target + line);
    const pixel = (Math.floor(row / outHeight) * inHeight + h) * inWidth + start * strideWidth + left;
    let from = source + pixel * inChannels;
    let to = target + start * outChannels;
    if (multiplier === 1 && strideWidth === 1) {
      memory.copyWithin(to, from, from + (end - start) * inChannels);
      continue;
    }
    for (let ow = start; ow < end; ow++, from += strideWidth * inChannels, to += outChannels) {
      if (multiplier === 1) memory.copyWithin(to, from, from + inChannels);
      else for (let o = 0; o < outChannels; o++) memory[to + o] = memory[from + Math.floor(o / multiplier)]!;
    }
  }
}

function depthwiseInfo(inputShape: Shape4D, filterShape: Shape4D, attributes: Attributes) {
  const { strides, pad, dimRoundingMode } = attributes;
  return tf.backend_util.computeConv2DInfo(inputShape, filterShape, strides, 1, pad, dimRoundingMode, true);
}
