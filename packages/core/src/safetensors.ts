import type { NdArray } from './batch.js';
import { ProjError } from './error.js';

const MAX_HEADER_BYTES = 100_000_000;

const DTYPES = {
  U8: { bytes: 1, view: Uint8Array },
  I32: { bytes: 4, view: Int32Array },
  F32: { bytes: 4, view: Float32Array },
} as const;

interface HeaderEntry {
  readonly dtype: keyof typeof DTYPES;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/**
 * Named arrays and texts as one file in the safetensors format (https://github.com/huggingface/safetensors): eight
 * bytes of header length, a JSON header, the arrays' little-endian bytes. Float32Array is written as F32, Int32Array
 * as I32, Uint8Array as U8. The same input gives the same bytes.
 *
 * @throws ProjError `invalid-safetensors` for what {@link decodeSafetensors} would not read back: an array whose length is not
 *   the product of its shape, or of another type; metadata that are no texts; more than 100 MB of names, shapes and metadata.
 */
export function encodeSafetensors(
  tensors: Readonly<Record<string, NdArray>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const header: Record<string, unknown> = Object.create(null); // which may have any name
  header.__metadata__ = checkMetadata(metadata);
  let offset = 0;
  for (const [name, { data, shape }] of Object.entries(tensors)) {
    if (name === '__metadata__') throw invalid('name of a tensor', 'another than that of the metadata', name);
    if (!shape.every(isCount)) throw invalid(`tensor "${name}"`, 'a shape of non-negative integers', `[${shape}]`);
    const size = shape.reduce((product, side) => product * side, 1);
    if (size !== data.length) {
      throw invalid(`tensor "${name}" of shape [${shape}]`, `${size} values`, `${data.length} values`);
    }
    header[name] = { dtype: dtypeOf(name, data), shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const headerLength = Math.ceil(text.length / 8) * 8; // spaces fill up, so that the data is aligned
  if (headerLength > MAX_HEADER_BYTES) {
    throw new ProjError('Cannot write a safetensors header', {
      code: 'invalid-safetensors',
      expected: `at most ${MAX_HEADER_BYTES} bytes of names, shapes and metadata`,
      received: `${headerLength} bytes`,
    });
  }
  const bytes = new Uint8Array(8 + headerLength + offset).fill(0x20, 8, 8 + headerLength);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerLength), true);
  bytes.set(text, 8);
  let position = 8 + headerLength;
  for (const { data } of Object.values(tensors)) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), position);
    position += data.byteLength;
  }
  return bytes;
}

function dtypeOf(name: string, data: NdArray['data'] | Uint8ClampedArray): keyof typeof DTYPES {
  if (data instanceof Float32Array) return 'F32';
  if (data instanceof Int32Array) return 'I32';
  if (data instanceof Uint8Array || data instanceof Uint8ClampedArray) return 'U8';
  const received = Object.prototype.toString.call(data).slice('[object '.length, -1);
  throw invalid(`tensor "${name}"`, 'a Float32Array, an Int32Array or a Uint8Array', received);
}

/**
 * Reads what {@link encodeSafetensors} or another writer of the format made (dtypes F32, I32 and U8). Nothing is
 * executed, and nothing outside `file` is read: header size, offsets, overlaps and lengths are checked first.
 *
 * @returns arrays that own their memory, and the texts of `__metadata__`.
 * @throws ProjError `invalid-safetensors` that says what is wrong with the file.
 */
export function decodeSafetensors(file: Uint8Array): {
  tensors: Record<string, NdArray>;
  metadata: Record<string, string>;
} {
  const bytes = new Uint8Array(file.buffer, file.byteOffset, file.byteLength); // a Buffer's slice would share memory
  if (bytes.length < 8) throw invalid('file', 'at least 8 bytes', `${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerLength = Number(view.getBigUint64(0, true));
  if (headerLength > MAX_HEADER_BYTES || 8 + headerLength > bytes.length) {
    throw invalid('header', `at most ${Math.min(MAX_HEADER_BYTES, bytes.length - 8)} bytes`, `${headerLength} bytes`);
  }
  const { __metadata__: metadata = {}, ...entries } = parseHeader(bytes.subarray(8, 8 + headerLength));
  const data = bytes.subarray(8 + headerLength);

  const tensors: Record<string, NdArray> = Object.create(null);
  const ranges: [number, number][] = [];
  for (const [name, entry] of Object.entries(entries)) {
    const { dtype, shape, begin, end } = checkEntry(name, entry, data.length);
    ranges.push([begin, end]);
    const copy = data.slice(begin, end);
    tensors[name] = { data: new DTYPES[dtype].view(copy.buffer, 0, copy.length / DTYPES[dtype].bytes), shape };
  }
  checkCover(ranges, data.length);
  return { tensors, metadata: checkMetadata(metadata) };
}

function parseHeader(bytes: Uint8Array): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw invalid('header', 'JSON in UTF-8', 'something else', cause);
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) {
    throw invalid('header', 'a JSON object', JSON.stringify(header));
  }
  return header as Record<string, unknown>;
}

function checkEntry(name: string, entry: unknown, dataLength: number) {
  const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Partial<HeaderEntry>;
  if (dtype === undefined || !Object.hasOwn(DTYPES, dtype)) {
    throw invalid(`tensor "${name}"`, `a dtype out of ${Object.keys(DTYPES).join(', ')}`, String(dtype));
  }
  if (!Array.isArray(shape) || !shape.every(isCount)) {
    throw invalid(`tensor "${name}"`, 'a shape of non-negative integers', JSON.stringify(shape));
  }
  const [begin, end] = Array.isArray(offsets) ? offsets : [];
  const byteLength = shape.reduce((product: number, side: number) => product * side, DTYPES[dtype].bytes);
  if (!isCount(begin) || !isCount(end) || end > dataLength || end - begin !== byteLength) {
    throw invalid(
      `tensor "${name}"`,
      `offsets of ${byteLength} bytes inside the file's ${dataLength} bytes of data`,
      JSON.stringify(offsets),
    );
  }
  return { dtype, shape: shape as readonly number[], begin, end };
}

/** The format allows neither overlaps nor holes. */
function checkCover(ranges: [number, number][], dataLength: number): void {
  ranges.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  let position = 0;
  for (const [begin, end] of ranges) {
    if (begin !== position) throw invalid('data', `a tensor to begin at byte ${position}`, `one at byte ${begin}`);
    position = end;
  }
  if (position !== dataLength) throw invalid('data', `${position} bytes`, `${dataLength} bytes`);
}

function checkMetadata(metadata: unknown): Record<string, string> {
  const valid =
    typeof metadata === 'object' && metadata !== null && Object.values(metadata).every((v) => typeof v === 'string');
  if (!valid) throw invalid('__metadata__', 'an object of texts', JSON.stringify(metadata));
  return { ...(metadata as Record<string, string>) };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function invalid(what: string, expected: string, received: string, cause?: unknown): ProjError {
  return new ProjError(`Invalid safetensors ${what}`, {
    code: 'invalid-safetensors',
    expected,
    received,
    fix: 'The file is damaged or of another format; take an intact copy',
    cause,
  });
}
