import type { Image } from '@proj/core';
import sharp from 'sharp';

/** An RGB image as a PNG file of 8 bits a channel, not interlaced. */
export async function encodePng({ data, width, height }: Image): Promise<Uint8Array> {
  return sharp(data, { raw: { width, height, channels: 3 } })
    .png({ compressionLevel: 6 })
    .toBuffer();
}
