import sharp from 'sharp';

/** A PNG's pixels, RGB. */
export interface Pixels {
  readonly data: Buffer;
  readonly width: number;
  readonly height: number;
}

export async function decode(png: Uint8Array): Promise<Pixels> {
  const { data, info } = await sharp(png).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}

export function pixel({ data, width }: Pixels, x: number, y: number): [number, number, number] {
  return [...data.subarray(3 * (y * width + x), 3 * (y * width + x) + 3)] as [number, number, number];
}

/** How many pixels of a box, given in units of the figure (two pixels each), are not white. */
export function inked(image: Pixels, left: number, top: number, right: number, bottom: number): number {
  let count = 0;
  for (let y = 2 * top; y < 2 * bottom; y++) {
    for (let x = 2 * left; x < 2 * right; x++) if (pixel(image, x, y).some((value) => value < 250)) count++;
  }
  return count;
}
