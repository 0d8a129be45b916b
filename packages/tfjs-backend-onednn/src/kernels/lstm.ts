import type { DataType, TensorInfo } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import type { OnednnBackend, Operand } from '../backend.js';
import { autocast } from '../precision.js';
import { unlessZeros } from './create.js';
import { product } from './matmul.js';
import { reduce } from './reduce.js';
import { isEmpty, isFloat, registerNative } from './register.js';

/**
 * Inputs of the kernel `LSTM`: x [B, T, I], kernel [I, 4U], recurrentKernel [U, 4U], bias [4U], initial h and c [B, U].
 * Gates in the order of tfjs-layers: input, forget, candidate, output.
 */
export type LstmKernelInputs = Readonly<Record<'x' | 'kernel' | 'recurrentKernel' | 'bias' | 'h' | 'c', TensorInfo>>;

/** Inputs of `LSTMGrad`: those of `LSTM`, its outputs y, cells and gates, and the gradients of y and of the last h and c. */
export type LstmGradKernelInputs = Omit<LstmKernelInputs, 'bias'> &
  Readonly<Record<'y' | 'cells' | 'gates' | 'dy' | 'dh' | 'dc', TensorInfo>>;

export interface LstmAttrs {
  /** Of the gates; `hardSigmoid` is `0.2 z + 0.5`, cut off at 0 and 1. */
  readonly recurrentActivation: 'sigmoid' | 'hardSigmoid';
  /** From the last step of x to the first. The outputs are in the order of the computation. */
  readonly goBackwards: boolean;
}

const PLAIN = { transposeA: false, transposeB: false };
const LINEAR = { activation: 'linear' } as const;

const float = (shape: number[]) => ({ shape, dtype: 'float32' as DataType });
const numbers = ({ recurrentActivation, goBackwards }: LstmAttrs) => [
  goBackwards ? 1 : 0,
  recurrentActivation === 'hardSigmoid' ? 1 : 0,
];

/** A sequence [B, T, C] as the rows of a matrix [B T, C]. */
function rowsOf(tensor: TensorInfo): TensorInfo {
  const [batch, steps, width] = tensor.shape as [number, number, number];
  return { ...tensor, shape: [batch * steps, width] };
}

/** The native side relies on it. */
function assertShapes({ x, kernel, recurrentKernel, bias, h, c }: LstmKernelInputs): void {
  const [batch, , features] = x.shape;
  const [units] = recurrentKernel.shape;
  const wide = 4 * units!;
  const expected = [[features, wide], [units, wide], [wide], [batch, units], [batch, units]];
  const actual = [kernel, recurrentKernel, bias, h, c].map(({ shape }) => shape);
  tf.util.assert(
    x.shape.length === 3 && expected.every((shape, i) => tf.util.arraysEqual(shape as number[], actual[i]!)),
    () =>
      `LSTM: for x [${x.shape}] and ${units} units the other shapes are [${expected.join('], [')}], not [${actual.join('], [')}].`,
  );
}

/** y [B, T, U], the last h and c [B, U]; for the gradient all c [B, T, U] and the gates [B, T, 4U]. */
function forward(backend: OnednnBackend, inputs: LstmKernelInputs, attrs: LstmAttrs): TensorInfo[] {
  const { x, kernel, recurrentKernel, bias, h, c } = inputs;
  const [batch, steps] = x.shape as [number, number, number];
  const units = recurrentKernel.shape[0]!;
  const ofInputs = product(backend, rowsOf(x), kernel, PLAIN, { bias: unlessZeros(backend, bias), ...LINEAR })!; // [B T, 4U]
  const operands: Operand[] = [
    { dataId: ofInputs.dataId, shape: [batch, steps, 4 * units] },
    recurrentKernel,
    unlessZeros(backend, h),
    unlessZeros(backend, c),
  ];
  const sequence = float([batch, steps, units]);
  const state = float([batch, units]);
  const gates = float([batch, steps, 4 * units]);
  const outputs = backend.run('lstm', operands, [sequence, state, state, sequence, gates], numbers(attrs));
  backend.disposeIntermediateTensorInfo(ofInputs);
  return outputs;
}

/** Gradients of x, kernel, recurrentKernel, bias and of the initial h and c. */
function backward(backend: OnednnBackend, inputs: LstmGradKernelInputs, attrs: LstmAttrs): TensorInfo[] {
  const { x, kernel, recurrentKernel, h, c, y, cells, gates, dy, dh, dc } = inputs;
  const optional = (tensor: TensorInfo) => unlessZeros(backend, tensor);
  const operands: Operand[] = [recurrentKernel, optional(h), optional(c), y, cells, gates];
  operands.push(optional(dy), optional(dh), optional(dc));
  const [dz, before, dh0, dc0] = backend.run(
    'lstm_grad',
    operands,
    [float(gates.shape), float(y.shape), float(h.shape), float(c.shape)],
    numbers(attrs),
  ) as [TensorInfo, TensorInfo, TensorInfo, TensorInfo];
  const rows = rowsOf(dz);
  const transposed = { transposeA: true, transposeB: false };
  const dkernel = product(backend, rowsOf(x), rows, transposed, LINEAR)!; // [I, 4U]
  // As the recurrence itself, whatever the precision.
  const drecurrent = autocast('float32', () => product(backend, rowsOf(before), rows, transposed, LINEAR)!); // [U, 4U]
  const dbias = reduce(backend, 'sum', rows, { axis: 0, keepDims: false }, 'float32'); // [4U]
  // Deferred, because nobody wants it of a net's first layer.
  const matrix = ({ dataId, shape }: TensorInfo) => ({ dataId, shape: [1, ...shape] });
  const dx = backend.defer(
    'matmul',
    [matrix(rows), matrix(kernel), undefined],
    [1, rows.shape[0]!, kernel.shape[0]!],
    [0, 1, 0, 0],
  );
  backend.disposeIntermediateTensorInfo(dz);
  backend.disposeIntermediateTensorInfo(before);
  return [{ ...dx, shape: x.shape }, dkernel, drecurrent, dbias, dh0, dc0];
}

export function registerLstm(): void {
  registerNative<LstmKernelInputs, LstmAttrs>('LSTM', (backend, inputs, attrs) => {
    const tensors = Object.values(inputs);
    const native = isFloat(...tensors) && !isEmpty(...tensors.map(({ shape }) => shape));
    if (!native) return undefined;
    assertShapes(inputs);
    return forward(backend, inputs, attrs);
  });
  registerNative<LstmGradKernelInputs, LstmAttrs>('LSTMGrad', backward);
}
