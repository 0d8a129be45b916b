import * as tf from '@tensorflow/tfjs';
import type { WasmKernel } from './heap.js';

type Shape4D = [number, number, number, number];

interface Attributes {
  readonly strides: number | [number, number];
  readonly pad: 'valid' | 'same' | number | tf.backend_util.ExplicitPadding;
  readonly dilations?: number | [number, number];
}

/**
 * A convolution whose strides are larger than its filter may need fewer rows or columns than there are. The wasm backend then
 * writes nothing under the padding 'same', which is no error there; so it is given the padding in numbers.
 */
export function explicitWhereSameFails(depthwise: boolean): (native: WasmKernel) => WasmKernel {
  return (native) => (call) => {
    const { x, filter } = call.inputs as { x: tf.TensorInfo; filter: tf.TensorInfo };
    const { strides, pad, dilations } = call.attrs as unknown as Attributes;
    if (pad !== 'same') return native(call);
    const info = tf.backend_util.computeConv2DInfo(
      x.shape as Shape4D,
      filter.shape as Shape4D,
      strides,
      dilations ?? 1,
      pad,
      undefined,
      depthwise,
    );
    const isLeft =
      (info.outHeight - 1) * info.strideHeight + info.effectiveFilterHeight < info.inHeight ||
      (info.outWidth - 1) * info.strideWidth + info.effectiveFilterWidth < info.inWidth;
    if (!isLeft) return native(call);
    const { top, bottom, left, right } = info.padInfo;
    const explicit: tf.backend_util.ExplicitPadding = [
      [0, 0],
      [top, bottom],
      [left, right],
      [0, 0],
    ];
    return native({ ...call, attrs: { ...call.attrs, pad: explicit } });
  };
}
