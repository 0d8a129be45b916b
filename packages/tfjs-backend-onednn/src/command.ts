// A native call as numbers: operation, counts of inputs, outputs and numbers; each tensor's pointer, storage, rank and shape;
// the numbers. `native/addon.cc` reads the same.
import { growCommands, type Loaded } from './load-addon.js';
import type { NativeBuffer, Storage } from './storage.js';

const HEADER = 4;
const NO_TENSOR = -1;
const MAX_RANK = 8;

interface Shaped {
  readonly shape: readonly number[];
}

/** Writes a call into the command buffer. Returns where the pointers of its outputs will stand, and its length. */
export function writeCall(
  loaded: Loaded,
  opNumber: number,
  inputs: readonly (Shaped | undefined)[],
  buffers: readonly (NativeBuffer | undefined)[],
  outputs: readonly Shaped[],
  storages: readonly Storage[],
  numbers: readonly number[],
): { outputsAt: readonly number[]; length: number } {
  let { commands } = loaded;
  const needed = HEADER + (inputs.length + outputs.length) * (3 + MAX_RANK) + numbers.length;
  if (needed > commands.length) commands = growCommands(loaded, 2 * needed);
  commands[0] = opNumber;
  commands[1] = inputs.length;
  commands[2] = outputs.length;
  commands[3] = numbers.length;
  let at = HEADER;
  for (const [i, buffer] of buffers.entries()) {
    if (buffer === undefined) {
      commands.fill(0, at, at + 2);
      commands[at + 2] = NO_TENSOR;
      at += 3;
      continue;
    }
    commands[at] = buffer.pointer;
    commands[at + 1] = buffer.storage;
    at = writeShape(commands, at + 2, inputs[i]!.shape);
  }
  const outputsAt: number[] = [];
  for (const [i, { shape }] of outputs.entries()) {
    outputsAt.push(at);
    commands[at] = 0;
    commands[at + 1] = storages[i]!;
    at = writeShape(commands, at + 2, shape);
  }
  for (const number of numbers) commands[at++] = number;
  return { outputsAt, length: at };
}

/** Writes rank and dimensions; what exceeds the native rank goes into the last dimension. Returns the next position. */
function writeShape(commands: Float64Array, at: number, shape: readonly number[]): number {
  const rank = Math.min(shape.length, MAX_RANK);
  commands[at++] = rank;
  for (let i = 0; i < rank; i++) commands[at++] = shape[i]!;
  for (let i = rank; i < shape.length; i++) commands[at - 1]! *= shape[i]!;
  return at;
}

/** Where the pointer of a tensor stands in a call, and what it needs. */
export interface Place {
  readonly at: number;
  readonly bytes: number;
  readonly isOutput: boolean;
}

const BYTES: Readonly<Record<Storage, number>> = { 0: 4, 1: 4, 2: 1, 3: 2 };

/** The tensors of a call, without inputs that were not given. */
export function placesOf(call: Float64Array): Place[] {
  const places = [];
  let at = HEADER;
  for (let i = 0; i < call[1]! + call[2]!; i++) {
    const rank = call[at + 2]!;
    const size = call.subarray(at + 3, at + 3 + Math.max(0, rank)).reduce((product, length) => product * length, 1);
    if (rank >= 0) places.push({ at, bytes: size * BYTES[call[at + 1]! as Storage], isOutput: i >= call[1]! });
    at += 3 + Math.max(0, rank);
  }
  return places;
}
