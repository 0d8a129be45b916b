import type { Rng } from '@proj/core';
import type { Color } from '../color.js';
import type { Font } from '../font.js';
import { drawInk, type Ink } from '../stages/ink.js';
import { warpQuad } from '../stages/quad.js';
import { resizeBicubic } from '../stages/resize.js';
import { premultiply, type Rgba, tint, unpremultiply } from '../stages/rgba.js';
import { turn } from '../stages/turn.js';

/** A symbol of a font at a size, before it is twisted. Pixels. */
export interface Cut {
  readonly ink: Ink;
  /** From the top of a line to the baseline. */
  readonly ascent: number;
  /** Room it takes. */
  readonly width: number;
  readonly height: number;
}

/** By how much two corners of a character are pulled across and down, in pixels. */
export interface Warp {
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
}

/** What chance does to one character. */
export interface Twist {
  /** Where it was put in a sheet of its own; only what would lie beyond the sheet's edge is lost. */
  readonly dx: number;
  readonly dy: number;
  /** Degrees, counter-clockwise positive. */
  readonly angle: number;
  readonly warp: Warp;
}

const MAX_ANGLE = 30;

/** @throws ProjError `missing-glyph`. */
export function cutOf({ font, size }: { font: Font; size: number }, symbol: string): Cut {
  const ink = drawInk(font, symbol, size);
  const scale = size / font.unitsPerEm;
  const ascent = Math.ceil(font.ascent * scale);
  return {
    ink,
    ascent,
    width: 1 + Math.max(Math.round(font.advance(symbol) * scale), ink.left + ink.width),
    height: 1 + ascent + Math.max(0, ink.top + ink.height),
  };
}

/** Draws by chance how a character is twisted. */
export function sampleTwist(rng: Rng, { width, height }: Cut): Twist {
  const dx = rng.int(5);
  const dy = rng.int(7);
  const angle = rng.uniform(-MAX_ANGLE, MAX_ANGLE);
  const across = width * rng.uniform() * 0.2 + 0.1;
  const down = height * rng.uniform() * 0.1 + 0.2;
  const within = (limit: number) => Math.trunc(rng.uniform(-limit, limit)) + 0; // no negative zero
  const warp = { x1: within(across), y1: within(down), x2: within(across), y2: within(down) };
  return { dx, dy, angle, warp };
}

/** Inks, turns, stretches and warps one character: a picture of the room that the symbol takes. */
export function drawCut({ ink, ascent, width, height }: Cut, { dx, dy, angle, warp }: Twist, color: Color): Rgba {
  const { x1, y1, x2, y2 } = warp;
  const turned = turn(
    tint(clip(ink, Math.max(0, -(dx + ink.left)), Math.max(0, -(dy + ascent + ink.top))), color),
    angle,
  );
  const wide = width + Math.abs(x1) + Math.abs(x2);
  const high = height + Math.abs(y1) + Math.abs(y2);
  const { data } = resizeBicubic(premultiply(turned), 4, wide, high);
  return warpQuad(unpremultiply({ data: data as Uint8Array, width: wide, height: high }), width, height, {
    northWest: [x1, y1],
    southWest: [-x1, high - y2],
    southEast: [wide + x2, high + y2],
    northEast: [wide - x2, -y1],
  });
}

/** What is left of ink when columns and rows are cut off its left and top. */
function clip(ink: Ink, columns: number, rows: number): Ink {
  if (columns === 0 && rows === 0) return ink;
  const width = Math.max(0, ink.width - columns);
  const height = Math.max(0, ink.height - rows);
  const data = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const start = (y + rows) * ink.width + columns;
    data.set(ink.data.subarray(start, start + width), y * width);
  }
  return { data, width, height, left: ink.left + columns, top: ink.top + rows };
}
