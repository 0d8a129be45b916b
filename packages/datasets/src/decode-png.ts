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
 * @returns a picture of 3 or 4 channels.
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
  if (rows.length !== size || !unfilter(rows, width * channels, height, channels)) return undefined;
  return toImage(rows, width, height, channels);
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

/** Undoes each row's filter in place; false for one that there is not. */
function unfilter(rows: Uint8Array, rowBytes: number, height: number, channels: number): boolean {
  for (let y = 0; y < height; y++) {
    const start = y * (rowBytes + 1) + 1;
    const above = start - rowBytes - 1;
    const filter = rows[start - 1]!;
    if (filter > 4) return false;
    if (filter === 0) continue;
    for (let i = 0; i < rowBytes; i++) {
      const left = i < channels ? 0 : rows[start + i - channels]!;
      const up = y === 0 ? 0 : rows[above + i]!;
      let predicted: number;
      if (filter === 1) predicted = left;
      else if (filter === 2) predicted = up;
      else if (filter === 3) predicted = (left + up) >> 1;
      else predicted = paeth(left, up, i < channels || y === 0 ? 0 : rows[above + i - channels]!);
      rows[start + i]! += predicted;
    }
  }
  return true;
}

function paeth(left: number, up: number, corner: number): number {
  const toLeft = Math.abs(up - corner);
  const toUp = Math.abs(left - corner);
  const toCorner = Math.abs(left + up - 2 * corner);
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}

/** Rows without their filters' bytes; grey as RGB. */
function toImage(rows: Uint8Array, width: number, height: number, channels: number): Image {
  const image = createImage(width, height, channels === 1 ? 3 : channels);
  const rowBytes = width * channels;
  for (let y = 0; y < height; y++) {
    const row = rows.subarray(y * (rowBytes + 1) + 1, (y + 1) * (rowBytes + 1));
    if (channels > 1) image.data.set(row, y * rowBytes);
    else for (let x = 0; x < width; x++) image.data.fill(row[x]!, 3 * (y * width + x), 3 * (y * width + x) + 3);
  }
  return image;
}
