import { ProjError } from '@proj/core';
import type * as tf from '@tensorflow/tfjs';
import { placesOf } from './command.js';
import { type Draw, SEED_WORDS, type Seeded } from './draw.js';
import type { HostArray } from './load-addon.js';
import type { NativeBuffer, Storage, TensorSpec } from './storage.js';

/** Calls that the addon repeats by itself, on other inputs: see `Addon.replay`. */
export interface Program {
  /**
   * The calls, in which slots stand for buffers that are not the same each time: the inputs', those of `variables`, then those
   * of `sizes`.
   */
  readonly code: Float64Array;
  /** Layers whose seeds are drawn each time, and where in the code the words of each seed stand. */
  readonly draws: readonly { readonly layer: Seeded; readonly places: readonly number[] }[];
  /** Whether other random numbers were drawn: what was recorded may then be different each time. */
  readonly chance: boolean;
  /** Whose values the calls use, as they are at the time. */
  readonly variables: readonly { readonly variable: tf.Variable; readonly storage: Storage }[];
  /** Bytes of the buffers that the calls fill; one is filled again once its values are no longer needed. */
  readonly sizes: Float64Array;
  /** How many of these, the first ones, have the results. */
  readonly kept: number;
  readonly outputs: readonly Result[];
  readonly assigned: readonly (Result & { readonly variable: tf.Variable })[];
  /** Buffers that the calls use as they were: tensors from outside, and values that were uploaded on the way. */
  readonly held: readonly NativeBuffer[];
  /** The former, which must live on for the program to mean what it did. */
  readonly given: readonly NativeBuffer[];
  /** The values that were uploaded on the way. */
  readonly uploads: readonly HostArray[];
  /** Inputs, by their place, that are indices into a dimension of that size. */
  readonly lookups: readonly { readonly input: number; readonly size: number }[];
}

/** Whether two programs do the same with the same values and leave nothing to chance, so that they depend on nothing else. */
export function isSame(a: Program, b: Program): boolean {
  const [ofA, ofB] = [variablesOf(a), variablesOf(b)];
  return (
    !a.chance &&
    !b.chance &&
    sameNumbers(signature(a), signature(b)) &&
    a.uploads.every((values, i) => sameNumbers(values, b.uploads[i]!)) &&
    a.draws.length === b.draws.length &&
    a.draws.every(({ layer, places }, i) => layer === b.draws[i]!.layer && sameNumbers(places, b.draws[i]!.places)) &&
    ofA.length === ofB.length &&
    ofA.every((variable, i) => variable === ofB[i])
  );
}

function variablesOf({ variables, assigned }: Program): tf.Variable[] {
  return [...variables, ...assigned].map(({ variable }) => variable);
}

/** Code and places of the results, with uploads by their number, since they lie elsewhere each time, and without seeds. */
function signature({ code, draws, outputs, assigned, uploads, held, given }: Program): Float64Array {
  const seedless = code.slice();
  for (const { places } of draws) for (const at of places) seedless.fill(0, at, at + SEED_WORDS);
  const existing = new Set(given);
  const uploaded = held.filter((buffer) => !existing.has(buffer)).map(({ pointer }) => pointer);
  const numberOf = new Map(uploaded.map((pointer, i) => [pointer, -0.5 - i]));
  const results = [...outputs, ...assigned].map(({ at }) => (typeof at === 'number' ? at : at.pointer));
  return Float64Array.from([uploads.length, ...seedless, ...results], (number) => numberOf.get(number) ?? number);
}

function sameNumbers(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) return false;
  return true;
}

/** What a program leaves. */
export interface Result extends TensorSpec {
  readonly storage: Storage;
  /** Where its values are: a slot, or a buffer that is held. */
  readonly at: number | NativeBuffer;
}

/** A tensor or variable with its buffer, after the calls have been made. */
export interface Located extends TensorSpec {
  readonly buffer: NativeBuffer;
}

/** Writes down native calls while they are made. */
export class Recorder {
  /** With -1 - i for the pointer of the value with number i; the inputs' values come first. */
  private readonly calls: Float64Array[] = [];
  private readonly draws = new Map<Draw, number[]>();
  private codeLength = 0;
  private values: number;
  /** The value that is in a buffer at this moment, by pointer. */
  private readonly valueAt = new Map<number, number>();
  private readonly variables: { readonly variable: tf.Variable; readonly storage: Storage; readonly value: number }[] =
    [];
  private readonly uploaded = new Map<NativeBuffer, HostArray>();
  private readonly held = new Set<NativeBuffer>();
  private readonly lookups: { readonly input: number; readonly size: number }[] = [];

  /** @param owners the variables there are, by the buffers that they have before the calls. */
  constructor(
    private readonly inputs: readonly NativeBuffer[],
    private readonly owners: ReadonlyMap<NativeBuffer, tf.Variable>,
  ) {
    for (const [i, { pointer }] of inputs.entries()) this.valueAt.set(pointer, i);
    this.values = inputs.length;
  }

  /** A call as it is in the command buffer after it has been made; `buffers` are those of its inputs. */
  call(call: Float64Array, buffers: readonly (NativeBuffer | undefined)[]): void {
    const given = buffers.filter((buffer) => buffer !== undefined);
    for (const [i, { at, isOutput }] of placesOf(call).entries()) {
      const pointer = call[at]!;
      if (isOutput) this.valueAt.set(pointer, this.values++);
      const value = this.valueAt.get(pointer) ?? this.valueOfVariable(given[i]!);
      if (value === undefined) this.hold(given[i]!);
      else call[at] = -1 - value;
    }
    this.calls.push(call);
    this.codeLength += call.length;
  }

