const headerLength = 3;
const maxNameBytes = 1024;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * What a worker is doing, in memory it shares with the main thread: readable there even when the worker has ended or
 * answers no more. Layout: steps taken, index of the example (or -1), bytes of its name; then the name in UTF-8.
 */
export class WorkerStatus {
  readonly shared: SharedArrayBuffer;
  readonly #header: Int32Array;
  readonly #name: Uint8Array;

  constructor(shared?: SharedArrayBuffer) {
    this.shared = shared ?? new SharedArrayBuffer(headerLength * 4 + maxNameBytes);
    this.#header = new Int32Array(this.shared, 0, headerLength);
    this.#name = new Uint8Array(this.shared, headerLength * 4);
    if (shared === undefined) Atomics.store(this.#header, 1, -1);
  }

  /** In the worker: example `index` is begun. */
  begin(index: number, name: string): void {
    Atomics.store(this.#header, 2, encoder.encodeInto(name, this.#name).written);
    Atomics.store(this.#header, 1, index);
    Atomics.add(this.#header, 0, 1);
  }

  /** In the worker: nothing is being made. */
  rest(): void {
    Atomics.store(this.#header, 1, -1);
    Atomics.add(this.#header, 0, 1);
  }

  /** A number that changes whenever the worker gets further. */
  get steps(): number {
    return Atomics.load(this.#header, 0);
  }

  /** What the worker is at; undefined when at no example. */
  get current(): { readonly index: number; readonly name: string } | undefined {
    const index = Atomics.load(this.#header, 1);
    if (index === -1) return undefined;
    // A copy, because TextDecoder takes no shared memory.
    return { index, name: decoder.decode(this.#name.slice(0, Atomics.load(this.#header, 2))) };
  }
}
