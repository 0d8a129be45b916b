import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { crc32, deflateSync, inflateSync } from 'node:zlib';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodePlainPng } from '../src/decode-png.js';
import { anyDamage, type Damage, damaged, fuzz, limit } from './fuzzing.js';

// The decoder of small plain PNGs beside libvips: whatever it takes, libvips takes too and gives the same pixels.
// Checksums would let hardly any damage through to where it does harm, so these files are damaged with care: their
// chunks, their pixels before they are packed, or any bytes, and then the checksums are set right again.

interface Chunk {
  readonly kind: string;
  readonly data: Buffer;
}

const signature = Buffer.from('89504e470d0a1a0a', 'hex');

function chunksOf(file: Buffer): Chunk[] {
  const chunks: Chunk[] = [];
  for (let at = 8; at + 12 <= file.length; ) {
    const end = at + 8 + file.readUInt32BE(at);
    chunks.push({ kind: file.toString('latin1', at + 4, at + 8), data: file.subarray(at + 8, end) });
    at = end + 4;
  }
  return chunks;
}

function fileOf(chunks: readonly Chunk[]): Buffer {
  const parts = chunks.map(({ kind, data }) => {
    const body = Buffer.concat([Buffer.from(kind, 'latin1'), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  });
  return Buffer.concat([signature, ...parts]);
}

/** Sets every checksum right that lies within the file. */
function summed(file: Buffer): Buffer {
  const bytes = Buffer.from(file);
  for (let at = 8; at + 12 <= bytes.length; ) {
    const end = at + 8 + bytes.readUInt32BE(at);
    if (end + 4 > bytes.length) break;
    bytes.writeUInt32BE(crc32(bytes.subarray(at + 4, end)), end);
    at = end + 4;
  }
  return bytes;
}

const data = process.env.PROJ_DATA ?? resolve(import.meta.dirname, '../../../data');
const goldens = new URL('./goldens/pictures/', import.meta.url);
const originals = ['rgb.png', 'rgba.png', 'grey.png'].map((name) => readFileSync(new URL(name, goldens)));
for (const folder of ['afocus', 'captcha-v2'].map((name) => join(data, name)).filter(existsSync)) {
  const names = readdirSync(folder).filter((name) => name.endsWith('.png'));
  for (let k = 0; k < 20; k++) originals.push(readFileSync(join(folder, names[Math.floor((k * names.length) / 20)]!)));
}
const place = fc.nat(originals.length - 1);

async function byLibvips(file: Buffer): Promise<{ width: number; height: number; pixels: Buffer }> {
  const options = { failOn: 'error', limitInputPixels: 1_000_000, autoOrient: true } as const;
  const read = sharp(file, options).toColourspace('srgb').raw().toBuffer({ resolveWithObject: true });
  const { data: pixels, info } = await read;
  return { width: info.width, height: info.height, pixels };
}

/** How many files the decoder took. */
let taken = 0;

async function compare(file: Buffer): Promise<void> {
  if (!file.subarray(0, 8).equals(signature)) return;
  const image = decodePlainPng(file, 1_000_000);
  if (image === undefined) return;
  taken++;
  const { width, height, pixels } = await byLibvips(file);
  expect([image.width, image.height]).toEqual([width, height]);
  // libvips gives grey as three equal channels.
  const data = image.channels === 1 ? Array.from(image.data, (grey) => [grey, grey, grey]).flat() : image.data;
  expect(Buffer.from(data).equals(pixels)).toBe(true);
}

describe(`small plain PNGs, damaged, with the right checksums (real ones from ${data} where it is there)`, () => {
  it(
    'in their pixels and filters: as libvips reads them',
    async () => {
      taken = 0;
      const damages = fc.array(fc.record({ place: fc.nat(), amount: fc.integer({ min: 0, max: 255 }) }), {
        minLength: 1,
        maxLength: 40,
      });
      const examples = fc.record({ place, damages, filters: fc.boolean(), level: fc.integer({ min: 0, max: 9 }) });
      await fuzz(examples, 60, async ({ place, damages, filters, level }) => {
        const chunks = chunksOf(originals[place]!);
        const packed = chunks.filter(({ kind }) => kind === 'IDAT').map(({ data }) => data);
        const rows = inflateSync(Buffer.concat(packed));
        const header = chunks[0]!.data;
        const height = header.readUInt32BE(4);
        for (const { place, amount } of damages) {
          // The first byte of a row is its filter, 0 to 4.
          if (filters) rows[(place % height) * (rows.length / height)] = amount % 5;
          else rows[place % rows.length] = amount;
        }
        const image = deflateSync(rows, { level });
        await compare(fileOf([chunks[0]!, { kind: 'IDAT', data: image }, { kind: 'IEND', data: Buffer.alloc(0) }]));
      });
      expect(taken).toBeGreaterThan(20);
    },
    limit,
  );

  it(
    'in the order, number and length of their chunks, or in any bytes: as libvips reads them, or left to it',
    async () => {
      taken = 0;
      const kinds = ['IHDR', 'IDAT', 'IEND', 'pHYs', 'tIME', 'tRNS', 'PLTE', 'gAMA', 'tEXt', 'eXIf'];
      const step = fc.record({
        kind: fc.constantFrom('split', 'insert', 'repeat', 'remove', 'swap', 'lengthen', 'shorten'),
        place: fc.nat(),
        other: fc.nat(),
        inserted: fc.constantFrom(...kinds),
        bytes: fc.uint8Array({ maxLength: 14 }),
      });
      const examples = fc.record({
        place,
        steps: fc.array(step, { maxLength: 3 }),
        damages: fc.oneof(fc.constant<Damage[]>([]), anyDamage),
      });
      await fuzz(examples, 200, async ({ place, steps, damages }) => {
        const chunks = chunksOf(originals[place]!);
        for (const { kind, place, other, inserted, bytes } of steps) {
          const at = place % Math.max(1, chunks.length);
          const chunk = chunks[at];
          if (chunk === undefined) break;
          const cut = other % (chunk.data.length + 1);
          const pieces = [chunk.data.subarray(0, cut), chunk.data.subarray(cut)];
          if (kind === 'split') chunks.splice(at, 1, ...pieces.map((data) => ({ kind: chunk.kind, data })));
          else if (kind === 'insert') chunks.splice(at, 0, { kind: inserted, data: Buffer.from(bytes) });
          else if (kind === 'repeat') chunks.splice(at, 0, chunk);
          else if (kind === 'remove') chunks.splice(at, 1);
          else if (kind === 'swap') {
            const [target] = chunks.splice(other % chunks.length, 1, chunk);
            chunks[at] = target!;
          } else {
            const longer = Buffer.concat([chunk.data, bytes]);
            chunks[at] = { kind: chunk.kind, data: kind === 'lengthen' ? longer : pieces[0]! };
          }
        }
        await compare(summed(damaged(fileOf(chunks), damages)));
      });
      expect(taken).toBeGreaterThan(10);
    },
    limit,
  );
});
