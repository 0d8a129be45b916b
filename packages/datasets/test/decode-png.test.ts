import { readFileSync } from 'node:fs';
import { decodeImage } from '@proj/datasets';
import fc from 'fast-check';
import sharp, { type Channels } from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodePlainPng } from '../src/decode-png.js';

/** Pictures with smooth and with rough parts, so that an encoder has reason to use every filter. */
const drawings = fc.record({
  width: fc.integer({ min: 1, max: 70 }),
  height: fc.integer({ min: 1, max: 40 }),
  channels: fc.constantFrom<Channels>(1, 3, 4),
  step: fc.integer({ min: 0, max: 40 }),
  seed: fc.integer({ min: 1, max: 1_000_000 }),
  png: fc.record({ adaptiveFiltering: fc.boolean(), compressionLevel: fc.constantFrom(0, 1, 9) }),
});

describe('PNGs of any kind', () => {
  it('with a flipped bit in what their pixels depend on are refused, by the name of the chunk where it is whole', async () => {
    const file = readFileSync(new URL('./goldens/pictures/palette-transparent.png', import.meta.url));
    const whole = await decodeImage(file);
    const places = { PLTE: file.indexOf('PLTE'), tRNS: file.indexOf('tRNS'), IDAT: file.indexOf('IDAT') };
    for (const [kind, start] of Object.entries(places)) {
      const length = file.readUInt32BE(start - 4);
      for (let at = start + 4; at < start + 4 + length; at++) {
        const damaged = Buffer.from(file);
        damaged[at]! ^= 1;
        const expected = { code: 'cannot-decode', received: expect.stringContaining(kind) };
        await expect(decodeImage(damaged)).rejects.toMatchObject(expected);
      }
    }
    for (let bit = 8 * 8; bit < file.length * 8; bit += 5) {
      const damaged = Buffer.from(file);
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      const image = await decodeImage(damaged).catch((error) => error);
      if (!(image instanceof Error)) expect(image).toEqual(whole);
    }
  });
});

describe('small plain PNGs', () => {
  it('come out as they went in', async () => {
    await fc.assert(
      fc.asyncProperty(drawings, async ({ width, height, channels, step, seed, png }) => {
        const pixels = Buffer.alloc(width * height * channels);
        for (let i = 0; i < pixels.length; i++) {
          const place = Math.floor(i / channels);
          const isRough = (place % width) * 2 > width;
          pixels[i] = isRough
            ? Math.imul(i + seed, 2654435761) >>> 24
            : (place * step + (i % channels) * 50 + seed) % 256;
        }
        const file = await sharp(pixels, { raw: { width, height, channels } }).png(png).toBuffer();
        expect(decodePlainPng(file, width * height)).toBeDefined();
        expect(decodePlainPng(file, width * height - 1)).toBeUndefined();
        const image = await decodeImage(file, { channels: channels as 1 | 3 | 4 });
        expect(image).toMatchObject({ width, height, channels });
        expect(Buffer.from(image.data).equals(pixels)).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  it('are left to libvips with any bit flipped but those after the end', async () => {
    const pixels = Buffer.from(Array.from({ length: 12 * 5 * 3 }, (_, i) => (i * 31) % 256));
    const file = await sharp(pixels, { raw: { width: 12, height: 5, channels: 3 } })
      .png()
      .toBuffer();
    for (let bit = 8 * 8; bit < file.length * 8; bit++) {
      const damaged = Buffer.from(file);
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      expect(decodePlainPng(damaged, 1000)).toBeUndefined();
    }
  });
});
