import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { expect } from 'vitest';

// Real files, damaged in all the ways that disks, networks and people find. What comes of one is what it holds, or an
// error that says so: never a crash, a hang or something else in silence. With PROJ_TEST_LONG=1 this goes on for
// PROJ_TEST_FUZZ_MINUTES (10) with new damage each time; fast-check prints the seed of what it finds.
const long = process.env.PROJ_TEST_LONG === '1';
const minutes = Number(process.env.PROJ_TEST_FUZZ_MINUTES ?? 10);
/** Tests that share the minutes. */
const TARGETS = 14;
const HANG_MS = 20_000;

/** What such a test may take. */
export const limit = long ? minutes * 60_000 + 60_000 : 60_000;

/** Damage done to bytes; a number in [0, 1) tells a place. */
export interface Damage {
  readonly kind: 'flip' | 'set' | 'cut' | 'remove' | 'repeat';
  readonly place: number;
  readonly amount: number;
}

export function damaged(original: Uint8Array, damages: readonly Damage[]): Buffer {
  let bytes = Buffer.from(original);
  for (const { kind, place, amount } of damages) {
    const at = Math.floor(place * bytes.length);
    const end = Math.min(bytes.length, at + 1 + (amount % 64));
    if (kind === 'cut') bytes = bytes.subarray(0, at);
    else if (kind === 'remove') bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)]);
    else if (kind === 'repeat') bytes = Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)]);
    else if (bytes.length > 0) bytes[at] = kind === 'set' ? amount : bytes[at]! ^ (1 << (amount % 8));
  }
  return bytes;
}

const damage = (...kinds: readonly Damage['kind'][]) =>
  fc.record({
    kind: fc.constantFrom(...kinds),
    place: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    amount: fc.integer({ min: 0, max: 255 }),
  });

export const anyDamage = fc.array(damage('flip', 'set', 'cut', 'remove', 'repeat'), { minLength: 1, maxLength: 6 });
export const oneFlip = fc.tuple(damage('flip'));

/** Checks what `examples` gives until the runs or the minutes are over; a check that does not end is a failure. */
export async function fuzz<T>(
  examples: fc.Arbitrary<T>,
  numRuns: number,
  check: (example: T) => Promise<void>,
): Promise<void> {
  const property = fc.asyncProperty(examples, async (example) => {
    const ended = new AbortController();
    const hang = sleep(HANG_MS, 'hang', ended);
    hang.catch(() => undefined);
    try {
      expect(await Promise.race([check(example), hang])).not.toBe('hang');
    } finally {
      ended.abort();
    }
  });
  if (!long) return fc.assert(property, { numRuns, seed: 1 });
  const interruptAfterTimeLimit = (minutes * 60_000) / TARGETS;
  return fc.assert(property, { numRuns: Number.MAX_SAFE_INTEGER, interruptAfterTimeLimit });
}

/** As {@link fuzz}, with damaged files: `check` sees the damaged and the original bytes. */
export async function fuzzFiles(
  originals: readonly Uint8Array[],
  damages: fc.Arbitrary<readonly Damage[]>,
  numRuns: number,
  check: (bytes: Buffer, original: Uint8Array) => Promise<void>,
): Promise<void> {
  // The original by its place: a report of a failure then shows no bytes.
  const examples = fc.record({ place: fc.nat(originals.length - 1), damages });
  await fuzz(examples, numRuns, ({ place, damages }) => check(damaged(originals[place]!, damages), originals[place]!));
}
