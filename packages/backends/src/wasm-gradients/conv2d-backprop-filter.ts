import * as tf from '@tensorflow/tfjs';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { floats, transpose, type WasmKernelCall } from './heap.js';
import { sumOfStrips } from './strips.js';

interface Attributes {
  readonly strides: number | [number, number];
  readonly pad: 'valid' | 'same' | number | tf.backend_util.ExplicitPadding;
  readonly dataFormat: 'NHWC' | 'NCHW';
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
  readonly filterShape: [number, number, number, number];
}

/**
 * Gradient of a 2D convolution (NHWC) with respect to its filter, as products of matrices, summed over strips of output
 * positions: for every tap of the filter the transposed activations under that tap with the gradient of the output.
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
  const sizes = [info.filterHeight, info.filterWidth, info.strideHeight, info.strideWidth];
  const isPointwise =
    sizes.every((size) => size === 1) && tf.util.arraysEqual(dy.shape.slice(0, 3), x.shape.slice(0, 3));
  const gradient = isPointwise ? ofPixels(x, dy, info, backend) : ofWindows(x, dy, info, backend);
  return backend.makeOutput([...filterShape], 'float32', undefined, gradient);
}

/** Of a 1x1 filter that meets each pixel once: `[C, O]`, or as its transpose, which is faster where there are more outputs. */
function ofPixels(
  x: tf.TensorInfo,
  dy: tf.TensorInfo,
  { batchSize, outHeight, outWidth, inChannels, outChannels }: tf.backend_util.Conv2DInfo,
  backend: BackendWasm,
): Float32Array {
  const isSwapped = outChannels > inChannels;
  const [left, right] = isSwapped ? [dy, x] : [x, dy];
  const [rows, columns] = isSwapped ? [outChannels, inChannels] : [inChannels, outChannels];
  const sum = sumOfStrips(
    backend,
    { rows, columns, positions: batchSize * outHeight * outWidth },
    right,
    (first, count, target) => transpose(floats(backend, left), first * rows, count, rows, target, 0),
  );
  if (!isSwapped) return sum;
  const gradient = new Float32Array(sum.length);
  transpose(sum, 0, rows, columns, gradient, 0);
  return gradient;
}

/** `[KH * KW * C, O]`. */
function ofWindows(
  x: tf.TensorInfo,
  dy: tf.TensorInfo,
  info: tf.backend_util.Conv2DInfo,
  backend: BackendWasm,
): Float32Array {
  const { batchSize, outHeight, outWidth, outChannels, inChannels } = info;
  const rows = info.filterHeight * info.filterWidth * inChannels;
  const picture = pictureOf(info);
  let loaded = -1;
  return sumOfStrips(
    backend,
    { rows, columns: outChannels, positions: batchSize * outHeight * outWidth, unit: outWidth, more: picture.size },
    dy,
    (first, count, target) => {
      const activations = floats(backend, x);
      const place = target.length - picture.size;
      if (loaded < 0) target.fill(0, place);
      for (let position = first; position < first + count; position += outWidth) {
        const row = position / outWidth;
        const b = Math.floor(row / outHeight);
        if (b !== loaded) loadPicture(activations, (loaded = b), info, picture, target, place);
        unfoldRow(info, picture, target, place, row % outHeight, position - first, count);
      }
    },
  );
}

/**
 * How one picture is laid out with its channels first, inside a border of zeros; only what the filter reaches. In a row stand
 * first columns 0, stride, 2 stride, ..., then 1, stride + 1, ...: what a tap sees from a row of outputs lies together.
 */
interface Picture {
  readonly height: number;
  /** Columns of a row that leave the same remainder. */
  readonly phase: number;
  /** Values of a channel. */
  readonly plane: number;
  readonly size: number;
}

function pictureOf(info: tf.backend_util.Conv2DInfo): Picture {
  const height = (info.outHeight - 1) * info.strideHeight + info.filterHeight;
  const phase = info.outWidth + Math.ceil(info.filterWidth / info.strideWidth) - 1;
  const plane = height * phase * info.strideWidth;
  return { height, phase, plane, size: plane * info.inChannels };
}

function loadPicture(
  x: Float32Array,
  b: number,
  { inHeight, inWidth, inChannels, strideWidth, padInfo }: tf.backend_util.Conv2DInfo,
  { height, phase, plane }: Picture,
  target: Float32Array,
  place: number,
): void {
  const bottom = Math.min(inHeight, height - padInfo.top);
  for (let remainder = 0; remainder < strideWidth; remainder++) {
    // Column w of the picture is padded column w + left: the first one and the last of this remainder.
    const start = Math.max(0, Math.ceil((padInfo.left - remainder) / strideWidth));
    const end = Math.min(phase, Math.ceil((inWidth + padInfo.left - remainder) / strideWidth));
    const w = start * strideWidth + remainder - padInfo.left;
    for (let h = 0; h < bottom; h++) {
      const from = ((b * inHeight + h) * inWidth + w) * inChannels;
      const to = place + ((h + padInfo.top) * strideWidth + remainder) * phase + start;
      transpose(x, from, end - start, inChannels, target, to, plane, strideWidth * inChannels);
    }
  }
}

/** From so many values on a call that copies them is faster than a loop. */
const LONG = 16;

/** Copies what each tap sees from output row `oh` to columns `column...` of `target [KH * KW * C, positions]`. */
function unfoldRow(
  info: tf.backend_util.Conv2DInfo,
  { phase, plane }: Picture,
  target: Float32Array,
  place: number,
  oh: number,
  column: number,
  positions: number,
): void {
  const { filterHeight, filterWidth, inChannels, outWidth, strideHeight, strideWidth } = info;
  let to = column;
  for (let kh = 0; kh < filterHeight; kh++) {
    for (let kw = 0; kw < filterWidth; kw++) {
      const segment = (oh * strideHeight + kh) * strideWidth + (kw % strideWidth);
      let from = place + segment * phase + Math.floor(kw / strideWidth);
      for (let c = 0; c < inChannels; c++, to += positions, from += plane) {
        if (outWidth >= LONG) target.copyWithin(to, from, from + outWidth);
        else for (let ow = 0; ow < outWidth; ow++) target[to + ow] = target[from + ow]!;
      }
    }
  }
}
