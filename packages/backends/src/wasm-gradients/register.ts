import type { KernelFunc } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { conv2dBackpropFilter } from './conv2d-backprop-filter.js';
import { fastConv2dBackpropInput } from './conv2d-backprop-input.js';
import { depthwiseBackpropFilter, depthwiseBackpropInput } from './depthwise-conv2d.js';
import type { WasmKernel } from './heap.js';
import { fastLeadingSum } from './leading-sum.js';
import { fastTransposedMatMul } from './mat-mul.js';
import { maxPoolGrad } from './max-pool-grad.js';
import { explicitWhereSameFails } from './same-padding.js';
import { fastTile } from './tile.js';
import { unsortedSegmentSum } from './unsorted-segment-sum.js';

let registered = false;

/**
 * Makes tfjs's wasm backend fit for training: registers the kernels that it lacks for gradients
 * (Conv2DBackpropFilter, both of depthwise convolution, UnsortedSegmentSum) and puts faster ones in the place of some that
 * are there but cost more than the convolutions (Conv2DBackpropInput, MaxPoolGrad, BatchMatMul with a transposed operand,
 * Tile, Sum and Mean over leading axes). Convolutions with strides larger than the filter, which tfjs leaves zero under the
 * padding `same`, are computed.
 * `chooseBackend` calls it; calling it again does nothing.
 */
export function registerWasmGradients(): void {
  if (registered) return;
  registered = true;
  for (const kernelName of ['Conv2D', 'FusedConv2D']) register(kernelName, explicitWhereSameFails(false));
  for (const kernelName of ['DepthwiseConv2dNative', 'FusedDepthwiseConv2D']) {
    register(kernelName, explicitWhereSameFails(true));
  }
  register('Conv2DBackpropFilter', () => conv2dBackpropFilter);
  register('Conv2DBackpropInput', fastConv2dBackpropInput);
  register('DepthwiseConv2dNativeBackpropFilter', () => depthwiseBackpropFilter);
  register('DepthwiseConv2dNativeBackpropInput', () => depthwiseBackpropInput);
  register('MaxPoolGrad', () => maxPoolGrad);
  register('UnsortedSegmentSum', () => unsortedSegmentSum);
  register('BatchMatMul', fastTransposedMatMul);
  register('Tile', fastTile);
  register('Sum', (native) => fastLeadingSum(native, false));
  register('Mean', (native) => fastLeadingSum(native, true));
}

/** Registers a kernel for wasm, in the place of the one that is there, which `make` is given. */
function register(kernelName: string, make: (native: WasmKernel) => WasmKernel): void {
  const native = tf.getKernel(kernelName, 'wasm');
  if (native !== undefined) tf.unregisterKernel(kernelName, 'wasm');
  tf.registerKernel({
    // The setup of the native kernel stays: a new one may call it.
    ...native,
    kernelName,
    backendName: 'wasm',
    kernelFunc: make(native?.kernelFunc as unknown as WasmKernel) as unknown as KernelFunc,
  });
}
