import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Program, Recorder } from '../src/recorder.js';
import { type NativeBuffer, newBuffer, Storage } from '../src/storage.js';

/** What a random function does: each step reads some of the buffers there are, makes new ones, and lets some go. */
interface Step {
  readonly reads: readonly number[];
  readonly sizes: readonly number[];
  readonly drops: readonly number[];
}

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    reads: fc.array(fc.nat(), { maxLength: 3 }),
    sizes: fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 2 }),
    drops: fc.array(fc.nat(), { maxLength: 3 }),
  }),
  { minLength: 1, maxLength: 25 },
);

const INPUTS = 2;

/** A buffer, the value in it, and whether the function was given it. */
interface Held {
  readonly buffer: NativeBuffer;
  readonly value: string;
  readonly isGiven: boolean;
}

interface Recorded {
  readonly program: Program;
  /** The values that each call read and made. */
  readonly calls: readonly { readonly reads: readonly string[]; readonly makes: readonly string[] }[];
  readonly results: readonly string[];
}

/** Records the calls, with pointers that are given again as the pool does: last freed, first used. */
function record(program: readonly Step[], results: readonly number[]): Recorded {
  let lastPointer = 0;
  const free: number[] = [];
  const pointer = () => free.pop() ?? ++lastPointer;
  const given = ['first input', 'second input', 'tensor from outside'].map(
    (value): Held => ({ buffer: newBuffer(pointer(), Storage.float32), value, isGiven: true }),
  );
  const recorder = new Recorder(
    given.slice(0, INPUTS).map(({ buffer }) => buffer),
    new Map(),
  );
  let live = given;
  const calls = program.map(({ reads, sizes, drops }, step) => {
    const inputs = reads.map((read) => live[read % live.length]!);
    const outputs = sizes.map((_, i): Held => {
      const buffer = newBuffer(pointer(), Storage.float32);
      return { buffer, value: `output ${i} of step ${step}`, isGiven: false };
    });
    const tensor = ({ buffer }: Held, size: number) => [buffer.pointer, Storage.float32, 1, size];
    const code = [step, inputs.length, outputs.length, 0];
    for (const input of inputs) code.push(...tensor(input, 1));
    for (const [i, output] of outputs.entries()) code.push(...tensor(output, sizes[i]!));
    recorder.call(
      Float64Array.from(code),
      inputs.map(({ buffer }) => buffer),
    );
    live = [...live, ...outputs];
    for (const drop of drops) {
      const dropped = live[drop % live.length]!;
      if (dropped.isGiven) continue;
      live = live.filter((held) => held !== dropped);
      free.push(dropped.buffer.pointer);
    }
    return { reads: inputs.map(({ value }) => value), makes: outputs.map(({ value }) => value) };
  });
  const kept = results.map((result) => live[result % live.length]!);
  const located = kept.map(({ buffer }) => ({ shape: [1], dtype: 'float32' as const, buffer }));
  return { program: recorder.program(located, [], 0), calls, results: kept.map(({ value }) => value) };
}

/** Follows the program's calls through its slots: what each reads must be there, and fit. */
function expectSound({ program, calls, results }: Recorded): void {
  const slots: (string | undefined)[] = ['first input', 'second input', ...program.sizes].map((value) =>
    typeof value === 'string' ? value : undefined,
  );
  const outside = new Map(program.given.map(({ pointer }) => [pointer, 'tensor from outside']));
  const contents = (pointer: number) => (pointer < 0 ? slots[-1 - pointer] : outside.get(pointer));
  let at = 0;
  for (const { reads, makes } of calls) {
    expect([program.code[at + 1], program.code[at + 2]]).toEqual([reads.length, makes.length]);
    at += 4;
    const place = (i: number) => ({ pointer: program.code[at + 4 * i]!, size: program.code[at + 4 * i + 3]! });
    const inputs = reads.map((_, i) => place(i));
    expect(inputs.map(({ pointer }) => contents(pointer))).toEqual(reads);
    const outputs = makes.map((_, i) => place(reads.length + i));
    const written = outputs.map(({ pointer }) => pointer);
    // A kernel reads while it writes.
    expect(new Set([...written, ...inputs.map(({ pointer }) => pointer)]).size).toBe(
      written.length + new Set(inputs.map(({ pointer }) => pointer)).size,
    );
    for (const [i, { pointer, size }] of outputs.entries()) {
      const slot = -1 - pointer;
      expect(slot).toBeGreaterThanOrEqual(INPUTS);
      expect(program.sizes[slot - INPUTS]).toBeGreaterThanOrEqual(4 * size);
      slots[slot] = makes[i];
    }
    at += 4 * (reads.length + makes.length);
  }
  expect(at).toBe(program.code.length);
  const found = program.outputs.map(({ at: place }) =>
    typeof place === 'number' ? slots[place] : outside.get(place.pointer),
  );
  expect(found).toEqual(results);
}

describe('the memory of recorded calls', () => {
  it('has every value in its place when it is read, whatever the calls', () => {
    fc.assert(
      fc.property(steps, fc.array(fc.nat(), { minLength: 1, maxLength: 3 }), (program, results) =>
        expectSound(record(program, results)),
      ),
      { numRuns: 100 },
    );
  });

  it('is used again: a chain needs two buffers beside its result', () => {
    const chain = Array.from({ length: 10 }, (_, i) => ({ reads: [2 + i + (i > 0 ? 0 : -2)], sizes: [8], drops: [] }));
    const { program } = record(chain, [12]);
    expect(program.kept).toBe(1);
    expect(program.sizes.length).toBeLessThanOrEqual(3);
  });
});
