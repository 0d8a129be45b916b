import { cos, sin } from '../trigonometry.js';
import { type Layer, widenColumn } from './layer.js';

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
export function applyWave(layer: Layer, { byRow, byColumn }: Wave): void {
  const { pixels, width, height, top, bottom } = layer;
  let runs = known.get(byRow);
  if (runs === undefined) known.set(byRow, (runs = runsOf(byRow, height)));
  for (let x = 0; x < width; x++) {
    const down = byColumn[x]!;
    const column = x * height;
    for (const { shift, start, end } of runs) {
      const sourceX = x + shift;
      if (sourceX < 0 || sourceX >= width) continue;
      const source = sourceX * height + down;
      const first = Math.max(start, top[sourceX]! - down, 0);
      // A column that is read upwards meets what it has itself been given.
      const after = shift === 0 && down < 0 ? height : bottom[sourceX]! - down;
      const last = Math.min(end, after, height - down);
      if (first >= last) continue;
      for (let y = first; y < last; y++) {
        const pixel = pixels[source + y]!;
        if (pixel !== 0) pixels[column + y] = pixel;
      }
      widenColumn(layer, x, first, last);
    }
  }
}

/** Rows that follow each other and are shifted alike. */
interface Run {
  readonly shift: number;
  readonly start: number;
  readonly end: number;
}

const known = new WeakMap<Int32Array, readonly Run[]>();

/** There are few, so that the innermost loop has little to decide. */
function runsOf(byRow: Int32Array, height: number): Run[] {
  const borders = [0, ...Array.from({ length: height - 1 }, (_, i) => i + 1).filter((y) => byRow[y] !== byRow[y - 1])];
  return borders.map((start, i) => ({ shift: byRow[start]!, start, end: borders[i + 1] ?? height }));
}
