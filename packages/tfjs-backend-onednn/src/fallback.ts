import { ProjError } from '@proj/core';
import type { DataType, KernelBackend, NamedAttrMap, NamedTensorInfoMap, TensorInfo } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';

type Values = ReturnType<KernelBackend['readSync']>;
type DataId = TensorInfo['dataId'];

/** What a kernel function is called with. */
export interface KernelCall {
  readonly inputs: NamedTensorInfoMap;
  readonly attrs?: NamedAttrMap | undefined;
  readonly backend: KernelBackend;
}

const calls = new Map<string, number>();

/** How often each kernel has run on the plain JS implementation since the last reset, by kernel name. */
export function fallbackCalls(): Record<string, number> {
  return Object.fromEntries(calls);
}

/** Sets all counts of {@link fallbackCalls} back to none. */
export function resetFallbackCalls(): void {
  calls.clear();
}

/**
 * Registers for `backendName` every kernel that tfjs's plain JS backend has and `backendName` has not at this moment,
 * each as a call of {@link runFallback}. To be called once, after the native kernels are registered.
 */
export function registerFallbacks(backendName: string): void {
  for (const { kernelName } of tf.getKernelsForBackend('cpu')) {
    if (tf.getKernel(kernelName, backendName) !== undefined) continue;
    tf.registerKernel({
      kernelName,
      backendName,
      kernelFunc: ({ inputs, attrs, backend }) =>
        runFallback(kernelName, { inputs, attrs, backend: backend as KernelBackend }),
    });
  }
}

/**
 * Runs one kernel call on tfjs's plain JS implementation: inputs are read from `backend`, outputs written to it. An
 * output that is an input under another shape or name (Identity, Reshape) shares the input's data in `backend` too.
 * Native kernels delegate to it the dtypes and shapes they do not cover.
 *
 * Needs of `backend`, for every dtype, `readSync`, `write` (which must copy) and `incRef`; complex64 values are one
 * Float32Array with real and imaginary parts interleaved, strings are UTF-8 bytes.
 *
 * @throws ProjError `kernel-missing` when the plain JS backend has no such kernel, and what that kernel itself throws.
 */
export function runFallback(kernelName: string, { inputs, attrs, backend }: KernelCall): TensorInfo | TensorInfo[] {
  const kernel = tf.getKernel(kernelName, 'cpu');
  if (kernel === undefined) {
    throw new ProjError(`Kernel ${kernelName} is neither native nor in tfjs's plain JS backend`, {
      code: 'kernel-missing',
      received: kernelName,
    });
  }
  calls.set(kernelName, (calls.get(kernelName) ?? 0) + 1);

  // A backend made for this one call: whatever the kernel leaves behind in it goes with it.
  const scratch = new ScratchBackend();
  const toScratch = new Map<DataId, DataId>();
  const toBackend = new Map<DataId, TensorInfo>();
  const enter = (tensor: TensorInfo): TensorInfo => {
    const { dataId, shape, dtype } = tensor;
    let copy = toScratch.get(dataId);
    if (copy === undefined) {
      copy = scratch.write(backend.readSync(dataId), shape, dtype);
      toScratch.set(dataId, copy);
      toBackend.set(copy, tensor);
    }
    // Some kernels take their inputs for Tensors and read the rank.
    return Object.assign({ dataId: copy, shape, dtype }, { rank: shape.length });
  };
  const leave = ({ dataId, shape, dtype }: TensorInfo): TensorInfo => {
    const known = toBackend.get(dataId);
    // Cast without loss gives the input's data another dtype, which the plain JS backend alone can store.
    if (known !== undefined && known.dtype === dtype) {
      backend.incRef(known.dataId);
      return { dataId: known.dataId, shape, dtype };
    }
    const output = { dataId: backend.write(scratch.valuesOf(dataId, shape, dtype), shape, dtype), shape, dtype };
    toBackend.set(dataId, output);
    return output;
  };

  const outputs = kernel.kernelFunc({ inputs: mapInputs(inputs, enter), attrs: attrs ?? {}, backend: scratch });
  return Array.isArray(outputs) ? outputs.map(leave) : leave(outputs);
}

/** The plain JS backend as a passing store: it keeps nothing, warns of nothing and leaves the engine alone. */
class ScratchBackend extends MathBackendCPU {
  override write(values: Values, shape: number[], dtype: DataType): DataId {
    const dataId = {};
    if (dtype === 'complex64' && values != null) {
      const { real, imag } = tf.backend_util.splitRealAndImagArrays(values as Float32Array);
      const complexTensorInfos = {
        real: this.makeTensorInfo(shape, 'float32', real),
        imag: this.makeTensorInfo(shape, 'float32', imag),
      };
      this.data.set(dataId, { dtype, refCount: 1, complexTensorInfos });
    } else {
      this.data.set(dataId, { dtype, refCount: 1, values });
    }
    return dataId;
  }

  /** The original makes a Tensor that the engine tracks; the caller of a kernel does that here. */
  override makeOutput<T extends tf.Tensor>(values: Values, shape: number[], dtype: DataType): T {
    return this.makeTensorInfo(shape, dtype, values) as T;
  }

  /** Values of an output in the array type that belongs to its dtype, which not every kernel has chosen. */
  valuesOf(dataId: DataId, shape: number[], dtype: DataType): Values {
    const values = tf.util.sizeFromShape(shape) === 0 ? [] : this.readSync(dataId);
    if (dtype === 'string') return values;
    if (dtype === 'int32') return values instanceof Int32Array ? values : Int32Array.from(values as Float32Array);
    if (dtype === 'bool') return values instanceof Uint8Array ? values : Uint8Array.from(values as Float32Array);
    return values instanceof Float32Array ? values : Float32Array.from(values as Int32Array);
  }
}

/** Inputs come by name or, for kernels that join tensors, as a list; a single input may be a list or absent. */
function mapInputs(inputs: NamedTensorInfoMap, map: (tensor: TensorInfo) => TensorInfo): NamedTensorInfoMap {
  const mapOne = (input: TensorInfo | TensorInfo[] | null | undefined) => {
    if (input == null) return input;
    return Array.isArray(input) ? input.map(map) : map(input);
  };
  const mapped = Array.isArray(inputs)
    ? inputs.map(mapOne)
    : Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, mapOne(input)]));
  return mapped as NamedTensorInfoMap;
}
