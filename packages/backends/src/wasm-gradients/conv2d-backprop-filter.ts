import * as tf from '@tensorflow/tfjs';
import { floats, runNative, transpose, type WasmKernelCall } from './heap.js';

interface Attributes {
  readonly strides: number | [number, number];
  readonly pad: 'valid' | 'same' | number | tf.backend_util.ExplicitPadding;
  readonly dataFormat: 'NHWC' | 'NCHW';
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
  readonly filterShape: [number, number, number, number];
}

/** Output positions summed by one matrix product: longer ones leave the cache, shorter ones are mostly overhead. */
const POSITIONS = 768;

/**
 * Gradient of a 2D convolution (NHWC) with respect to its filter: for every tap of the filter the product of the
 * transposed activations under that tap with the gradient of the output, all taps as one matrix product, summed over
 * strips of output rows.
 *
 * `x [B, H, W, C]`, `dy [B, OH, OW, O]` give `[KH, KW, C, O]`.
 */
export function conv2dBackpropFilter({ inputs, attrs, backend }: WasmKernelCall): tf.TensorInfo {
  const { x, dy } = inputs as { x: tf.TensorInfo; dy: tf.TensorInfo };
  const { strides, pad, dataFormat, dimRoundingMode, filterShape } = attrs as unknown as Attributes;
  const info = tf.backend_util.computeConv2DInfo(
    x.shape as [number, number, number, number],
    filterShape,
    strides,
    1,
    pad,
    dimRoundingMode,
    false,
    tf.backend_util.convertConv2DDataFormat(dataFormat),
  );
  const { batchSize, outHeight, outWidth, outChannels } = info;
  const taps = info.filterHeight * info.filterWidth * info.inChannels;
  const rows = batchSize * outHeight;
  const strip = Math.min(rows, Math.ceil(POSITIONS / outWidth));
  const picture = paddedPicture(info);

  const gradient = new Float32Array(taps * outChannels);
  const unfolded = backend.makeOutput([taps, strip * outWidth], 'float32');
  let loaded = -1;
  for (let first = 0; first < rows; first += strip) {
    const end = Math.min(rows, first + strip);
    const positions = (end - first) * outWidth;
    const part = backend.makeOutput([positions, outChannels], 'float32');
    const from = first * outWidth * outChannels;
    floats(backend, part).set(floats(backend, dy).subarray(from, from + positions * outChannels));

    const activations = floats(backend, x);
    const target = floats(backend, unfolded);
    for (let row = first; row < end; row++) {
      const b = Math.floor(row / outHeight);
      if (b !== loaded) loadPicture(activations, (loaded = b), info, picture);
      unfoldRow(picture, info, row % outHeight, target, (row - first) * outWidth, positions);
    }
    const product = runNative(
      'BatchMatMul',
      backend,
      { a: { ...unfolded, shape: [taps, positions] }, b: part },
      { transposeA: false, transposeB: false },
    ); // [KH * KW * C, O]
    const values = floats(backend, product);
    for (let i = 0; i < gradient.length; i++) gradient[i]! += values[i]!;
    backend.disposeData(product.dataId);
    backend.disposeData(part.dataId);
  }
  backend.disposeData(unfolded.dataId);
  return backend.makeOutput([...filterShape], 'float32', undefined, gradient);
}

/** One picture with its channels first, inside a border of zeros; only what the filter reaches. */
interface Picture {
  readonly data: Float32Array;
  readonly height: number;
  readonly width: number;
}

function paddedPicture(info: tf.backend_util.Conv2DInfo): Picture {
  const height = (info.outHeight - 1) * info.strideHeight + info.filterHeight;
  const width = (info.outWidth - 1) * info.strideWidth + info.filterWidth;
  return { data: new Float32Array(info.inChannels * height * width), height, width };
}

function loadPicture(x: Float32Array, b: number, info: tf.backend_util.Conv2DInfo, picture: Picture): void {
  const { inHeight, inWidth, inChannels, padInfo } = info;
  const { data, height, width } = picture;
  const bottom = Math.min(inHeight, height - padInfo.top);
  const right = Math.min(inWidth, width - padInfo.left);
  for (let h = 0; h < bottom; h++) {
    const from = (b * inHeight + h) * inWidth * inChannels;
    transpose(x, from, right, inChannels, data, (h + padInfo.top) * width + padInfo.left, height * width);
  }
}

/** Copies what each tap sees from output row `oh` to columns `column...` of `target [KH * KW * C, positions]`. */
function unfoldRow(
  { data, height, width }: Picture,
  info: tf.backend_util.Conv2DInfo,
  oh: number,
  target: Float32Array,
  column: number,
  positions: number,
): void {
  const { filterHeight, filterWidth, inChannels, outWidth, strideHeight, strideWidth } = info;
  const plane = height * width;
  let to = column;
  for (let kh = 0; kh < filterHeight; kh++) {
    for (let kw = 0; kw < filterWidth; kw++) {
      let from = (oh * strideHeight + kh) * width + kw;
      for (let c = 0; c < inChannels; c++, to += positions, from += plane) {
        for (let ow = 0, at = from; ow < outWidth; ow++, at += strideWidth) target[to + ow] = data[at]!;
      }
    }
  }
}
