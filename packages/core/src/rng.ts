import { ProjError } from './error.js';

/** What may name a stream: a number (any finite one) or a text. */
export type RngKey = number | string;

/** An {@link Rng} as plain JSON. */
export interface RngState {
  /** Identity of the stream, four unsigned 32-bit words; what `split` derives from. */
  readonly key: readonly [number, number, number, number];
  /** Position in the stream, four unsigned 32-bit words. */
  readonly state: readonly [number, number, number, number];
}

type Words = [number, number, number, number];

/** The normal density but for its factor. */
const density = (x: number) => Math.exp(-0.5 * x * x);

/** Where the ziggurat's lowest layer ends and the tail begins, and the area of each layer: the paper's for 128. */
const TAIL = 3.442619855899;
const AREA = 9.91256303526217e-3;

/** Right edges of the layers from the lowest, which has a rectangle of the tail's area besides, to the top, where it is 0. */
const EDGES = (() => {
  const edges = new Float64Array(129);
  edges[0] = AREA / density(TAIL);
  edges[1] = TAIL;
  for (let i = 2; i < 128; i++) {
    const edge = edges[i - 1]!;
    edges[i] = Math.sqrt(-2 * Math.log(AREA / edge + density(edge)));
  }
  return edges;
})();

/**
 * Seeded random numbers, the same on every machine: sfc32 (C. Doty-Humphrey, PractRand), keyed by a 128-bit hash.
 *
 * `split(...keys)` gives an independent stream that depends only on this stream's identity and the keys, never on how
 * many numbers were drawn: `new Rng(seed).split('epoch', 3).split('sample', 17)` is the same wherever it is made, so
 * results do not depend on the number of workers. All methods but `split` and `toJSON` advance the stream.
 */
