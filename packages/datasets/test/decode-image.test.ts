import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { decodeImage } from '@proj/datasets';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import goldens from './goldens/pictures.json' with { type: 'json' };
import { temporaryFolder } from './temporary-folder.js';

const pictures = new URL('./goldens/pictures/', import.meta.url);
const folder = temporaryFolder();
const width = 20;
const height = 10;
const pixels = Buffer.from(Array.from({ length: width * height * 3 }, (_, i) => (i * 7919) % 256));
const drawing = () => sharp(pixels, { raw: { width, height, channels: 3 } });

interface Golden {
  file: string;
  channels: number;
  width: number;
  height: number;
  pixels: number[];
  resize?: { width: number; height: number };
  tolerance?: number;
}

describe('pictures as Pillow reads them', () => {
  it.each(goldens.cases as Golden[])('$file to $channels channels, resize $resize', async (golden) => {
    const image = await decodeImage(new URL(golden.file, pictures), {
      channels: golden.channels as 1 | 3 | 4,
      background: goldens.background as [number, number, number],
      resize: golden.resize,
    });
    expect([image.width, image.height, image.channels]).toEqual([golden.width, golden.height, golden.channels]);
    expect(image.data.length).toBe(golden.pixels.length);
    const difference = golden.pixels.reduce((most, value, k) => Math.max(most, Math.abs(value - image.data[k]!)), 0);
    expect(difference).toBeLessThanOrEqual(golden.tolerance ?? 0);
  });
});

