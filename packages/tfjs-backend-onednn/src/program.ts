// Recording what a function asks of the backend, and repeating it.
import type { TensorInfo } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import type { OnednnBackend } from './backend.js';
import { countingRandom, nextSeed, seedWords } from './draw.js';
import { assertInRange } from './kernels/index-ops.js';
import { type Program, Recorder, type Result } from './recorder.js';
import { type NativeBuffer, newBuffer, Storage } from './storage.js';

/**
 * Runs `f`, which computes its results from `inputs` and may assign variables, and records the native calls that it makes.
 *
 * @throws ProjError `not-traceable` when `f` reads values; what `f` throws.
 */
export function record(backend: OnednnBackend, inputs: readonly TensorInfo[], f: () => readonly TensorInfo[]): Program {
  const owners = new Map<NativeBuffer, tf.Variable>();
  for (const variable of Object.values(tf.engine().registeredVariables)) {
    if (!backend.data.has(variable.dataId) || !(variable.dtype in Storage)) continue;
    makeSoleOwner(backend, variable);
    owners.set(backend.bufferOf(variable), variable);
  }
  const recorder = new Recorder(
    inputs.map((input) => backend.bufferOf(input)),
    owners,
  );
  backend.recorder = recorder;
  const located = ({ dataId, shape, dtype }: TensorInfo) => ({ shape, dtype, buffer: backend.bufferOf({ dataId }) });
  try {
    return countingRandom((asked) => {
      const outputs = f().map(located);
      const assigned = [...owners].flatMap(([buffer, variable]) => {
        const now = backend.data.has(variable.dataId) ? located(variable) : undefined;
        return now === undefined || now.buffer === buffer ? [] : [{ ...now, variable }];
      });
      return recorder.program(outputs, assigned, asked());
    });
  } catch (error) {
    releaseProgram(backend, { held: recorder.abandoned() });
    throw error;
  } finally {
    backend.recorder = undefined;
  }
}

/** A variable may share its data with tensors and other variables; a buffer would then not tell which of them is meant. */
function makeSoleOwner(backend: OnednnBackend, variable: tf.Variable): void {
  const { uses, programs } = backend.bufferOf(variable);
  if (backend.refCount(variable.dataId) === 1 && uses - programs === 1) return;
  assign(variable, copyOf(backend, variable));
}

/** The same values, stored in the same way, in a buffer of their own. */
export function copyOf(backend: OnednnBackend, { dataId, shape, dtype }: TensorInfo): TensorInfo {
  const { size, range } = backend.data.get(dataId);
  if (size === 0) return backend.makeTensorInfo(shape, dtype, new Float32Array(0));
  const flat = { dataId, shape: [size] };
  const [copy] = backend.run('copy_strided', [flat], [{ shape: [size], dtype }], [0, 1, size, 1]) as [TensorInfo];
  if (range !== undefined) backend.data.set(copy.dataId, { ...backend.data.get(copy.dataId), range });
  return { dataId: copy.dataId, shape, dtype };
}

/** Whether the tensors and variables that a program found are still there, and stored as they were. */
export function isCurrent(backend: OnednnBackend, { given, variables }: Program): boolean {
  for (const { variable, storage } of variables) {
    if (!backend.data.has(variable.dataId) || backend.bufferOf(variable).storage !== storage) return false;
  }
  return given.every(({ uses, programs }) => uses > programs);
}

/**
 * Does what a program did, for inputs of the shapes with which it was recorded: assigns variables, returns the outputs.
 *
 * @throws ProjError `out-of-memory`, `index-out-of-range`, with nothing computed or assigned; seeds have been drawn
 */
export function replay(backend: OnednnBackend, program: Program, inputs: readonly TensorInfo[]): TensorInfo[] {
  for (const { input, size } of program.lookups) assertInRange(backend, inputs[input]!, size);
  const given = [...inputs, ...program.variables.map(({ variable }) => variable)];
  const buffers = given.map((tensor) => backend.bufferOf(tensor));
  const slots = new Float64Array(buffers.length + program.sizes.length);
  for (const [i, { pointer }] of buffers.entries()) slots[i] = pointer;
  for (const { layer, places } of program.draws) {
    const words = seedWords(nextSeed(layer));
    for (const at of places) program.code.set(words, at);
  }
  backend.repeat(program, slots);
  const result = ({ at, storage, ...spec }: Result): TensorInfo => {
    const existing = typeof at === 'number' ? buffers[at] : at;
    const buffer = existing ?? newBuffer(slots[at as number]!, storage);
    if (existing !== undefined) existing.uses += 1;
    else buffers[at as number] = buffer;
    return backend.adopt(buffer, spec);
  };
  const outputs = program.outputs.map(result);
  // All of them before the first is assigned, since that ends the use of a buffer that another may be given.
  const assigned = program.assigned.map(result);
  for (const [i, { variable }] of program.assigned.entries()) assign(variable, assigned[i]!);
  return outputs;
}

function assign(variable: tf.Variable, value: TensorInfo): void {
  const tensor = tf.engine().makeTensorFromTensorInfo(value);
  variable.assign(tensor);
  tensor.dispose();
}

/** Gives up what a program holds. */
export function releaseProgram(backend: OnednnBackend, { held }: Pick<Program, 'held'>): void {
  for (const buffer of held) {
    buffer.programs -= 1;
    backend.release(buffer);
  }
}
