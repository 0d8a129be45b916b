import { ProjError } from '@proj/core';
import * as tf from '@tensorflow/tfjs';
import { OnednnBackend } from './backend.js';
import { getPrecision } from './precision.js';
import { copyOf, isCurrent, record, releaseProgram, replay } from './program.js';
import { isSame, type Program } from './recorder.js';
import { Storage } from './storage.js';

/** A function that {@link trace} made. */
export interface Traced<Inputs extends tf.Tensor[], Output extends tf.Tensor | tf.Tensor[]> {
  (...inputs: Inputs): Output;
  /** Gives up what has been recorded. The function can still be called, and records anew. */
  dispose(): void;
}

/** What is known of one function for inputs of certain shapes. */
interface Recorded {
  readonly backend: OnednnBackend;
  readonly program: Program;
  readonly returnsArray: boolean;
  readonly isRepeatable: boolean;
}

/** Recordings that differ from the one before until the function is run as it is from then on. */
const MAX_DIFFERENT = 3;

/** Programs of one function, each for inputs of other shapes. */
const MAX_PROGRAMS = 8;

/**
 * Makes a function that does what `f` does without JavaScript in between: its first two calls with inputs of some shapes,
 * dtypes and precision run `f` and record the native operations, and each later one repeats these in a single native call.
 * For predictions of one picture, where tfjs-layers takes longer to ask than the kernels to answer:
 * `const predict = trace((x: tf.Tensor) => model.predictOnBatch(x) as tf.Tensor)`; and for the gradients of training steps,
 * where it takes a core from the kernels meanwhile. The idea is that of `torch.jit.trace` and CUDA graphs.
 *
 * What `f` does must follow from its inputs and from variables. Variables are used as they are at each call, and assigned where
 * `f` assigned them, as batch normalisation does while it trains. Masks of dropout layers are drawn at each call, by the seed
 * that the layer has at the time. A function that draws other random numbers, as `tf.randomNormal` does by `Math.random`, is not
 * repeated: `f` runs each time, as it does where two recorded calls in a row differ. Other branches and numbers of JavaScript are
 * those of the recorded calls: what changes only later, as a learning rate or the rate of a dropout layer may, must be passed as
 * a tensor or stay outside. Once a tensor from outside has been disposed, `f` is recorded anew.
 *
 * `f` runs in a `tf.tidy`, on copies of its inputs. No gradient passes through a recording: under `tf.grad`, inside of another
 * traced function, for inputs that are variables, strings or complex numbers, while another backend is active, and in tfjs's
 * debug mode, which reads what each operation gives, `f` runs as it is. A variable that shares its data with a tensor gets a
 * copy of its own when it is recorded. The programs for the eight shapes used last are kept, with what they hold, until
 * {@link Traced.dispose}.
 *
 * @param f from tensors to a tensor or an array of them; synchronous.
 * @throws ProjError (the function that is returned) `not-traceable` when `f` reads values or returns a promise.
 */
export function trace<Inputs extends tf.Tensor[], Output extends tf.Tensor | tf.Tensor[]>(
  f: (...inputs: Inputs) => Output,
): Traced<Inputs, Output> {
  const records = new Map<string, Recorded>();
  const different = new Map<string, number>();

  function keep(key: string, recorded: Recorded): void {
    records.delete(key); // Goes behind the others.
    records.set(key, recorded);
    if (records.size > MAX_PROGRAMS) forget(records.keys().next().value!);
  }

  function forget(key: string): void {
    const { program, backend } = records.get(key)!;
    releaseProgram(backend, program);
    records.delete(key);
  }

  const givesUp = (key: string) => (different.get(key) ?? 0) >= MAX_DIFFERENT;

  function runAndRecord(key: string, backend: OnednnBackend, inputs: Inputs): Output {
    let output: Output | undefined;
    // Copies, since what `f` does with an input must not be taken for what it does with a tensor from outside.
    const copies: tf.Tensor[] = [];
    let newest: tf.Tensor | undefined;
    try {
      for (const input of inputs) copies.push(tf.engine().makeTensorFromTensorInfo(copyOf(backend, input)));
      newest = tf.scalar(0);
      const { id } = newest;
      const program = record(backend, copies, () => {
        output = tf.tidy(() => ownOutput(f(...(copies as Inputs)), id));
        return [output].flat() as tf.Tensor[];
      });
      const before = records.get(key);
      const isRepeatable = before !== undefined && isSame(before.program, program);
      if (before !== undefined) {
        forget(key);
        if (isRepeatable) different.delete(key);
        else different.set(key, (different.get(key) ?? 0) + 1);
      }
      if (givesUp(key)) releaseProgram(backend, program);
      else keep(key, { backend, program, returnsArray: Array.isArray(output), isRepeatable });
      return output!;
    } catch (error) {
      tf.dispose(output);
      throw error;
    } finally {
      tf.dispose([newest, ...copies]);
    }
  }

  function traced(...inputs: Inputs): Output {
    const backend = tf.backend();
    if (!(backend instanceof OnednnBackend) || !isTraceable(backend, inputs)) return f(...inputs);
    const key = keyOf(backend, inputs);
    const known = records.get(key);
    if (known !== undefined && !(known.backend === backend && isCurrent(backend, known.program))) {
      forget(key);
      different.delete(key);
    } else if (known?.isRepeatable) {
      keep(key, known);
      const outputs = replay(backend, known.program, inputs);
      const results = outputs.map((output) => tf.engine().makeTensorFromTensorInfo(output));
      return (known.returnsArray ? results : results[0]) as Output;
    } else if (known === undefined && givesUp(key)) {
      return f(...inputs);
    }
    return runAndRecord(key, backend, inputs);
  }

  return Object.assign(traced, {
    dispose() {
      for (const key of [...records.keys()]) forget(key);
      different.clear();
    },
  });
}

function isTraceable(backend: OnednnBackend, inputs: readonly tf.Tensor[]): boolean {
  if (backend.recorder !== undefined || tf.engine().isTapeOn() || tf.env().getBool('DEBUG')) return false;
  return inputs.every((input) => input.dtype in Storage && !input.isDisposed && !(input instanceof tf.Variable));
}

function keyOf(backend: OnednnBackend, inputs: readonly tf.Tensor[]): string {
  const described = inputs.map((input) => `${input.dtype} ${backend.bufferOf(input).storage} ${input.shape}`);
  return [getPrecision(), ...described].join(';');
}

/** What belongs to the caller: nothing that existed before, which a repetition would not return either. */
function ownOutput<Output extends tf.Tensor | tf.Tensor[]>(output: Output, newestBefore: number): Output {
  const own = (tensor: tf.Tensor) => {
    if (!(tensor instanceof tf.Tensor) || !(tensor.dtype in Storage)) throw notTraceable(tensor);
    return tensor.id <= newestBefore || tensor instanceof tf.Variable ? tensor.clone() : tensor;
  };
  return (Array.isArray(output) ? output.map(own) : own(output as tf.Tensor)) as Output;
}

function notTraceable(output: unknown): ProjError {
  // Nobody else will: an error in it would end the process.
  if (output instanceof Promise) output.catch(() => undefined);
  const received = output instanceof tf.Tensor ? `a ${output.dtype} tensor` : String(output);
  return new ProjError('A traced function must return tensors', {
    code: 'not-traceable',
    expected: 'a float32, int32 or bool tensor, or an array of them',
    received: output instanceof Promise ? 'a promise' : received,
  });
}
