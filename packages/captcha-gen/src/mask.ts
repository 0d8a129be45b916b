import type { Polygon } from './outline.js';

/** How much of each pixel a shape covers: 0 nothing .. 255 all, row by row. */
export interface Mask {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** A rectangle of whole pixels, y downwards. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/**
 * Coverage of closed polygons (on a grid of 1/`grid` pixel), clipped to `width` x `height` pixels, non-zero winding:
 * `min(255, floor(256 * |signed area|))` a pixel, as the smooth rasterisers of FreeType and Go's freetype have it. The area
 * is exact but for the points where edges cross from pixel to pixel, which are rounded down to the grid.
 */
export function rasterise(polygons: readonly Polygon[], width: number, height: number, grid: number): Mask {
  // By how much twice the signed area in a pixel differs from its left neighbour's; one spare entry ends a row.
  const changes = new Float64Array((width + 1) * height);
  for (const polygon of polygons) {
    for (let i = 0; i < polygon.length; i += 2) {
      const next = (i + 2) % polygon.length;
      addEdge({ changes, width, height, grid }, polygon[i]!, polygon[i + 1]!, polygon[next]!, polygon[next + 1]!);
    }
  }
  const data = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    let area = 0;
    for (let x = 0; x < width; x++) {
      area += changes[y * (width + 1) + x]!;
      data[y * width + x] = Math.min(255, Math.floor((128 * Math.abs(area)) / (grid * grid)));
    }
  }
  return { data, width, height };
}

interface Sheet {
  readonly changes: Float64Array;
  readonly width: number;
  readonly height: number;
  readonly grid: number;
}

/** Adds what lies to the right of an edge, cut into rows of pixels; downward edges count positive. */
function addEdge(sheet: Sheet, x0: number, y0: number, x1: number, y1: number): void {
  if (y0 === y1) return;
  const { height, grid } = sheet;
  const [topX, topY, bottomX, bottomY, sign] = y0 < y1 ? [x0, y0, x1, y1, 1] : [x1, y1, x0, y0, -1];
  const xAt = (y: number) => topX + Math.floor(((y - topY) * (bottomX - topX)) / (bottomY - topY));
  const lastRow = Math.min(height, Math.ceil(bottomY / grid));
  for (let row = Math.max(0, Math.floor(topY / grid)); row < lastRow; row++) {
    const from = Math.max(row * grid, topY);
    const to = Math.min((row + 1) * grid, bottomY);
    addRow(sheet, row, xAt(from), from, xAt(to), to, sign);
  }
}

/** Adds a piece of an edge that stays within one row, cut into pixels. */
function addRow(sheet: Sheet, row: number, x0: number, y0: number, x1: number, y1: number, sign: number): void {
  const { changes, width, grid } = sheet;
  const [leftX, leftY, rightX, rightY] = x0 <= x1 ? [x0, y0, x1, y1] : [x1, y1, x0, y0];
  const yAt = (x: number) =>
    leftX === rightX ? rightY : leftY + Math.floor(((x - leftX) * (rightY - leftY)) / (rightX - leftX));
  const start = row * (width + 1);
  const firstCell = Math.floor(leftX / grid);
  const lastCell = Math.max(firstCell, Math.ceil(rightX / grid) - 1);
  let a = leftX;
  let ya = leftY;
  for (let cell = firstCell; cell <= lastCell && cell < width; cell++) {
    const b = Math.min(rightX, (cell + 1) * grid);
    const yb = cell === lastCell ? rightY : yAt(b);
    const rise = leftX === rightX ? sign * (y1 - y0) : sign * Math.abs(yb - ya);
    const leftOut = a + b - 2 * cell * grid; // twice the mean distance from the pixel's left edge
    if (cell < 0) {
      changes[start] = changes[start]! + rise * 2 * grid;
    } else {
      changes[start + cell] = changes[start + cell]! + rise * (2 * grid - leftOut);
      changes[start + cell + 1] = changes[start + cell + 1]! + rise * leftOut;
    }
    a = b;
    ya = yb;
  }
}

/** The smallest box round all values of `data` that are not 0, row by row; a box of no size where there is none. */
export function inkBox(data: Uint8Array, width: number, height: number): Box {
  let left = width;
  let top = height;
  let right = -1;
  let bottom = -1;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (data[y * width + x] === 0) continue;
      if (x < left) left = x;
      if (x > right) right = x;
      if (y < top) top = y;
      bottom = y;
    }
  }
  return bottom < 0
    ? { x: 0, y: 0, width: 0, height: 0 }
    : { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
}

/** What of a box lies in a picture of this size; of no size where nothing does. */
export function clipBox({ x, y, width, height }: Box, pictureWidth: number, pictureHeight: number): Box {
  const left = Math.min(Math.max(x, 0), pictureWidth);
  const top = Math.min(Math.max(y, 0), pictureHeight);
  return {
    x: left,
    y: top,
    width: Math.max(0, Math.min(x + width, pictureWidth) - left),
    height: Math.max(0, Math.min(y + height, pictureHeight) - top),
  };
}
