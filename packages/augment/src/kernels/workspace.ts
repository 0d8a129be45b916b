import { ProjError } from '@proj/core';
import type * as Exports from '../../build/exports.js';
import { kernels as base64 } from '../../build/kernels.js';

/** What `assembly/` exports. */
type Kernels = Omit<typeof Exports, 'memory'> & { readonly memory: Memory };

interface Memory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

/** What `lib.dom.d.ts` would declare, and every engine has. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

const PAGE = 65_536;

/** What lies below is the kernels' own. */
const START = 4096;

/** Bytes behind each area that kernels may read and write. */
const BEHIND = 32;

/** A memory never shrinks: one that a larger picture has left is not used again. */
const MOST_KEPT = 64 * 2 ** 20;

let compiled: object | undefined;
let current: Kernels | undefined;

/**
 * The WebAssembly kernels and their memory, empty, for one operation on pictures; the next workspace takes the memory over. Areas
 * are numbers, places in that memory.
 */
export class Workspace {
  /** @throws ProjError `no-webassembly` where it is forbidden or lacks 128-bit vectors. */
  readonly kernels: Kernels = ready();
  private end = START;

  /** An area of any content, at a multiple of 16. @throws ProjError `picture-too-large` beyond 4 GB. */
  room(bytes: number): number {
    const start = this.end;
    this.end = 16 * Math.ceil((start + bytes + BEHIND) / 16);
    const { memory } = this.kernels;
    const missing = this.end - memory.buffer.byteLength;
    if (missing > 0) grow(memory, Math.ceil(missing / PAGE));
    return start;
  }

  /** An area that holds these values. */
  put(values: Uint8ClampedArray | Int32Array | Float32Array): number {
    const area = this.room(values.byteLength);
    this.write(area, values);
    return area;
  }

  /** Copies values to the beginning of an area. */
  write(area: number, { buffer, byteOffset, byteLength }: Uint8ClampedArray | Int32Array | Float32Array): void {
    // Arrays of the same kind are copied at once, others value by value.
    new Uint8Array(this.kernels.memory.buffer, area, byteLength).set(new Uint8Array(buffer, byteOffset, byteLength));
  }

  /** What an area holds, until the next one is taken. */
  bytes(area: number, length: number): Uint8ClampedArray {
    return new Uint8ClampedArray(this.kernels.memory.buffer, area, length);
  }

  /** As {@link bytes}. */
  floats(area: number, length: number): Float32Array {
    return new Float32Array(this.kernels.memory.buffer, area, length);
  }

  /** As {@link bytes}. */
  doubles(area: number, length: number): Float64Array {
    return new Float64Array(this.kernels.memory.buffer, area, length);
  }
}

function grow(memory: Memory, pages: number): void {
  try {
    memory.grow(pages);
  } catch (cause) {
    throw new ProjError('There is no memory for this picture', {
      code: 'picture-too-large',
      expected: 'pictures whose values, before and after, fit into 4 GB',
      received: `${pages * PAGE} bytes more`,
      cause,
    });
  }
}

function ready(): Kernels {
  if (current === undefined || current.memory.buffer.byteLength > MOST_KEPT) {
    try {
      compiled ??= new WebAssembly.Module(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)));
      current = new WebAssembly.Instance(compiled).exports as Kernels;
    } catch (cause) {
      throw new ProjError('Cannot start the WebAssembly that transforms pictures', {
        code: 'no-webassembly',
        expected: 'an engine with 128-bit vectors (all since 2023) that is allowed to compile',
        received: String(cause),
        fix: "Where a page has a Content-Security-Policy, add 'wasm-unsafe-eval' to its script-src",
        cause,
      });
    }
  }
  return current;
}