export class Rng {
  readonly #key: Words;
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /**
   * @param seed any finite number or text, or a state that `toJSON` gave.
   * @throws ProjError `invalid-seed` for anything else.
   */
  constructor(seed: RngKey | RngState) {
    if (typeof seed === 'object' && seed !== null) {
      assertWords(seed.key);
      assertWords(seed.state);
      this.#key = [...seed.key];
      [this.#a, this.#b, this.#c, this.#d] = seed.state.map((word) => word | 0) as Words;
      return;
    }
    this.#key = absorb([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], seed);
    [this.#a, this.#b, this.#c, this.#d] = this.#key.map((word) => word | 0) as Words;
    this.#warmUp();
  }

  /** An independent stream named by `keys`. */
  split(...keys: readonly RngKey[]): Rng {
    const key = keys.reduce<Words>(absorb, this.#key);
    const child = new Rng({ key, state: key });
    child.#warmUp();
    return child;
  }

  /** An integer in `[0, 2^32)`. */
  uint32(): number {
    const t = (((this.#a + this.#b) | 0) + this.#d) | 0;
    this.#d = (this.#d + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + t) | 0;
    return t >>> 0;
  }

  /** A number in `[low, high)`, by default `[0, 1)`, with 53 random bits. */
  uniform(low = 0, high = 1): number {
    const unit = ((this.uint32() >>> 5) * 0x4000000 + (this.uint32() >>> 6)) / 0x20000000000000;
    return low + unit * (high - low);
  }

  /**
   * An integer in `[0, n)`, without bias.
   * @throws ProjError `invalid-range` unless `n` is an integer in `[1, 2^32]`.
   */
  int(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > 0x100000000) {
      throw new ProjError('Cannot draw an integer', {
        code: 'invalid-range',
        expected: 'the number of values as an integer in 1..2^32',
        received: String(n),
      });
    }
    if (n === 0x100000000) return this.uint32();
    for (;;) {
      const value = this.uint32();
      const rest = value % (n >>> 0); // of unsigned words, which is far quicker than of doubles
      if (value - rest <= 0x100000000 - n) return rest; // beyond lies an incomplete run of 0..n-1
    }
  }

  /** A number from the normal distribution (ziggurat of 128 layers, Marsaglia and Tsang, 2000). */
  normal(mean = 0, deviation = 1): number {
    for (;;) {
      // Seven bits for the layer, one for the sign, and the others, which the paper shares with them, for the place.
      const bits = this.uint32();
      const layer = bits & 127;
      const x = (bits >>> 8) * 2 ** -24 * EDGES[layer]!;
      const signed = (bits & 128) === 0 ? deviation : -deviation;
      if (x < EDGES[layer + 1]!) return mean + signed * x;
      if (layer === 0) return mean + signed * this.#normalTail();
      const [low, high] = [density(EDGES[layer]!), density(EDGES[layer + 1]!)];
      if (low + this.uniform() * (high - low) < density(x)) return mean + signed * x;
    }
  }

  /** A number above {@link TAIL} from the normal distribution (Marsaglia, 1964). */
  #normalTail(): number {
    for (;;) {
      const x = -Math.log(1 - this.uniform()) / TAIL;
      if (-2 * Math.log(1 - this.uniform()) > x * x) return TAIL + x;
    }
  }

  /**
   * One of `items`, all equally likely.
   * @throws ProjError `invalid-range` when `items` is empty.
   */
  pick<T>(items: readonly T[]): T {
    return items[this.int(items.length)] as T;
  }

  /** Shuffles `items` in place (Fisher-Yates) and returns it. */
  shuffle<T extends unknown[] | Int32Array | Uint32Array>(items: T): T {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.int(i + 1);
      const held = items[i];
      items[i] = items[j] as never;
      items[j] = held as never;
    }
    return items;
  }

  /** Identity and position as plain JSON, for `new Rng(state)`. */
  toJSON(): RngState {
    return {
      key: [...this.#key],
      state: [this.#a >>> 0, this.#b >>> 0, this.#c >>> 0, this.#d >>> 0],
    };
  }

  #warmUp(): void {
    for (let i = 0; i < 12; i++) this.uint32();
  }
}

/** Mixes one key into a 128-bit state with the rounds and finaliser of MurmurHash3 x86_128 (A. Appleby). */
function absorb(state: Words, key: RngKey): Words {
  let [h1, h2, h3, h4] = state;
  const words = wordsOf(key);
  for (const word of words) {
    let k = Math.imul(word, 0x239b961b);
    k = (k << 15) | (k >>> 17);
    h1 ^= Math.imul(k, 0xab0e9789);
    h1 = (Math.imul(((h1 << 19) | (h1 >>> 13)) + h2, 5) + 0x561ccd1b) | 0;
    h2 = (Math.imul(((h2 << 17) | (h2 >>> 15)) + h3, 5) + 0x0bcaa747) | 0;
    h3 = (Math.imul(((h3 << 15) | (h3 >>> 17)) + h4, 5) + 0x96cd1c35) | 0;
    h4 = (Math.imul(((h4 << 13) | (h4 >>> 19)) + h1, 5) + 0x32ac3b17) | 0;
  }
  h1 ^= words.length;
  h1 = (h1 + h2 + h3 + h4) | 0;
  h2 = fmix(h2 + h1);
  h3 = fmix(h3 + h2);
  h4 = fmix(h4 + h3);
  h1 = fmix(h1 + h4);
  return [h1 >>> 0, h2 >>> 0, h3 >>> 0, h4 >>> 0];
}

function fmix(h: number): number {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) | 0;
}

const double = new Float64Array(1);
const halves = new Int32Array(double.buffer);

/** A key as 32-bit words: a type mark, then the bits of a double or the UTF-16 units of a text. */
function wordsOf(key: RngKey): number[] {
  if (typeof key === 'number' && Number.isFinite(key)) {
    double[0] = key === 0 ? 0 : key;
    return [1, halves[0]!, halves[1]!];
  }
  if (typeof key === 'string') {
    const words = [2];
    for (let i = 0; i < key.length; i++) words.push(key.charCodeAt(i));
    words.push(key.length);
    return words;
  }
  throw new ProjError('Cannot seed a random stream', {
    code: 'invalid-seed',
    expected: 'a finite number, a text or a saved state',
    received: String(key),
  });
}

function assertWords(words: unknown): asserts words is Words {
  const valid =
    Array.isArray(words) && words.length === 4 && words.every((w) => Number.isInteger(w) && w >= 0 && w <= 0xffffffff);
  if (!valid) {
    throw new ProjError('Cannot restore a random stream', {
      code: 'invalid-seed',
      expected: 'a state as `toJSON` gives it: four unsigned 32-bit words in `key` and in `state`',
      received: JSON.stringify(words) ?? String(words),
    });
  }
}
