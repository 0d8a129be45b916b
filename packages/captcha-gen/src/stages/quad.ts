import { createRgba, type Rgba } from './rgba.js';

/** Corners of a quadrilateral in pixels, x and y of each. */
export interface Quad {
  readonly northWest: readonly [x: number, y: number];
  readonly southWest: readonly [x: number, y: number];
  readonly southEast: readonly [x: number, y: number];
  readonly northEast: readonly [x: number, y: number];
}

/**
 * Shows what a quadrilateral of the source holds in a picture of `width` x `height`: Pillow's
 * `Image.transform(size, QUAD, corners)`, the pixel nearest to the bilinear map of each pixel's middle, nothing outside.
 */
export function warpQuad(source: Rgba, width: number, height: number, quad: Quad): Rgba {
  const { northWest: nw, southWest: sw, southEast: se, northEast: ne } = quad;
  const warped = createRgba(width, height);
  const from = new Uint32Array(source.data.buffer, source.data.byteOffset, source.width * source.height);
  const to = new Uint32Array(warped.data.buffer);
  const perX = 1 / width;
  const perY = 1 / height;
  const [ax, ay] = [0, 1].map((k) => (ne[k]! - nw[k]!) * perX) as [number, number];
  const [bx, by] = [0, 1].map((k) => (sw[k]! - nw[k]!) * perY) as [number, number];
  const [cx, cy] = [0, 1].map((k) => (se[k]! - sw[k]! - ne[k]! + nw[k]!) * perX * perY) as [number, number];
  for (let y = 0; y < height; y++) {
    const yIn = y + 0.5;
    for (let x = 0; x < width; x++) {
      const xIn = x + 0.5;
      const sourceX = nw[0] + ax * xIn + bx * yIn + cx * xIn * yIn;
      const sourceY = nw[1] + ay * xIn + by * yIn + cy * xIn * yIn;
      if (sourceX < 0 || sourceX >= source.width || sourceY < 0 || sourceY >= source.height) continue;
      to[y * width + x] = from[Math.floor(sourceY) * source.width + Math.floor(sourceX)]!;
    }
  }
  return warped;
}
