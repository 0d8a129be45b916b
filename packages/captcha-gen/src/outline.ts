/** One drawing command of a glyph, in font units with y upwards. */
export interface OutlineCommand {
  readonly command: 'moveTo' | 'lineTo' | 'quadraticCurveTo' | 'bezierCurveTo' | 'closePath';
  /** x and y of each point, control points first. */
  readonly args: readonly number[];
}

/** The closed contours of a glyph. */
export type Outline = readonly OutlineCommand[];

/** A closed polygon: x0, y0, x1, y1, ... whole numbers of 1/grid pixel, y downwards. */
export type Polygon = readonly number[];

/**
 * Polygons of an outline at `pixelsPerUnit`, with its origin at pixel `(originX, originY)`, on a grid of 1/`grid` pixel (a
 * multiple of 64). As in Go's freetype, and but for a last detail in FreeType, without hinting: points are rounded to
 * 1/64 pixel, those that TrueType leaves out between two control points down to it; each curve is halved n times, n >= 1
 * the least that leaves second differences below a quarter pixel, and what halving gives is rounded down to the grid.
 */
export function polygonsOf(
  outline: Outline,
  pixelsPerUnit: number,
  originX: number,
  originY: number,
  grid: number,
): Polygon[] {
  const polygons: number[][] = [];
  let polygon: number[] = [];
  outline.forEach(({ command, args }, i) => {
    const points = toGrid(args);
    if (isImplied(args, outline[i + 1])) {
      const [x1, y1] = toGrid(outline[i + 1]!.args);
      const step = grid / 64;
      points[2] = Math.floor((points[0]! + x1!) / (2 * step)) * step;
      points[3] = Math.floor((points[1]! + y1!) / (2 * step)) * step;
    }
    if (command === 'moveTo') polygons.push((polygon = points));
    else if (command === 'lineTo') polygon.push(...points);
    else if (command !== 'closePath') addCurve(polygon, points, grid);
  });
  return polygons;

  function toGrid(args: readonly number[]): number[] {
    return args.map((value, i) => {
      const offset = round64(value * pixelsPerUnit) * grid;
      return i % 2 === 0 ? originX * grid + offset : originY * grid - offset;
    });
  }
}

/** Whether a quadratic curve ends in the middle between its own and the next one's control point: TrueType leaves such points out. */
function isImplied(args: readonly number[], next: OutlineCommand | undefined): boolean {
  return (
    args.length === 4 &&
    next?.command === 'quadraticCurveTo' &&
    args[2]! * 2 === args[0]! + next.args[0]! &&
    args[3]! * 2 === args[1]! + next.args[1]!
  );
}

/** To 1/64, halves away from zero. */
function round64(value: number): number {
  return (Math.sign(value) * Math.floor(Math.abs(value) * 64 + 0.5)) / 64;
}

/** Appends a quadratic (2 points) or cubic (3 points) curve that begins at the polygon's last point. */
function addCurve(polygon: number[], points: readonly number[], grid: number): void {
  const start = polygon.slice(-2);
  const xs = [...start, ...points].filter((_, i) => i % 2 === 0);
  const ys = [...start, ...points].filter((_, i) => i % 2 === 1);
  let bend = Math.max(bendOf(xs), bendOf(ys)) / 4;
  let halvings = 1;
  for (; bend >= grid / 4; bend /= 4) halvings++;
  addHalves(polygon, xs, ys, halvings);
}

/** The largest second difference of a curve's control points; each halving divides it by 4. For cubics 3 times that. */
function bendOf(values: readonly number[]): number {
  const differences = values.slice(2).map((value, i) => Math.abs(value - 2 * values[i + 1]! + values[i]!));
  return Math.max(...differences) * (values.length === 4 ? 3 : 1);
}

function addHalves(polygon: number[], xs: readonly number[], ys: readonly number[], halvings: number): void {
  if (halvings === 1) {
    polygon.push(middleOf(xs), middleOf(ys), xs.at(-1)!, ys.at(-1)!);
    return;
  }
  const [firstX, secondX] = halve(xs);
  const [firstY, secondY] = halve(ys);
  addHalves(polygon, firstX, firstY, halvings - 1);
  addHalves(polygon, secondX, secondY, halvings - 1);
}

/** A curve's value at half its way, rounded down once. */
function middleOf([a, b, c, d]: readonly number[]): number {
  return Math.floor(d === undefined ? (a! + 2 * b! + c!) / 4 : (a! + 3 * (b! + c!) + d) / 8);
}

/** De Casteljau's two halves of one coordinate's control values, rounded down. */
function halve(values: readonly number[]): [number[], number[]] {
  const first: number[] = [];
  const second: number[] = [];
  for (let level = [...values]; level.length > 0; ) {
    first.push(level[0]!);
    second.unshift(level.at(-1)!);
    level = level.slice(1).map((value, i) => Math.floor((level[i]! + value) / 2));
  }
  return [first, second];
}
