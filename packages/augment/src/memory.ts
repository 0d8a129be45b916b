/**
 * Buffers of pictures that a pipeline has done with. A fresh buffer of a picture's size comes from the operating system page by
 * page, which takes longer than most transforms.
 */
const kept: ArrayBuffer[] = [];

const MOST_KEPT = 8;

/** Smaller ones come cheaply. */
const LEAST_BYTES = 32_768;

/** `length` values of any content; exactly as long as their buffer. */
export function takeBytes(length: number): Uint8ClampedArray {
  const buffer = find(length);
  return buffer === undefined ? new Uint8ClampedArray(length) : new Uint8ClampedArray(buffer);
}

/** As {@link takeBytes}. */
export function takeFloats(length: number): Float32Array {
  const buffer = find(4 * length);
  return buffer === undefined ? new Float32Array(length) : new Float32Array(buffer);
}

/** A copy of its own. */
export function copyOf<D extends Uint8ClampedArray | Float32Array>(data: D): D {
  const buffer = find(data.byteLength);
  if (buffer === undefined) return data.slice() as D;
  const copy = data instanceof Float32Array ? new Float32Array(buffer) : new Uint8ClampedArray(buffer);
  copy.set(data);
  return copy as D;
}

/** Nobody may use `data` afterwards. */
export function giveBack({ buffer, byteLength }: Uint8ClampedArray | Float32Array): void {
  if (!(buffer instanceof ArrayBuffer) || byteLength !== buffer.byteLength || byteLength < LEAST_BYTES) return;
  if (kept.length === MOST_KEPT) kept.shift();
  kept.push(buffer);
}

function find(bytes: number): ArrayBuffer | undefined {
  if (bytes < LEAST_BYTES) return undefined;
  const place = kept.findLastIndex((buffer) => buffer.byteLength === bytes);
  return place < 0 ? undefined : kept.splice(place, 1)[0];
}
