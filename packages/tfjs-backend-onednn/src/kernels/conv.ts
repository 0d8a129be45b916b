import type {
  backend_util,
  Conv2DAttrs,
  Conv2DBackpropFilterAttrs,
  Conv2DBackpropInputAttrs,
  DepthwiseConv2dNativeAttrs,
  DepthwiseConv2dNativeBackpropFilterAttrs,
  DepthwiseConv2dNativeBackpropInputAttrs,
  FusedConv2DAttrs,
  TensorInfo,
} from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import type { OnednnBackend } from '../backend.js';
import { type Epilogue, planEpilogue } from './activation.js';
import { padAfter, withoutPadding } from './padded-conv.js';
import { assertFits, type Inputs, isEmpty, isFloat, registerNative, runOne } from './register.js';

type ConvInfo = backend_util.Conv2DInfo;

interface Geometry {
  readonly strides: [number, number] | number;
  readonly pad: 'valid' | 'same' | number | backend_util.ExplicitPadding;
  readonly dilations?: [number, number] | number | null;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

function infoOf(
  xShape: readonly number[],
  filterShape: readonly number[],
  { strides, pad, dilations, dimRoundingMode }: Geometry,
  depthwise: boolean,
): ConvInfo {
  return assertFits(
    tf.backend_util.computeConv2DInfo(
      xShape as [number, number, number, number],
      filterShape as [number, number, number, number],
      strides,
      dilations ?? 1,
      pad,
      dimRoundingMode,
      depthwise,
    ),
  );
}

/**
 * The numbers that the native convolutions take, in the order of `native/conv.cc`; undefined for the output sizes that
 * tfjs makes of a numeric padding when kernel or stride are not square, which no padding explains.
 */
function geometryNumbers(info: ConvInfo, depthwise: boolean): number[] | undefined {
  const { top, left } = info.padInfo;
  const bottom = padAfter(info.inHeight, info.outHeight, info.strideHeight, info.effectiveFilterHeight, top);
  const right = padAfter(info.inWidth, info.outWidth, info.strideWidth, info.effectiveFilterWidth, left);
  if (bottom === undefined || right === undefined) return undefined;
  const steps = [info.strideHeight, info.strideWidth, info.dilationHeight, info.dilationWidth];
  return [...steps, top, bottom, left, right, depthwise ? 1 : 0];
}

function forward(
  backend: OnednnBackend,
  x: TensorInfo,
  filter: TensorInfo,
  info: ConvInfo,
  depthwise: boolean,
  epilogue: Epilogue,
): TensorInfo | undefined {
  const geometry = geometryNumbers(info, depthwise);
  if (geometry === undefined || isEmpty(x.shape, filter.shape, info.outShape)) return undefined;
  const plan = planEpilogue(backend, epilogue, info.outChannels);
  const inside = withoutPadding(backend, x, geometry, filter.shape, info.outShape);
  const operands = [inside.x, filter, plan.bias];
  const numbers = [...inside.geometry, ...plan.numbers];
  // A batch normalisation may come next, which then runs in the same pass.
  if (plan.isLinear) return backend.defer('conv2d', operands, info.outShape, numbers); // [B, OH, OW, OC]
  return plan.finish(runOne(backend, 'conv2d', operands, [{ shape: info.outShape, dtype: 'float32' }], numbers));
}

function backwardData(
  backend: OnednnBackend,
  dy: TensorInfo,
  filter: TensorInfo,
  info: ConvInfo,
  depthwise: boolean,
): TensorInfo | undefined {
  // tfjs lets a transposed convolution ignore what lies beyond the output that its arguments describe.
  if (!tf.util.arraysEqual(dy.shape, info.outShape)) return undefined;
  const geometry = geometryNumbers(info, depthwise);
  if (geometry === undefined || isEmpty(dy.shape, filter.shape, info.inShape)) return undefined;
  // tfjs asks for it also where nobody wants it, at the first convolution: so it is computed when it is used.
  return backend.defer('conv2d_backward_data', [dy, filter], info.inShape, geometry); // [B, H, W, C]
}

function backwardWeights(
  backend: OnednnBackend,
  x: TensorInfo,
  dy: TensorInfo,
  info: ConvInfo,
  depthwise: boolean,
): TensorInfo | undefined {
  const geometry = geometryNumbers(info, depthwise);
  if (geometry === undefined || isEmpty(x.shape, dy.shape, info.filterShape)) return undefined;
  const inside = withoutPadding(backend, x, geometry, info.filterShape, info.outShape);
  return runOne(
    backend,
    'conv2d_backward_weights',
    [inside.x, dy],
    [{ shape: info.filterShape, dtype: 'float32' }], // [KH, KW, C, OC]
    inside.geometry,
  );
}

const NO_EPILOGUE: Epilogue = { activation: 'linear' };

export function registerConv(): void {
  registerNative<Inputs<'x' | 'filter'>, Conv2DAttrs>('Conv2D', (backend, { x, filter }, attrs) => {
    if (attrs.dataFormat === 'NCHW' || !isFloat(x, filter)) return undefined;
    return forward(backend, x, filter, infoOf(x.shape, filter.shape, attrs, false), false, NO_EPILOGUE);
  });
  registerNative<Inputs<'x' | 'filter'>, DepthwiseConv2dNativeAttrs>(
    'DepthwiseConv2dNative',
    (backend, { x, filter }, attrs) => {
      if (attrs.dataFormat === 'NCHW' || !isFloat(x, filter)) return undefined;
      return forward(backend, x, filter, infoOf(x.shape, filter.shape, attrs, true), true, NO_EPILOGUE);
    },
  );
  for (const [kernelName, depthwise] of [
    ['FusedConv2D', false],
    ['FusedDepthwiseConv2D', true],
  ] as const) {
    registerNative<Inputs<'x' | 'filter', 'bias' | 'preluActivationWeights'>, FusedConv2DAttrs>(
      kernelName,
      (backend, inputs, attrs) => {
        const { x, filter, bias, preluActivationWeights } = inputs;
        if (attrs.dataFormat === 'NCHW' || !isFloat(x, filter, bias, preluActivationWeights)) return undefined;
        const info = infoOf(x.shape, filter.shape, attrs, depthwise);
        return forward(backend, x, filter, info, depthwise, { bias, preluActivationWeights, ...attrs });
      },
    );
  }

  registerNative<Inputs<'dy' | 'filter'>, Conv2DBackpropInputAttrs>(
    'Conv2DBackpropInput',
    (backend, { dy, filter }, attrs) => {
      if (attrs.dataFormat === 'NCHW' || !isFloat(dy, filter)) return undefined;
      return backwardData(backend, dy, filter, infoOf(attrs.inputShape, filter.shape, attrs, false), false);
    },
  );
  registerNative<Inputs<'dy' | 'filter'>, DepthwiseConv2dNativeBackpropInputAttrs>(
    'DepthwiseConv2dNativeBackpropInput',
    (backend, { dy, filter }, attrs) =>
      isFloat(dy, filter)
        ? backwardData(backend, dy, filter, infoOf(attrs.inputShape, filter.shape, attrs, true), true)
        : undefined,
  );
  registerNative<Inputs<'x' | 'dy'>, Conv2DBackpropFilterAttrs>('Conv2DBackpropFilter', (backend, { x, dy }, attrs) => {
    if (attrs.dataFormat === 'NCHW' || !isFloat(x, dy)) return undefined;
    return backwardWeights(backend, x, dy, infoOf(x.shape, attrs.filterShape, attrs, false), false);
  });
  registerNative<Inputs<'x' | 'dy'>, DepthwiseConv2dNativeBackpropFilterAttrs>(
    'DepthwiseConv2dNativeBackpropFilter',
    (backend, { x, dy }, attrs) =>
      isFloat(x, dy)
        ? backwardWeights(backend, x, dy, infoOf(x.shape, attrs.filterShape, attrs, true), true)
        : undefined,
  );
}
