import { encodePng } from '@proj/captcha-gen/node';
import type { Image } from '@proj/core';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';

const image = fc
  .record({
    width: fc.integer({ min: 1, max: 12 }),
    height: fc.integer({ min: 1, max: 12 }),
    channels: fc.constantFrom(1, 2, 3, 4),
  })
  .chain(({ width, height, channels }) =>
    fc
      .uint8Array({ minLength: width * height * channels, maxLength: width * height * channels })
      .map((data): Image => ({ data: Uint8ClampedArray.from(data), width, height, channels }) as Image),
  );

async function expectRoundTrip(each: Image): Promise<void> {
  const { data, info } = await sharp(encodePng(each)).raw().toBuffer({ resolveWithObject: true });
  const { width, height, channels } = each;
  expect([info.width, info.height]).toEqual([width, height]);
  // libvips gives greys as they are, or as three channels where it takes them for sRGB.
  const pixels = Array.from({ length: width * height }, (_, i) =>
    Array.from(
      { length: channels },
      (_, c) => data[i * info.channels + (channels < 3 && c === 1 ? info.channels - 1 : c)],
    ),
  ).flat();
  expect(pixels).toEqual([...each.data]);
}

describe('encodePng', () => {
  it('writes what a decoder reads, whatever was written before', () =>
    fc.assert(
      fc.asyncProperty(fc.array(image, { minLength: 2, maxLength: 4 }), async (images) => {
        for (const each of images) await expectRoundTrip(each);
      }),
      { numRuns: 60 },
    ));

  it('writes a picture of another width that takes as many bytes', async () => {
    for (const [width, height] of [
      [9, 6],
      [5, 10],
    ] as const) {
      const data = Uint8ClampedArray.from({ length: width * height }, (_, i) => 100 + i);
      await expectRoundTrip({ data, width, height, channels: 1 });
    }
  });
});
