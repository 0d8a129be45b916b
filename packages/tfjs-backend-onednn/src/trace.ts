import { ProjError } from '@proj/core';
import * as tf from '@tensorflow/tfjs';
import { OnednnBackend } from './backend.js';
import { getPrecision } from './precision.js';
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
  /** Whether it was recorded once, twice with the same result, or is of no use because two recordings differed. */
  readonly state: 'once' | 'repeatable' | 'different';
}

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
 * `f` assigned them, as batch normalisation does while it trains. Branches and numbers of JavaScript are those of the recorded
 * calls: where these differ, as with dropout, which draws anew each time, nothing is repeated and `f` runs each time; what
 * changes only later, as a learning rate may, must be passed as a tensor or stay outside. Once a tensor from outside has been
 * disposed, `f` is recorded anew.
 *
 * `f` runs in a `tf.tidy`. No gradient passes through a recording: under `tf.grad`, inside of another traced function, with
 * two inputs that share their data, for strings and complex numbers, and while another backend is active, `f` runs as it is.
 * The programs for the eight shapes used last are kept, with what they hold, until {@link Traced.dispose}.
 *
 * @param f from tensors to a tensor or an array of them; synchronous.
 * @throws ProjError (the function that is returned) `not-traceable` when `f` reads values or returns a promise.
 */
export function trace<Inputs extends tf.Tensor[], Output extends tf.Tensor | tf.Tensor[]>(
  f: (...inputs: Inputs) => Output,
): Traced<Inputs, Output> {
  const records = new Map<string, Recorded>();
  let returnsArray = false;

  function keep(key: string, recorded: Recorded): void {
    records.delete(key); // Goes behind the others.
    records.set(key, recorded);
    if (records.size > MAX_PROGRAMS) forget(records.keys().next().value!);
  }

  function forget(key: string): void {
    const { program, backend } = records.get(key)!;
    backend.releaseProgram(program);
    records.delete(key);
  }

  function record(backend: OnednnBackend, inputs: Inputs): { output: Output; program: Program } {
    let output: Output | undefined;
    const program = backend.record(inputs, () => {
      output = tf.tidy(() => ownOutput(f(...inputs), inputs));
      returnsArray = Array.isArray(output);
      return [output].flat() as tf.Tensor[];
    });
    return { output: output!, program };
  }

  function traced(...inputs: Inputs): Output {
    const backend = tf.backend();
    if (!(backend instanceof OnednnBackend) || !isTraceable(backend, inputs)) return f(...inputs);
    const key = keyOf(backend, inputs);
    let known = records.get(key);
    if (known !== undefined && !(known.backend === backend && backend.isCurrent(known.program))) {
      forget(key);
      known = undefined;
    }
    if (known?.state === 'repeatable') {
      keep(key, known);
      const { outputs, assigned } = backend.replay(known.program, inputs);
      for (const [i, { variable }] of known.program.assigned.entries()) assign(variable, assigned[i]!);
      const results = outputs.map((output) => tf.engine().makeTensorFromTensorInfo(output));
      return (returnsArray ? results : results[0]) as Output;
    }
    if (known?.state === 'different') return f(...inputs);
    const { output, program } = record(backend, inputs);
    if (known === undefined) {
      keep(key, { backend, program, state: 'once' });
    } else {
      keep(key, { ...known, state: isSame(known.program, program) ? 'repeatable' : 'different' });
      backend.releaseProgram(program);
    }
    return output;
  }

  return Object.assign(traced, {
    dispose() {
      for (const key of [...records.keys()]) forget(key);
    },
  });
}

function isTraceable(backend: OnednnBackend, inputs: readonly tf.Tensor[]): boolean {
  if (backend.isRecording || tf.engine().isTapeOn()) return false;
  if (new Set(inputs.map(({ dataId }) => dataId)).size < inputs.length) return false;
  return inputs.every(({ dtype }) => dtype in Storage);
}

function keyOf(backend: OnednnBackend, inputs: readonly tf.Tensor[]): string {
  const described = inputs.map((input) => `${input.dtype} ${backend.storageOf(input)} ${input.shape}`);
  return [getPrecision(), ...described].join(';');
}

function assign(variable: tf.Variable, value: tf.TensorInfo): void {
  const tensor = tf.engine().makeTensorFromTensorInfo(value);
  variable.assign(tensor);
  tensor.dispose();
}

/** What belongs to the caller: never one of the inputs itself, which a repetition would not return either. */
function ownOutput<Output extends tf.Tensor | tf.Tensor[]>(output: Output, inputs: readonly tf.Tensor[]): Output {
  const own = (tensor: tf.Tensor) => (inputs.includes(tensor) ? tensor.clone() : tensor);
  if (Array.isArray(output)) return output.map(own) as Output;
  if (output instanceof tf.Tensor) return own(output) as Output;
  throw new ProjError('A traced function must return tensors', {
    code: 'not-traceable',
    expected: 'a tensor or an array of tensors',
    received: (output as unknown) instanceof Promise ? 'a promise' : String(output),
  });
}
