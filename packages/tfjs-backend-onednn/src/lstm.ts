import type {
  GradConfig,
  layers,
  NamedAttrMap,
  NamedTensorMap,
  Tensor,
  Tensor1D,
  Tensor2D,
  Tensor3D,
} from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { gradientDepth } from './gradients.js';
import type { LstmAttrs } from './kernels/lstm.js';
import { BACKEND } from './kernels/register.js';

/** What {@link lstm} computes from. Gates lie in the order input, forget, candidate, output. No dimension may be 0. */
export interface LstmInputs {
  /** [B, T, I] */
  readonly x: Tensor3D;
  /** [I, 4U] */
  readonly kernel: Tensor2D;
  /** [U, 4U] */
  readonly recurrentKernel: Tensor2D;
  /** [4U]; zeros if left out. */
  readonly bias?: Tensor1D | undefined;
  /** h and c [B, U] before the first step; zeros if left out. */
  readonly initialState?: readonly [Tensor2D, Tensor2D] | undefined;
}

/**
 * A layer of long short-term memory (Hochreiter and Schmidhuber, 1997) in one kernel forward and one backward, with the
 * semantics of `tf.layers.lstm`: `z = x kernel + h recurrentKernel + bias`, split into four; with `a` the recurrent
 * activation, `c = a(z1) c + a(z0) tanh(z2)` and `h = a(z3) tanh(c)`.
 *
 * Returns h of all steps [B, T, U] and the last h and c [B, U]. Differentiable once, in all inputs. Exists on this backend
 * only.
 */
export function lstm(
  { x, kernel, recurrentKernel, bias, initialState }: LstmInputs,
  attrs: LstmAttrs,
): [Tensor3D, Tensor2D, Tensor2D] {
  return tf.tidy(() => {
    const units = recurrentKernel.shape[0];
    const [h, c] = initialState ?? [tf.fill([x.shape[0], units], 0), tf.fill([x.shape[0], units], 0)];
    const inputs = { x, kernel, recurrentKernel, bias: bias ?? tf.fill([4 * units], 0), h, c };
    const [y, lastH, lastC] = runKernel('LSTM', inputs, attrs);
    return [y, lastH, lastC] as [Tensor3D, Tensor2D, Tensor2D];
  });
}

const SAVED_INPUTS = ['x', 'kernel', 'recurrentKernel', 'h', 'c'];

const lstmGradient: GradConfig = {
  kernelName: 'LSTM',
  inputsToSave: SAVED_INPUTS,
  outputsToSave: [true, false, false, true, true],
  gradFunc: (dys, saved, attrs) => {
    const [dy, dh, dc] = dys as [Tensor, Tensor, Tensor];
    const names = [...SAVED_INPUTS, 'y', 'cells', 'gates'];
    const inputs = { ...Object.fromEntries(names.map((name, i) => [name, saved[i]!])), dy, dh, dc };
    const gradients = runKernel('LSTMGrad', inputs, attrs as unknown as LstmAttrs);
    const differentiated = ['x', 'kernel', 'recurrentKernel', 'bias', 'h', 'c'];
    return Object.fromEntries(differentiated.map((name, i) => [name, () => gradients[i]!]));
  },
};

function runKernel(name: string, inputs: NamedTensorMap, attrs: LstmAttrs): Tensor[] {
  // The declared type knows kernels with one output only.
  return tf.engine().runKernel(name, inputs, attrs as unknown as NamedAttrMap) as unknown as Tensor[];
}

type LayerVariable = ReturnType<layers.Layer['addWeight']>;
type Activation = { getClassName(): string };

/** The fields of tfjs-layers' LSTM that its `call` uses. */
interface LstmLayer extends layers.Layer {
  readonly cell: {
    readonly kernel: LayerVariable;
    readonly recurrentKernel: LayerVariable;
    readonly bias?: LayerVariable | null;
    readonly activation: Activation;
    readonly recurrentActivation: Activation;
    readonly dropout: number;
    readonly recurrentDropout: number;
  };
  readonly returnSequences: boolean;
  readonly returnState: boolean;
  readonly goBackwards: boolean;
  call(inputs: Tensor | Tensor[], kwargs: LstmArgs | null): Tensor | Tensor[];
}

interface LstmArgs {
  readonly training?: boolean | undefined;
  readonly mask?: Tensor | readonly Tensor[] | null | undefined;
  readonly initialState?: readonly Tensor[] | null | undefined;
}

/**
 * Gives tfjs-layers' stock LSTM, and Bidirectional around it, a fused path, taken while this backend is active. What it does
 * not cover runs step by step as ever: masks, dropout while training, a state kept between batches, other activations than
 * tanh with sigmoid or hardSigmoid, and gradients of gradients.
 */
export function fuseLstm(): void {
  tf.registerGradient(lstmGradient);
  // The stock class is not exported. An instance leads to it; a name of its own keeps it out of the numbers in others' names.
  const stock = Object.getPrototypeOf(tf.layers.lstm({ units: 1, name: 'stock' })) as LstmLayer;
  const { call } = stock;
  stock.call = function (this: LstmLayer, inputs, kwargs) {
    const [x, ...more] = Array.isArray(inputs) ? inputs : [inputs];
    const attrs = x !== undefined && more.length === 0 ? fusedAttrs(this, x, kwargs ?? {}) : undefined;
    return attrs === undefined ? call.call(this, inputs, kwargs) : runFused(this, x as Tensor3D, kwargs ?? {}, attrs);
  };
}

/** How the layer runs fused; undefined where it does not. */
function fusedAttrs(layer: LstmLayer, x: Tensor, { training, mask, initialState }: LstmArgs): LstmAttrs | undefined {
  const { activation, recurrentActivation: gate, dropout, recurrentDropout, kernel, recurrentKernel } = layer.cell;
  const recurrentActivation = gate.getClassName();
  const drops = training && [dropout, recurrentDropout].some((rate) => rate > 0 && rate < 1);
  if (tf.getBackend() !== BACKEND || gradientDepth() > 1) return undefined;
  if (layer.stateful || mask != null || drops || activation.getClassName() !== 'tanh') return undefined;
  if (recurrentActivation !== 'sigmoid' && recurrentActivation !== 'hardSigmoid') return undefined;
  if (x.rank !== 3 || x.size === 0 || x.dtype !== 'float32' || x.shape[2] !== kernel.shape[0]) return undefined;
  const state = [x.shape[0], recurrentKernel.shape[0]!];
  const fits = (tensor: Tensor) => tensor.dtype === 'float32' && tf.util.arraysEqual(tensor.shape, state);
  if (initialState != null && (initialState.length !== 2 || !initialState.every(fits))) return undefined;
  return { recurrentActivation, goBackwards: layer.goBackwards };
}

function runFused(layer: LstmLayer, x: Tensor3D, { initialState }: LstmArgs, attrs: LstmAttrs): Tensor | Tensor[] {
  const { kernel, recurrentKernel, bias } = layer.cell;
  return tf.tidy(() => {
    const inputs = {
      x,
      kernel: kernel.read() as Tensor2D,
      recurrentKernel: recurrentKernel.read() as Tensor2D,
      bias: bias?.read() as Tensor1D | undefined,
      initialState: (initialState ?? undefined) as [Tensor2D, Tensor2D] | undefined,
    };
    const [y, h, c] = lstm(inputs, attrs);
    const output = layer.returnSequences ? y : h;
    return layer.returnState ? [output, h, c] : output;
  });
}
