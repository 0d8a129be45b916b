import { readFile } from 'node:fs/promises';
import { createImage, type Image, ProjError } from '@proj/core';
import sharp from 'sharp';

const MAX_PIXELS = 50_000_000;

/**
 * Decodes a picture file by sharp, 8 bits a channel in sRGB; grey stays grey, alpha stays, EXIF rotation is applied.
 *
 * @throws ProjError `cannot-read`, `cannot-decode`, `too-many-pixels`.
 */
export async function decodePicture(path: string): Promise<Image> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new ProjError(`Cannot read ${path}: ${(cause as Error).message}`, { code: 'cannot-read', cause });
  }
  try {
    const { width = 0, height = 0, space } = await sharp(bytes).metadata();
    if (width * height > MAX_PIXELS) {
      throw new ProjError(`Cannot decode ${path}`, {
        code: 'too-many-pixels',
        expected: `at most ${MAX_PIXELS} pixels`,
        received: `${width}x${height}`,
      });
    }
    const grey = space === 'b-w' || space === 'grey16';
    const { data, info } = await sharp(bytes, { failOn: 'error', autoOrient: true })
      .toColourspace(grey ? 'b-w' : 'srgb')
      .raw()
      .toBuffer({ resolveWithObject: true });
    return createImage(info.width, info.height, info.channels, new Uint8ClampedArray(data));
  } catch (cause) {
    if (cause instanceof ProjError) throw cause;
    throw new ProjError(`Cannot decode ${path}: ${(cause as Error).message.split('\n')[0]}`, {
      code: 'cannot-decode',
      expected: 'an intact PNG, JPEG, WebP, AVIF or GIF file',
      fix: 'Replace or remove the file',
      cause,
    });
  }
}

/** The bytes of a PNG file. @throws ProjError `unsupported-channels` for more than 4 channels. */
export async function encodePicture({ data, width, height, channels }: Image, name: string): Promise<Uint8Array> {
  if (channels > 4) {
    throw new ProjError(`Cannot write ${name}`, {
      code: 'unsupported-channels',
      expected: '1 to 4 channels',
      received: `${channels}`,
    });
  }
  const raw = { width, height, channels: channels as 1 | 2 | 3 | 4 };
  const image = sharp(new Uint8Array(data.buffer, data.byteOffset, data.length), { raw });
  return (channels < 3 ? image.toColourspace('b-w') : image).png().toBuffer();
}