describe('decodeImage', () => {
  it('reads every format, from a path, a URL or bytes', async () => {
    for (const [format, options] of [
      ['png', {}],
      ['webp', { lossless: true }],
      ['avif', { lossless: true }],
    ] as const) {
      const path = join(folder, `drawing.${format}`);
      const bytes = await drawing().toFormat(format, options).toBuffer();
      writeFileSync(path, bytes);
      for (const source of [path, pathToFileURL(path), bytes, new Uint8Array(bytes)]) {
        const image = await decodeImage(source);
        expect(image).toMatchObject({ width, height, channels: 3 });
        expect(Buffer.from(image.data).equals(pixels)).toBe(true);
      }
    }
  });

  it('takes any positive number for the most pixels', async () => {
    for (const format of ['png', 'jpeg'] as const) {
      const bytes = await drawing().toFormat(format).toBuffer();
      for (const maxPixels of [200, 200.5, 2 ** 53, Infinity]) {
        expect(await decodeImage(bytes, { maxPixels })).toMatchObject({ width, height });
      }
      for (const maxPixels of [0.5, 199]) {
        await expect(decodeImage(bytes, { maxPixels })).rejects.toMatchObject({ code: 'too-many-pixels' });
      }
    }
  });

  it('refuses file URLs that stand for no path', async () => {
    await expect(decodeImage(new URL('file:///a%2Fb.png'))).rejects.toMatchObject({
      code: 'cannot-read',
      message: expect.stringContaining('file:///a%2Fb.png'),
    });
  });

  it('keeps the high byte of 16-bit colours', async () => {
    const bytes = await drawing().toColourspace('rgb16').png().toBuffer();
    expect((await sharp(bytes).metadata()).depth).toBe('ushort');
    expect(Buffer.from((await decodeImage(bytes)).data).equals(pixels)).toBe(true);
  });

  it('lays transparent pixels over white by default', async () => {
    const clear = { create: { width: 2, height: 2, channels: 4 as const, background: { r: 9, g: 9, b: 9, alpha: 0 } } };
    const bytes = await sharp(clear).png().toBuffer();
    expect([...(await decodeImage(bytes)).data]).toEqual(Array(12).fill(255));
    expect([...(await decodeImage(bytes, { channels: 1, background: [0, 0, 0] })).data]).toEqual(Array(4).fill(0));
  });

  it('goes by the content, not the extension', async () => {
    const path = join(folder, 'really-a-png.jpg');
    writeFileSync(path, await drawing().png().toBuffer());
    expect(Buffer.from((await decodeImage(path)).data).equals(pixels)).toBe(true);
  });

  it('reads names with spaces, accents, emoji, percent and hash signs', async () => {
    for (const name of ['two words.png', 'ünïcödé-字.png', '🙂🏳️‍🌈.png', '100%25 #1?.png', "it's [a] {b}.png"]) {
      const path = join(folder, name);
      writeFileSync(path, await drawing().png().toBuffer());
      expect(await decodeImage(path)).toMatchObject({ width, height });
      expect(await decodeImage(pathToFileURL(path))).toMatchObject({ width, height });
    }
  });

  it.each(['png', 'jpeg', 'webp', 'gif', 'avif'] as const)(
    'refuses a %s cut anywhere before its last pixel',
    async (format) => {
      const bytes = await drawing().toFormat(format).toBuffer();
      const whole = await decodeImage(bytes);
      let refused = 0;
      for (let end = 0; end < bytes.length; end += 3) {
        const result = await decodeImage(bytes.subarray(0, end)).catch((error) => error);
        if (result instanceof Error) {
          expect(result).toMatchObject({ name: 'ProjError', code: 'cannot-decode' });
          refused++;
        } else {
          expect(result).toEqual(whole); // only what follows the pixels was missing
        }
      }
      expect(refused).toBeGreaterThan((bytes.length / 3) * 0.9);
    },
  );

  it('names a file that is cut short, empty or no picture', async () => {
    const png = await drawing().png().toBuffer();
    const cases = {
      'cut.png': png.subarray(0, 200),
      'empty.png': Buffer.alloc(0),
      'text.png': Buffer.from('not a picture'),
      'drawing.svg': Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
      'svg-named.png': Buffer.from(
        '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
      ),
      'only-the-signature.png': png.subarray(0, 8),
    };
    for (const [name, bytes] of Object.entries(cases)) {
      const path = join(folder, name);
      writeFileSync(path, bytes);
      await expect(decodeImage(path)).rejects.toMatchObject({
        code: 'cannot-decode',
        message: expect.stringContaining(path),
      });
    }
  });

  it('tells a file it cannot read from one it cannot decode', async () => {
    mkdirSync(join(folder, 'a-folder.png'));
    for (const name of ['missing.png', 'a-folder.png']) {
      const path = join(folder, name);
      await expect(decodeImage(path)).rejects.toMatchObject({
        code: 'cannot-read',
        message: expect.stringContaining(path),
      });
    }
    await expect(decodeImage(new URL('https://example.com/a.png'))).rejects.toMatchObject({ code: 'cannot-read' });
  });

  it.skipIf(process.platform === 'win32')('refuses pipes and devices, which may never end', async () => {
    const pipe = join(folder, 'pipe.png');
    execFileSync('mkfifo', [pipe]);
    for (const path of [pipe, '/dev/zero']) {
      await expect(decodeImage(path)).rejects.toMatchObject({
        code: 'cannot-read',
        message: expect.stringContaining(path),
      });
    }
  });

  it.each([
    { channels: 2 },
    { channels: '3' },
    { maxPixels: Number.NaN },
    { maxPixels: 0 },
    { background: '#ffffff' },
    { background: [255, 255] },
    { background: [0, 0, 256] },
    { resize: { width: 0, height: 8 } },
  ])('refuses %j instead of giving a wrong picture', async (options) => {
    const png = await drawing().png().toBuffer();
    await expect(decodeImage(png, options as never)).rejects.toMatchObject({ code: 'invalid-option' });
  });

  it('checks the pixel budget by the header, before it takes memory', async () => {
    const png = await drawing().png().toBuffer();
    expect(await decodeImage(png, { maxPixels: 200 })).toMatchObject({ width, height });
    await expect(decodeImage(png, { maxPixels: 199 })).rejects.toMatchObject({
      code: 'too-many-pixels',
      received: '20x10 = 200 pixels',
    });
    // A header that promises 60,000 x 60,000 pixels: 10 GB if it were believed.
    const bomb = Buffer.from(png);
    bomb.writeUInt32BE(60000, 16);
    bomb.writeUInt32BE(60000, 20);
    bomb.writeUInt32BE(crc32(bomb.subarray(12, 29)), 29);
    const before = process.memoryUsage().rss;
    await expect(decodeImage(bomb)).rejects.toMatchObject({ code: 'too-many-pixels' });
    expect(process.memoryUsage().rss - before).toBeLessThan(500e6);
  });
});

/** The checksum of a PNG chunk. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
