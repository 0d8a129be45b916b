import { crc32, inflateSync } from 'node:zlib';
import { createImage, type Image } from '@proj/core';

/** Larger pictures gain little, and would hold up the thread. */
const maxPlainPixels = 2 ** 17;
/** Bytes of the chunks that may stand beside the pixels: they say nothing about colours. */
const lengthOf: Readonly<Record<string, number>> = { IHDR: 13, pHYs: 9, tIME: 7, IEND: 0 };
/** Channels by colour type: grey, RGB, RGBA. */
const channelsOf: Readonly<Record<number, number>> = { 0: 1, 2: 3, 6: 4 };

/**
 * Decodes a small PNG of the plainest kind, as most captchas are: 8 bits a channel, grey, RGB or RGBA, not interlaced,
 * without palette, profile, gamma or text. Gives undefined for any other, for a damaged one (every checksum is
 * compared), and beyond `maxPixels`: libvips then decides. For such pictures libvips takes several times as long, nearly
 * all of it to set up.
 *
 * Format: W3C Recommendation "Portable Network Graphics (PNG) Specification", third edition.
 *
 * @param bytes a file that begins with PNG's signature.
 * @returns a picture of 1, 3 or 4 channels.
 */
export function decodePlainPng(bytes: Uint8Array, maxPixels: number): Image | undefined {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (file.length < 33 || file.toString('latin1', 12, 16) !== 'IHDR') return undefined;
  const [width, height] = [file.readUInt32BE(16), file.readUInt32BE(20)];
  const channels = channelsOf[file[25]!];
  const isPlain = file[24] === 8 && file[26] === 0 && file[27] === 0 && file[28] === 0;
  if (!isPlain || channels === undefined || width === 0 || height === 0) return undefined;
  if (width * height > Math.min(maxPixels, maxPlainPixels)) return undefined;
  const packed = imageData(file);
  if (packed === undefined) return undefined;
  const size = (width * channels + 1) * height;
  let rows: Uint8Array;
  try {
    rows = inflateSync(packed, { maxOutputLength: size });
  } catch {
    return undefined;
  }
  return rows.length === size ? unfiltered(rows, width, height, channels) : undefined;
}

/** The compressed pixels, where all chunks are whole and in their place and none is of another kind. */
function imageData(file: Buffer): Buffer | undefined {
  const parts: Buffer[] = [];
  let last = '';
  for (let at = 8; at + 12 <= file.length; ) {
    const length = file.readUInt32BE(at);
    const end = at + 8 + length;
    if (end + 4 > file.length) return undefined;
    const kind = file.toString('latin1', at + 4, at + 8);
    if (crc32(file.subarray(at + 4, end)) !== file.readUInt32BE(end)) return undefined;
    if (kind === 'IDAT') {
      if (parts.length > 0 && last !== 'IDAT') return undefined;
      parts.push(file.subarray(at + 8, end));
    } else if (length !== lengthOf[kind] || (kind === 'IHDR') !== (at === 8)) return undefined;
    if (kind === 'IEND') return parts.length === 1 ? parts[0] : Buffer.concat(parts);
    last = kind;
    at = end + 4;
  }
  return undefined;
}

/** The pixels, from rows that each begin with the number of their filter; undefined for one that there is not. */
function unfiltered(rows: Uint8Array, width: number, height: number, channels: number): Image | undefined {
  const image = createImage(width, height, channels);
  const bytes = new Uint8Array(image.data.buffer); // whose sums wrap round, as those of filters do
  const rowBytes = width * channels;
  let above: Uint8Array = new Uint8Array(rowBytes);
  for (let y = 0; y < height; y++) {
    const row = bytes.subarray(y * rowBytes, (y + 1) * rowBytes);
    const start = y * (rowBytes + 1) + 1;
    const filter = rows[start - 1]!;
    row.set(rows.subarray(start, start + rowBytes));
    if (filter > 4) return undefined;
    // The first pixel has none to its left, which counts as 0.
    if (filter === 1) for (let i = channels; i < rowBytes; i++) row[i]! += row[i - channels]!;
    if (filter === 2) for (let i = 0; i < rowBytes; i++) row[i]! += above[i]!;
    if (filter === 3) {
      for (let i = 0; i < channels; i++) row[i]! += above[i]! >> 1;
      for (let i = channels; i < rowBytes; i++) row[i]! += (row[i - channels]! + above[i]!) >> 1;
    }
    if (filter === 4) {
      for (let i = 0; i < channels; i++) row[i]! += above[i]!;
      for (let i = channels; i < rowBytes; i++) {
        row[i]! += paeth(row[i - channels]!, above[i]!, above[i - channels]!);
      }
    }
    above = row;
  }
  return image;
}

function paeth(left: number, up: number, corner: number): number {
  const toLeft = Math.abs(up - corner);
  const toUp = Math.abs(left - corner);
  const toCorner = Math.abs(left + up - 2 * corner);
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}

/**
 * The kind of the first chunk of a PNG whose checksum is wrong. libpng leaves such a chunk out where it can, and without
 * transparency, palette or orientation a picture is another one; Pillow refuses it, too. What is cut short is not looked at.
 */
export function damagedChunk(bytes: Uint8Array): string | undefined {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 8; at + 12 <= file.length; ) {
    const end = at + 8 + file.readUInt32BE(at);
    if (end + 4 > file.length) return undefined;
    const kind = file.toString('latin1', at + 4, at + 8);
    if (crc32(file.subarray(at + 4, end)) !== file.readUInt32BE(end)) return kind;
    if (kind === 'IEND') return undefined;
    at = end + 4;
  }
  return undefined;
}
