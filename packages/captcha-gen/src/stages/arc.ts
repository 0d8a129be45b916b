import type { Color } from '../color.js';
import { type Picture, paint } from '../picture.js';
import { cos, sin } from '../trigonometry.js';

/** A piece of an ellipse's rim. */
export interface Arc {
  /** The ellipse touches the inside of this box, whose last column and row belong to it. Whole pixels. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** Degrees clockwise from three o'clock, `start < end < start + 360`. */
  readonly start: number;
  readonly end: number;
  readonly color: Color;
}

/**
 * Paints an arc one pixel wide without antialiasing, clipped to the picture: the pixels nearest to the ellipse, cut off
 * at right angles to it. Pillow's `ImageDraw.arc`, to the pixel.
 *
 * As there, all is reckoned about the ellipse's middle in half pixels, so that every number is whole.
 */
export function drawArc(picture: Picture, { x, y, width, height, start, end, color }: Arc): void {
  const region = between(width, height, start, end);
  for (const [row, left, right] of rim(width, height)) {
    for (const [from, to] of cut(region, row, [left, right])) {
      const last = x + Math.floor((to + width) / 2);
      for (let px = x + Math.floor((from + width) / 2); px <= last; px++) {
        paint(picture, px, y + (row + height) / 2, color);
      }
    }
  }
}

/** A row of neighbouring points: y, the first x, the last x. */
type Run = readonly [row: number, left: number, right: number];

/** The whole rim as runs: those of the quarter where x and y are 0 or more, mirrored. */
function rim(a: number, b: number): Run[] {
  return quarter(a, b).flatMap(([y, left, right]) => {
    const rows = y > 0 ? [y, -y] : [y];
    // Where a run begins at 0 its mirror image has that point.
    const inner = left === 0 ? 2 : left;
    return rows.flatMap((row): Run[] => [
      [row, -right, -left],
      ...(inner <= right ? [[row, inner, right] as const] : []),
    ]);
  });
}

/** A quarter of the ellipse with diameters `a` and `b`: from `(a, 0 or 1)` always to the neighbour that lies nearest to it. */
function quarter(a: number, b: number): Run[] {
  const misfit = (x: number, y: number) => Math.abs(a * a * y * y + b * b * x * x - a * a * b * b);
  const runs: Run[] = [];
  let [x, y] = [a, b % 2];
  let right = x;
  while (x !== a % 2 || y !== b) {
    // Upwards, and unless the middle is reached inwards; where two are equally near, the first.
    const next: [number, number][] = [[x, y + 2]];
    if (x > 1) next.push([x - 2, y + 2], [x - 2, y]);
    let [nx, ny] = next[0]!;
    for (const [px, py] of next) if (misfit(px, py) < misfit(nx, ny)) [nx, ny] = [px, py];
    if (ny > y) {
      runs.push([y, x, right]);
      right = nx;
    }
    [x, y] = [nx, ny];
  }
  return [...runs, [y, x, right]];
}

/** Where `a x + b y + c >= 0`. */
interface HalfPlane {
  readonly kind: 'half-plane';
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

type Region = HalfPlane | { readonly kind: 'and' | 'or'; readonly parts: readonly [Region, Region] };

/** What lies between the normals of an ellipse at two angles; only the points near its rim matter. */
function between(a: number, b: number, start: number, end: number): Region {
  if (a < b) return transpose(between(b, a, 90 - end, 90 - start));
  const first = ((start % 360) + 360) % 360;
  const last = first + end - start;
  const from = normal(a, b, first, 1);
  const to = normal(a, b, last, -1);
  const kind = last - first < 180 ? 'and' : 'or';
  if (first % 180 === 0 || last % 180 === 0) return { kind, parts: [from, to] };
  const half = (degrees: number) => Math.floor(degrees / 180) % 2;
  const side = (below: boolean): HalfPlane => ({ kind: 'half-plane', a: 0, b: below ? 1 : -1, c: 0 });
  if (half(first) !== half(last)) {
    return {
      kind: 'or',
      parts: [
        { kind: 'and', parts: [side(half(first) === 0), from] },
        { kind: 'and', parts: [side(half(last) === 0), to] },
      ],
    };
  }
  return { kind, parts: [{ kind, parts: [from, to] }, side(last < 180 || last > 540)] };
}

/** The half-plane on one side of the normal at an angle. */
function normal(a: number, b: number, degrees: number, side: 1 | -1): HalfPlane {
  const angle = (degrees * Math.PI) / 180;
  return {
    kind: 'half-plane',
    a: -side * a * sin(angle),
    b: side * b * cos(angle),
    c: (side * (a * a - b * b) * sin(2 * angle)) / 2,
  };
}

function transpose(region: Region): Region {
  if (region.kind === 'half-plane') return { ...region, a: region.b, b: region.a };
  return { ...region, parts: [transpose(region.parts[0]), transpose(region.parts[1])] };
}

type Span = readonly [left: number, right: number];

/** Below this a number is 0. */
const EPSILON = 1e-9;

/** The pieces of a row's span that lie in a region, in order and apart. */
function cut(region: Region, y: number, [left, right]: Span): readonly Span[] {
  if (region.kind === 'half-plane') {
    const { a, b, c } = region;
    if (Math.abs(a) < EPSILON) return b * y + c < -EPSILON ? [] : [[left, right]];
    const border = -(b * y + c) / a;
    const from = a * left + b * y + c < EPSILON ? roundAway(Math.max(left, border)) : left;
    const to = a * right + b * y + c < EPSILON ? roundAway(Math.min(right, border)) : right;
    return from <= to ? [[from, to]] : [];
  }
  const [first, second] = region.parts.map((part) => cut(part, y, [left, right])) as [readonly Span[], readonly Span[]];
  return region.kind === 'and' ? intersection(first, second) : union([...first, ...second]);
}

function intersection(first: readonly Span[], second: readonly Span[]): readonly Span[] {
  return first.flatMap(([a, b]) =>
    second.flatMap(([c, d]): Span[] => (Math.max(a, c) <= Math.min(b, d) ? [[Math.max(a, c), Math.min(b, d)]] : [])),
  );
}

function union(spans: readonly Span[]): readonly Span[] {
  const merged: Span[] = [];
  for (const [left, right] of [...spans].sort((a, b) => a[0] - b[0])) {
    const last = merged.at(-1);
    if (last !== undefined && left <= last[1]) merged[merged.length - 1] = [last[0], Math.max(last[1], right)];
    else merged.push([left, right]);
  }
  return merged;
}

/** Halves away from zero. */
function roundAway(value: number): number {
  return Math.sign(value) * Math.floor(Math.abs(value) + 0.5);
}
