import type { Sample } from './source.js';

/** What the threads of a loader share: structured cloning gives each the same memory. */
export interface CacheMemory {
  /** For each example 0 while it is not kept, -1 while it is written or has no room, else where it is plus one. */
  readonly places: SharedArrayBuffer;
  /** The examples one after the other; the first word counts those that are taken. Memory that no one writes to costs none. */
  readonly words: SharedArrayBuffer;
}

/** More than this typed arrays do not reach in every version of Node. */
export const maxCacheBytes = 2 ** 32;

const wordBytes = 4;
/** Width, height, channels, bytes of the label. */
const headerWords = 4;
const absent = 0;
const unusable = -1;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Memory for examples 0..size-1: at most `bytes`, headers of 16 bytes and labels among them, besides the table of places. */
export function cacheMemory(size: number, bytes: number): CacheMemory {
  return {
    places: new SharedArrayBuffer(size * wordBytes),
    words: new SharedArrayBuffer(Math.max(1, Math.floor(bytes / wordBytes)) * wordBytes),
  };
}

/**
 * Examples as their source gave them, shared by all workers of a loader. What finds room stays: an epoch takes every
 * example once, so that to make room for one would cost another. Each is written once, by the worker that comes first, and
 * can be read when it is whole; a worker that ends in between leaves an example that is not kept.
 */
export class ExampleCache {
  readonly #places: Int32Array;
  readonly #words: Int32Array;
  readonly #bytes: Uint8ClampedArray;

  constructor({ places, words }: CacheMemory) {
    this.#places = new Int32Array(places);
    this.#words = new Int32Array(words);
    this.#bytes = new Uint8ClampedArray(words);
  }

  /** The example, if it is kept. Its pixels are the shared ones: to be read, not written to. */
  get(index: number): Sample | undefined {
    const place = Atomics.load(this.#places, index) - 1;
    if (place < 0) return undefined;
    const [width, height, channels, labelBytes] = this.#words.subarray(place, place + headerWords) as unknown as Header;
    const start = (place + headerWords) * wordBytes;
    const end = start + width * height * channels;
    // A copy, because TextDecoder takes no shared memory.
    const label = JSON.parse(decoder.decode(this.#bytes.slice(end, end + labelBytes))) as Sample['label'];
    return { image: { data: this.#bytes.subarray(start, end), width, height, channels }, label };
  }

  /** Keeps a copy of the example where there is room. What is no example is not kept; the batch will refuse it. */
  put(index: number, sample: Sample): void {
    if (!isExample(sample)) return;
    const { image, label } = sample;
    if (Atomics.compareExchange(this.#places, index, absent, unusable) !== absent) return;
    const encoded = encoder.encode(JSON.stringify(label));
    const place = this.#take(headerWords + Math.ceil((image.data.length + encoded.length) / wordBytes));
    if (place === undefined) return;
    this.#words.set([image.width, image.height, image.channels, encoded.length], place);
    const start = (place + headerWords) * wordBytes;
    this.#bytes.set(image.data, start);
    this.#bytes.set(encoded, start + image.data.length);
    Atomics.store(this.#places, index, place + 1);
  }

  /** Where `count` free words begin. */
  #take(count: number): number | undefined {
    for (;;) {
      const taken = Atomics.load(this.#words, 0);
      if (1 + taken + count > this.#words.length) return undefined;
      if (Atomics.compareExchange(this.#words, 0, taken, taken + count) === taken) return 1 + taken;
    }
  }
}

/** Whether a source, which may be JavaScript, keeps its promise. */
function isExample(sample: Sample | undefined): sample is Sample {
  const { image, label } = sample ?? {};
  if (!(image?.data instanceof Uint8ClampedArray) || (typeof label !== 'string' && typeof label !== 'number'))
    return false;
  return image.data.length === image.width * image.height * image.channels;
}

type Header = [width: number, height: number, channels: number, labelBytes: number];
