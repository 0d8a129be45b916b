/**
 * TensorBoard's event files by hand: TFRecord frames around protobuf `Event` messages
 * (tensorflow/core/util/event.proto, summary.proto). Only what scalars need.
 */

/** A scalar with the name it is charted under. */
export interface Scalar {
  readonly tag: string;
  readonly value: number;
}

/** The record with which every event file begins. `wallTime` in seconds since 1970. */
export function versionRecord(wallTime: number): Uint8Array {
  return record([...doubleField(1, wallTime), ...bytesField(3, utf8('brain.Event:2'))]);
}

/**
 * Says that a session starts at `step`: of what older files of the folder say, TensorBoard drops everything from that
 * step on.
 */
export function sessionStartRecord(wallTime: number, step: number): Uint8Array {
  const started = [...key(1, 0), 1]; // SessionLog.status = START
  return record([...doubleField(1, wallTime), ...intField(2, step), ...bytesField(7, started)]);
}

/** Scalars measured at one step; values are stored as 32-bit floats. */
export function scalarsRecord(wallTime: number, step: number, scalars: readonly Scalar[]): Uint8Array {
  const summary = scalars.flatMap(({ tag, value }) =>
    bytesField(1, [...bytesField(1, utf8(tag)), ...key(2, 5), ...float32(value)]),
  );
  return record([...doubleField(1, wallTime), ...intField(2, step), ...bytesField(5, summary)]);
}

/** A TFRecord: length (u64), masked CRC of the length, data, masked CRC of the data; little-endian. */
function record(data: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(data.length + 16);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedCrc32c(bytes.subarray(0, 8)), true);
  bytes.set(data, 12);
  view.setUint32(12 + data.length, maskedCrc32c(bytes.subarray(12, 12 + data.length)), true);
  return bytes;
}

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

/** CRC-32C (Castagnoli), as in RFC 3720. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = crcTable[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

/** As TFRecord stores it: a CRC over data that holds CRCs is weak, so they are rotated and shifted. */
function maskedCrc32c(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** Field number and wire type (0 varint, 1 64-bit, 2 length-delimited, 5 32-bit). */
function key(field: number, wireType: number): number[] {
  return varint(field * 8 + wireType);
}

function bytesField(field: number, bytes: readonly number[]): number[] {
  return [...key(field, 2), ...varint(bytes.length), ...bytes];
}

function doubleField(field: number, value: number): number[] {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value, true);
  return [...key(field, 1), ...new Uint8Array(view.buffer)];
}

/** A non-negative int64; 0 is the default of proto3 and left out. */
function intField(field: number, value: number): number[] {
  return value === 0 ? [] : [...key(field, 0), ...varint(value)];
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) + 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return [...bytes, rest];
}

function float32(value: number): number[] {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value, true);
  return [...new Uint8Array(view.buffer)];
}

function utf8(text: string): number[] {
  return [...new TextEncoder().encode(text)];
}
