import { readFileSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { resize as stretch } from '@proj/augment';
import { createImage, type Image, ProjError } from '@proj/core';
import sharp from 'sharp';
import { damagedChunk, decodePlainPng } from './decode-png.js';

/** How {@link decodeImage} turns a file into pixels. Plain data. */
export interface DecodeOptions {
  /** 1 grey, 3 RGB (default), 4 RGBA. */
  readonly channels?: 1 | 3 | 4 | undefined;
  /** Largest `width * height` that is decoded; the header is checked before memory is taken. Default 50,000,000. */
  readonly maxPixels?: number | undefined;
  /** RGB colour, 0..255, that transparent pixels are laid over when `channels` is 1 or 3. Default white. */
  readonly background?: readonly [red: number, green: number, blue: number] | undefined;
  /** Stretches the picture to this size: Pillow's `BILINEAR`, with antialiasing, after `channels` is applied. */
  readonly resize?: { readonly width: number; readonly height: number } | undefined;
  /** What errors call a picture given as bytes. Default `a picture in memory`. */
  readonly name?: string | undefined;
}

/** What a folder scan takes for pictures, lower case, without the dot. */
export const pictureExtensions: readonly string[] = ['png', 'jpg', 'jpeg', 'webp', 'avif', 'gif'];

const defaultMaxPixels = 50_000_000;
const white = [255, 255, 255] as const;

/**
 * Decodes PNG, JPEG, WebP, AVIF or GIF (its first frame) by sharp, small plain PNGs without it. The content decides the format, not the extension.
 *
 * The result has 8 bits a channel in sRGB: 16-bit files keep their high byte, palettes are looked up, CMYK and embedded
 * colour profiles are converted, EXIF rotation is applied. Alpha is composed over `background` with Pillow's rounding;
 * grey is Pillow's `L`, `(19595 R + 38470 G + 7471 B + 32768) >> 16`.
 *
 * @param source a path, a `file:` URL, or the bytes of a file.
 * @throws ProjError `cannot-read` when there is no such file or it may not be read; `cannot-decode` when it is no
 *   picture, is cut short or damaged; `too-many-pixels` beyond `maxPixels`. All name the file. `invalid-option`.
 */
export async function decodeImage(source: string | URL | Uint8Array, options: DecodeOptions = {}): Promise<Image> {
  const { channels = 3, maxPixels = defaultMaxPixels, background = white, resize } = options;
  const { name: given = 'a picture in memory' } = options;
  checkOptions(channels, maxPixels, background);
  const name = source instanceof Uint8Array ? given : source instanceof URL ? filePath(source) : source;
  const bytes = source instanceof Uint8Array ? source : await read(name);
  if (!isKnownFormat(bytes)) {
    throw new ProjError(`Cannot decode ${name}`, {
      code: 'cannot-decode',
      expected: 'a PNG, JPEG, WebP, AVIF or GIF file',
      received: bytes.length === 0 ? 'an empty file' : `a file of ${bytes.length} bytes in another format`,
    });
  }
  const plain = isPng(bytes) ? decodePlainPng(bytes, maxPixels) : undefined;
  const decoded = plain ?? (await decodeBySharp(name, bytes, maxPixels));
  const pixels = convert(decoded.data, decoded.channels, channels, background);
  const image = createImage(decoded.width, decoded.height, channels, pixels);
  if (resize === undefined) return image;
  return stretch({ size: [resize.height, resize.width] }).apply(image, {}) as Image; // bytes, as it was given
}

/** @throws ProjError `invalid-option`: in JavaScript a wrong one would give a wrong picture. */
function checkOptions(channels: number, maxPixels: number, background: readonly number[]): void {
  const invalid = (option: string, expected: string, received: unknown) =>
    new ProjError(`Cannot decode pictures with this \`${option}\``, {
      code: 'invalid-option',
      expected,
      received: JSON.stringify(received) ?? String(received),
    });
  if (![1, 3, 4].includes(channels)) throw invalid('channels', '1, 3 or 4', channels);
  if (!(maxPixels > 0)) throw invalid('maxPixels', 'a positive number', maxPixels);
  const isColor =
    Array.isArray(background) && background.length === 3 && background.every((value) => value >= 0 && value <= 255);
  if (!isColor) throw invalid('background', '[red, green, blue], 0..255', background);
}

/** As sRGB with or without alpha; grey too. */
async function decodeBySharp(name: string, bytes: Uint8Array, maxPixels: number): Promise<Image> {
  const damaged = isPng(bytes) ? damagedChunk(bytes) : undefined;
  if (damaged !== undefined) {
    throw new ProjError(`Cannot decode ${name}`, {
      code: 'cannot-decode',
      expected: 'chunks whose checksums are right',
      received: `a wrong one in the chunk ${JSON.stringify(damaged)}`,
      fix: 'Replace the file; it is damaged',
    });
  }
  try {
    const limitInputPixels = Math.min(Math.max(1, Math.floor(maxPixels)), Number.MAX_SAFE_INTEGER); // an integer; 0 is no limit
    const { data, info } = await sharp(bytes, { failOn: 'error', limitInputPixels, autoOrient: true })
      .toColourspace('srgb')
      .raw()
      .toBuffer({ resolveWithObject: true });
    const pixels = new Uint8ClampedArray(data.buffer, data.byteOffset, data.byteLength);
    return createImage(info.width, info.height, info.channels, pixels);
  } catch (cause) {
    throw await describe(name, bytes, maxPixels, cause);
  }
}

async function read(path: string): Promise<Uint8Array> {
  try {
    // Not from a pipe or a device: it may never end, and a thread that waits there cannot be ended.
    if (!statSync(path).isFile()) throw new Error('it is no regular file');
    // In a worker thread nothing else waits, and the trips of `readFile` to other threads cost more than the decoding.
    return isMainThread ? await readFile(path) : readFileSync(path);
  } catch (cause) {
    throw new ProjError(`Cannot read ${path}: ${(cause as Error).message}`, {
      code: 'cannot-read',
      fix: 'Check that the file exists and may be read',
      cause,
    });
  }
}

function filePath(url: URL): string {
  if (url.protocol === 'file:') {
    try {
      return fileURLToPath(url);
    } catch (cause) {
      throw new ProjError(`Cannot read ${url.href}: ${(cause as Error).message}`, { code: 'cannot-read', cause });
    }
  }
  throw new ProjError(`Cannot read ${url.href}`, {
    code: 'cannot-read',
    expected: 'a `file:` URL',
    received: `a \`${url.protocol}\` URL`,
    fix: 'Fetch it first and pass its bytes',
  });
}

const headOf = (bytes: Uint8Array) =>
  Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 16)).toString('latin1');