  /** The last call has its seed, as its last numbers, from a draw. */
  drawn(draw: Draw): void {
    this.draws.set(draw, [...(this.draws.get(draw) ?? []), this.codeLength - SEED_WORDS]);
  }

  /** Values from JavaScript, which are the same each time. */
  upload(buffer: NativeBuffer, values: HostArray): void {
    this.valueAt.delete(buffer.pointer);
    this.uploaded.set(buffer, values.slice());
    this.hold(buffer);
  }

  /** What is about to be used as indices into a dimension of `size`. */
  lookup(indices: NativeBuffer, size: number): void {
    const input = this.inputs.indexOf(indices);
    if (input >= 0) this.lookups.push({ input, size });
  }

  /** @throws ProjError `not-traceable` */
  refuseRead(): never {
    throw new ProjError('A traced function reads values of a tensor', {
      code: 'not-traceable',
      expected: 'native operations only',
      received: 'dataSync, data, or an operation that runs in JavaScript (see fallbackCalls)',
      fix: 'Read the values of what the traced function returns, or do without the trace.',
    });
  }

  /**
   * What has been recorded; each buffer that it holds has one use more.
   *
   * @param asked how often `Math.random` was asked meanwhile.
   */
  program(
    outputs: readonly Located[],
    assigned: readonly (Located & { readonly variable: tf.Variable })[],
    asked: number,
  ): Program {
    const valueIn = ({ buffer }: Located) => this.valueAt.get(buffer.pointer) ?? this.valueOfVariable(buffer);
    const results = [...outputs, ...assigned].flatMap((result) => valueIn(result) ?? []);
    const { slotOf, sizes, kept } = this.planMemory(results);
    for (const call of this.calls) {
      for (const { at } of placesOf(call)) if (call[at]! < 0) call[at] = -1 - slotOf.get(-1 - call[at]!)!;
    }
    const locate = <T extends Located>({ buffer, ...rest }: T) => {
      const value = valueIn({ buffer, ...rest });
      if (value === undefined) this.hold(buffer);
      return { ...rest, storage: buffer.storage, at: value === undefined ? buffer : slotOf.get(value)! };
    };
    const program = { outputs: outputs.map(locate), assigned: assigned.map(locate) };
    const held = [...this.held];
    const draws = [...this.draws].map(([{ layer }, places]) => ({ layer, places }));
    return {
      ...program,
      draws,
      chance: asked > draws.filter(({ layer }) => !layer.seed).length,
      code: Float64Array.from(this.calls.flatMap((call) => [...call])),
      variables: this.variables,
      sizes: Float64Array.from(sizes),
      kept,
      held,
      given: held.filter((buffer) => !this.uploaded.has(buffer)),
      uploads: [...this.uploaded.values()],
      lookups: this.lookups,
    };
  }

  /** What nobody will use, because there is no program. */
  abandoned(): readonly NativeBuffer[] {
    return [...this.held];
  }

  /** A new value for the first use of a variable. */
  private valueOfVariable(buffer: NativeBuffer): number | undefined {
    const variable = this.owners.get(buffer);
    if (variable === undefined) return undefined;
    const value = this.values++;
    this.variables.push({ variable, storage: buffer.storage, value });
    this.valueAt.set(buffer.pointer, value);
    return value;
  }

  private hold(buffer: NativeBuffer): void {
    if (this.held.has(buffer)) return;
    this.held.add(buffer);
    buffer.uses += 1;
    buffer.programs += 1;
  }

  /**
   * A slot for each value. Those of `kept` values have one of their own; others take the smallest slot that is free and large
   * enough, or else the largest free one, which grows.
   */
  private planMemory(kept: readonly number[]): { slotOf: ReadonlyMap<number, number>; sizes: number[]; kept: number } {
    const given = [...this.inputs.keys(), ...this.variables.map(({ value }) => value)];
    const first = given.length;
    const slotOf = new Map(given.map((value, slot) => [value, slot]));
    const own = [...new Set(kept)].filter((value) => !slotOf.has(value));
    for (const [i, value] of own.entries()) slotOf.set(value, first + i);
    const sizes = own.map(() => 0);

    const lastUse = new Map<number, Float64Array>();
    for (const call of this.calls)
      for (const { at } of placesOf(call)) if (call[at]! < 0) lastUse.set(-1 - call[at]!, call);
    let free: number[] = []; // smallest first
    for (const call of this.calls) {
      const used = placesOf(call).filter(({ at }) => call[at]! < 0);
      for (const { at, bytes, isOutput } of used) {
        const value = -1 - call[at]!;
        if (!isOutput) continue;
        if (!slotOf.has(value)) {
          const slot =
            free.find((candidate) => sizes[candidate - first]! >= bytes) ?? free.at(-1) ?? first + sizes.length;
          free = free.filter((other) => other !== slot);
          slotOf.set(value, slot);
        }
        const index = slotOf.get(value)! - first;
        sizes[index] = Math.max(sizes[index] ?? 0, bytes);
      }
      const ended = used.map(({ at }) => -1 - call[at]!).filter((value) => lastUse.get(value) === call);
      const slots = ended.map((value) => slotOf.get(value)!).filter((slot) => slot >= first + own.length);
      free = [...new Set([...free, ...slots])].sort((a, b) => sizes[a - first]! - sizes[b - first]!);
    }
    return { slotOf, sizes, kept: own.length };
  }
}
