import { cos, sin } from '../trigonometry.js';
import type { Layer } from './layer.js';

/** From where the wave takes a pixel: `(x + byRow[y], y + byColumn[x])`. */
export interface Wave {
  readonly byRow: Int32Array;
  readonly byColumn: Int32Array;
}

/** The wave of `amplitude` pixels: `trunc(amplitude sin(k y))` across, `trunc(amplitude cos(k x))` down, k in radians a pixel. */
export function createWave(width: number, height: number, amplitude: number, k: number): Wave {
  return {
    byRow: Int32Array.from({ length: height }, (_, y) => Math.trunc(amplitude * sin(k * y))),
    byColumn: Int32Array.from({ length: width }, (_, x) => Math.trunc(amplitude * cos(k * x))),
  };
}

/**
 * Bends a layer in place, column by column from the left and each column downwards. A pixel is overwritten only where
 * its source is not transparent (beyond the edges all is), so what stood there stays and strokes double; a source may
 * itself have been overwritten before.
 */
export function applyWave({ pixels, width, height }: Layer, { byRow, byColumn }: Wave): void {
  for (let x = 0; x < width; x++) {
    const down = byColumn[x]!;
    const column = x * height;
    const lastY = Math.min(height, height - down);
    for (let y = Math.max(0, -down); y < lastY; y++) {
      const sourceX = x + byRow[y]!;
      if (sourceX < 0 || sourceX >= width) continue;
      const source = pixels[sourceX * height + y + down]!;
      if (source !== 0) pixels[column + y] = source;
    }
  }
}
