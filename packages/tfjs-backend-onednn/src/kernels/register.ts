import { ProjError } from '@proj/core';
import type { backend_util, NamedAttrMap, NamedTensorInfoMap, TensorInfo } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import type { OnednnBackend } from '../backend.js';
import { runFallback } from '../fallback.js';

export const BACKEND = 'onednn';

const calls = new Map<string, number>();

/** How often each kernel has run natively since the last {@link resetNativeCalls}, by kernel name. */
export function nativeCalls(): Record<string, number> {
  return Object.fromEntries(calls);
}

/** Sets all counts of {@link nativeCalls} back to none. */
export function resetNativeCalls(): void {
  calls.clear();
}

/** The inputs of a kernel by name: those it always gets and those that may be missing. */
export type Inputs<Required extends string, Optional extends string = never> = Readonly<
  Record<Required, TensorInfo>
> & {
  readonly [Name in Optional]?: TensorInfo | undefined;
};

export type KernelResult = TensorInfo | TensorInfo[];

/**
 * Registers a native kernel. `run` returns undefined for a call it does not cover (a dtype, a data format), which then
 * goes to the plain JS implementation; it must decide before it makes any tensor.
 */
export function registerNative<In, Attrs = unknown>(
  kernelName: string,
  run: (backend: OnednnBackend, inputs: In, attrs: Attrs) => KernelResult | undefined,
): void {
  tf.registerKernel({
    kernelName,
    backendName: BACKEND,
    kernelFunc: ({ inputs, attrs, backend }) => {
      const result = run(backend as OnednnBackend, inputs as unknown as In, attrs as unknown as Attrs);
      if (result === undefined) return runNot(kernelName, inputs, attrs, backend as OnednnBackend);
      calls.set(kernelName, (calls.get(kernelName) ?? 0) + 1);
      return result;
    },
  });
}

function runNot(
  kernelName: string,
  inputs: NamedTensorInfoMap,
  attrs: NamedAttrMap | undefined,
  backend: OnednnBackend,
): KernelResult {
  return runFallback(kernelName, { inputs, attrs, backend });
}

/** Whether all are tensors of native storage (float32, int32 or bool) and of a rank the addon takes. */
export function isPlain(...tensors: readonly TensorInfo[]): boolean {
  return tensors.every(({ dtype, shape }) => dtype !== 'string' && dtype !== 'complex64' && shape.length <= 8);
}

export function isFloat(...tensors: readonly (TensorInfo | null | undefined)[]): boolean {
  return tensors.every((tensor) => tensor == null || (tensor.dtype === 'float32' && tensor.shape.length <= 8));
}

/** Whether one of the shapes has no elements. */
export function isEmpty(...shapes: readonly (readonly number[])[]): boolean {
  return shapes.some((shape) => shape.includes(0));
}

/**
 * Refuses a window that reaches beyond the padded picture by a row or column and more: tfjs then counts outputs below 0.
 *
 * @throws ProjError `invalid-shape`
 */
export function assertFits(info: backend_util.Conv2DInfo): backend_util.Conv2DInfo {
  if (info.outHeight >= 0 && info.outWidth >= 0) return info;
  throw new ProjError('A window does not fit into the picture', {
    code: 'invalid-shape',
    expected: `height and width, with padding, of at least ${info.effectiveFilterHeight} and ${info.effectiveFilterWidth}`,
    received: `${info.inHeight} and ${info.inWidth}, padding ${JSON.stringify(info.padInfo)}`,
    fix: "Use larger pictures, fewer strides before, or the padding 'same'",
  });
}

/** Runs an operation with one output. */
export function runOne(backend: OnednnBackend, ...call: Parameters<OnednnBackend['run']>): TensorInfo {
  return backend.run(...call)[0]!;
}
