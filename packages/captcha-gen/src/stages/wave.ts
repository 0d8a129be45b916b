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
  let rows = known.get(byRow);
  if (rows === undefined) known.set(byRow, (rows = rowsOf(byRow, height)));
  const { runs, leastShift, mostShift } = rows;
  let [left, right] = [0, width - 1]; // of the columns that are marked
  while (left < width && top[left]! >= bottom[left]!) left++;
  while (right > left && top[right]! >= bottom[right]!) right--;
  for (let x = Math.max(0, left - mostShift); x < width && x + leastShift <= right; x++) {
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
      if (x > right) right = x;
    }
  }
}

/** Rows that follow each other and are shifted alike. */
interface Run {
  readonly shift: number;
  readonly start: number;
  readonly end: number;
}

/** The rows of a wave, in as few runs as there are, so that the innermost loop has little to decide. */
interface Rows {
  readonly runs: readonly Run[];
  readonly leastShift: number;
  readonly mostShift: number;
}

const known = new WeakMap<Int32Array, Rows>();

function rowsOf(byRow: Int32Array, height: number): Rows {
  const borders = [0, ...Array.from({ length: height - 1 }, (_, i) => i + 1).filter((y) => byRow[y] !== byRow[y - 1])];
  const runs = borders.map((start, i) => ({ shift: byRow[start]!, start, end: borders[i + 1] ?? height }));
  const shifts = runs.map(({ shift }) => shift);
  return { runs, leastShift: Math.min(...shifts), mostShift: Math.max(...shifts) };
}
