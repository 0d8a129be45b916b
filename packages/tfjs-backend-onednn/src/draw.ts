// Random numbers: the seeds of layers, which a recorded program draws anew each time, and all others.

/** A random layer: with its seed its numbers are the same each time, without one, or with 0, they are others. */
export interface Seeded {
  readonly seed?: number | undefined;
}

/** One use of random numbers by a layer: the calls of which it is part have the same. */
export interface Draw {
  readonly layer: Seeded;
}

export function nextSeed({ seed }: Seeded): number {
  return seed || Math.random();
}

/** Words of a seed. */
export const SEED_WORDS = 2;

/** A number's 64 bits as two words. */
export function seedWords(seed: number): Uint32Array {
  return new Uint32Array(new Float64Array([seed]).buffer);
}

/** Runs `f`, which is synchronous, and counts how often it asks `Math.random`, as tfjs's random operations without seeds do. */
export function countingRandom<T>(f: (asked: () => number) => T): T {
  const { random } = Math;
  let asked = 0;
  Math.random = () => {
    asked += 1;
    return random();
  };
  try {
    return f(() => asked);
  } finally {
    Math.random = random;
  }
}
