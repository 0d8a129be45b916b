import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32c } from '../src/event-file.js';

export interface ReadEvent {
  readonly wallTime: number;
  readonly step: number;
  readonly version?: string;
  readonly isSessionStart: boolean;
  readonly scalars: Readonly<Record<string, number>>;
}

/** The events of each event file of a folder, in the order in which TensorBoard reads them. Checksums must hold. */
export function readEventFiles(dir: string): ReadEvent[][] {
  const names = readdirSync(dir).sort();
  for (const name of names) if (!name.includes('tfevents')) throw new Error(`${name} is no event file`);
  return names.map((name) => [...messages(readFileSync(join(dir, name)))].map(readEvent));
}

/** The payloads of TFRecord frames. */
export function* messages(file: Buffer): Generator<Buffer> {
  for (let at = 0; at < file.length; ) {
    const length = Number(file.readBigUInt64LE(at));
    checkCrc(file.subarray(at, at + 8), file.readUInt32LE(at + 8));
    const data = file.subarray(at + 12, at + 12 + length);
    checkCrc(data, file.readUInt32LE(at + 12 + length));
    yield data;
    at += length + 16;
  }
}

function checkCrc(bytes: Buffer, masked: number): void {
  const rotated = (masked - 0xa282ead8) >>> 0;
  const crc = ((rotated >>> 17) | (rotated << 15)) >>> 0;
  if (crc !== crc32c(bytes)) throw new Error('checksum does not hold');
}

function readEvent(message: Buffer): ReadEvent {
  const fields = new Map([...protobuf(message)]);
  const summary = fields.get(5);
  const scalars =
    summary === undefined ? [] : [...protobuf(summary as Buffer)].map(([, value]) => scalar(value as Buffer));
  const version = fields.get(3)?.toString();
  return {
    wallTime: (fields.get(1) as Buffer).readDoubleLE(),
    step: Number(fields.get(2) ?? 0),
    ...(version === undefined ? {} : { version }),
    isSessionStart: fields.has(7),
    scalars: Object.fromEntries(scalars),
  };
}

function scalar(message: Buffer): [string, number] {
  const fields = new Map([...protobuf(message)]);
  return [String(fields.get(1)), (fields.get(2) as Buffer).readFloatLE()];
}

/** Field numbers with their values: bytes for all types but varint. */
function* protobuf(message: Buffer): Generator<[number, Buffer | bigint]> {
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message[at++]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const key = Number(varint());
    const type = key & 7;
    if (type === 0) {
      yield [key >> 3, varint()];
      continue;
    }
    const length = type === 1 ? 8 : type === 5 ? 4 : Number(varint());
    yield [key >> 3, message.subarray(at, at + length)];
    at += length;
  }
}