const isPng = (bytes: Uint8Array) => headOf(bytes).startsWith('\x89PNG\r\n\x1a\n');

/** Signatures of the formats taken; keeps formats that refer to other files or run programs (SVG, PDF) out. */
function isKnownFormat(bytes: Uint8Array): boolean {
  const head = headOf(bytes);
  return (
    isPng(bytes) ||
    head.startsWith('\xff\xd8\xff') ||
    head.startsWith('GIF8') ||
    (head.startsWith('RIFF') && head.startsWith('WEBP', 8)) ||
    /^ftyp(avif|avis|mif1|miaf)/.test(head.slice(4))
  );
}

/** Grey or sRGB pixels of 1, 3 or 4 channels to 1, 3 or 4. */
function convert(
  pixels: Uint8ClampedArray,
  from: number,
  to: 1 | 3 | 4,
  background: readonly [number, number, number],
): Uint8ClampedArray {
  if (from === to) return pixels;
  const count = pixels.length / from;
  const out = new Uint8ClampedArray(count * to);
  for (let i = 0; i < count; i++) {
    const at = i * from;
    let red = pixels[at]!;
    let green = from === 1 ? red : pixels[at + 1]!;
    let blue = from === 1 ? red : pixels[at + 2]!;
    if (from === 4) {
      const alpha = pixels[at + 3]!;
      red = blend(red, background[0], alpha);
      green = blend(green, background[1], alpha);
      blue = blend(blue, background[2], alpha);
    }
    if (to === 1) {
      out[i] = (19595 * red + 38470 * green + 7471 * blue + 32768) >> 16;
    } else {
      out[i * to] = red;
      out[i * to + 1] = green;
      out[i * to + 2] = blue;
      if (to === 4) out[i * to + 3] = 255;
    }
  }
  return out;
}

/** `(front * alpha + back * (255 - alpha)) / 255`, rounded to the nearest as Pillow's `paste` does. */
function blend(front: number, back: number, alpha: number): number {
  const sum = front * alpha + back * (255 - alpha) + 128;
  return ((sum >> 8) + sum) >> 8;
}

async function describe(name: string, bytes: Uint8Array, maxPixels: number, cause: unknown): Promise<ProjError> {
  // By the header, not by the message: libvips has one place for messages of all threads, so it may be another's.
  const header = await sharp(bytes, { limitInputPixels: false })
    .metadata()
    .catch(() => undefined);
  if (header === undefined || header.width * header.height <= maxPixels) {
    return new ProjError(`Cannot decode ${name}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      code: 'cannot-decode',
      fix: 'Replace the file if it is damaged or cut short, or leave it out',
      cause,
    });
  }
  const { width, height } = header;
  return new ProjError(`Cannot decode ${name}: it is too large`, {
    code: 'too-many-pixels',
    expected: `at most ${maxPixels} pixels`,
    received: `${width}x${height} = ${width * height} pixels`,
    fix: 'Raise `maxPixels` if the picture is meant to be this large',
    cause,
  });
}
