import { crc32, deflateSync } from 'node:zlib';
import type { Image } from '@proj/core';

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

/** PNG's colour type by the number of channels: grey, grey and opacity, RGB, RGBA. */
const COLOR_TYPES = [0, 4, 2, 6];

/** Of a captcha each level above takes a quarter more time and more, for 3% of the bytes or less. */
const LEVEL = 3;

/** The rows of the last picture, to be written over by those of the next: most are of one size. */
let scratch = new Uint8Array();

/**
 * An image of 1 to 4 channels as a PNG file of 8 bits a channel, not interlaced, rows not filtered: captchas have few colours.
 * The same picture gives the same bytes under the same version of zlib.
 */
export function encodePng({ data, width, height, channels }: Image): Uint8Array<ArrayBuffer> {
  const stride = width * channels;
  const size = (stride + 1) * height;
  if (scratch.length !== size) scratch = new Uint8Array(size); // each row begins with its filter, 0 for none
  const rows = scratch;
  for (let y = 0; y < height; y++) {
    rows[y * (stride + 1)] = 0;
    rows.set(data.subarray(y * stride, (y + 1) * stride), y * (stride + 1) + 1);
  }
  const header = Buffer.alloc(13); // compression, filters and interlacing stay 0
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 8;
  header[9] = COLOR_TYPES[channels - 1]!;
  // At once: to have a thread of Node's pool do it takes longer than to do it.
  const pixels = deflateSync(rows, { level: LEVEL });
  const chunks = [chunk('IHDR', header), chunk('IDAT', pixels), chunk('IEND', Buffer.alloc(0))];
  const file = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, SIGNATURE.length));
  file.set(SIGNATURE);
  let end = SIGNATURE.length;
  for (const each of chunks) {
    file.set(each, end);
    end += each.length;
  }
  return file;
}

/** Whether a file is a PNG from its signature to its end, every chunk with the checksum that it should have. */
export function isWholePng(bytes: Uint8Array): boolean {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (!SIGNATURE.every((byte, i) => byte === file[i])) return false;
  for (let at = SIGNATURE.length; at + 12 <= file.length; ) {
    const end = at + 8 + file.readUInt32BE(at);
    if (end + 4 > file.length || crc32(file.subarray(at + 4, end)) !== file.readUInt32BE(end)) return false;
    if (file.toString('latin1', at + 4, at + 8) === 'IEND') return end + 4 === file.length;
    at = end + 4;
  }
  return false;
}

function chunk(type: string, content: Buffer): Buffer {
  const bytes = Buffer.alloc(content.length + 12);
  bytes.writeUInt32BE(content.length, 0);
  bytes.write(type, 4, 'latin1');
  bytes.set(content, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, -4)), content.length + 8);
  return bytes;
}
