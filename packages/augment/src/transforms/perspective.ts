import { ProjError } from '@proj/core';
import { type PerspectiveCoefficients, warpPerspective } from '../kernels/warp.js';
import { checkNumber } from '../options.js';
import { defineTransform } from '../transform.js';
import { checkWarping, type Point, type WarpingOptions } from './affine.js';

/** Upper left, upper right, lower right, lower left. */
export type Corners = readonly [Point, Point, Point, Point];

export interface RandomPerspectiveOptions extends WarpingOptions {
  /** How far corners move inwards at most, as a part of half a side, 0..1. Default 0.5. */
  readonly distortionScale?: number | undefined;
  /** Default 0.5. */
  readonly p?: number | undefined;
}

export type PerspectiveParams = {
  /** Where the picture's corners are. */
  readonly startpoints: Corners;
  /** Where they are moved to. */
  readonly endpoints: Corners;
};

/**
 * Looks at the picture from aside; torchvision's `RandomPerspective` on Pillow (its interpolation: `bilinear`, so here). Corners
 * to which there is no way are drawn again; where ten tries give no others, the picture stays.
 */
export const randomPerspective = defineTransform<RandomPerspectiveOptions, PerspectiveParams>(
  'randomPerspective',
  { distortionScale: 0.5, p: 0.5, interpolation: 'bilinear', fill: 0 },
  ({ distortionScale, interpolation, fill }) => {
    checkNumber('randomPerspective', 'distortionScale', distortionScale, { min: 0, max: 1 });
    checkWarping('randomPerspective', interpolation, fill);
    return {
      sample(rng, { width, height }) {
        const columns = Math.trunc(distortionScale * Math.floor(width / 2));
        const rows = Math.trunc(distortionScale * Math.floor(height / 2));
        const left = () => rng.int(columns + 1);
        const right = () => width - columns - 1 + rng.int(columns + 1);
        const top = () => rng.int(rows + 1);
        const bottom = () => height - rows - 1 + rng.int(rows + 1);
        const startpoints: Corners = [
          [0, 0],
          [width - 1, 0],
          [width - 1, height - 1],
          [0, height - 1],
        ];
        // In small pictures, or with a great scale, corners may come to lie so that there is no way to them.
        for (let attempt = 0; attempt < 10; attempt++) {
          const endpoints: Corners = [
            [left(), top()],
            [right(), top()],
            [right(), bottom()],
            [left(), bottom()],
          ];
          if (solve(startpoints, endpoints) !== undefined) return { startpoints, endpoints };
        }
        return { startpoints, endpoints: startpoints };
      },
      apply: (image, { startpoints, endpoints }) =>
        isSame(startpoints, endpoints)
          ? image
          : warpPerspective(image, perspectiveCoefficients(startpoints, endpoints), { interpolation, fill }),
    };
  },
);

function isSame(a: Corners, b: Corners): boolean {
  return a.every(([x, y], i) => x === b[i]![0] && y === b[i]![1]);
}

/**
 * The way back, from `endpoints` to `startpoints`: eight linear equations, solved by elimination and rounded to
 * single precision, as torchvision does.
 *
 * @throws ProjError `invalid-params` where three of the points lie on a line, so that there is no way.
 */
export function perspectiveCoefficients(startpoints: Corners, endpoints: Corners): PerspectiveCoefficients {
  const solution = solve(startpoints, endpoints);
  if (solution === undefined) throw noWay(endpoints);
  return solution;
}

function solve(startpoints: Corners, endpoints: Corners): PerspectiveCoefficients | undefined {
  const rows = endpoints.flatMap(([x, y], i) => {
    const [u, v] = startpoints[i]!;
    return [
      [x, y, 1, 0, 0, 0, -u * x, -u * y, u],
      [0, 0, 0, x, y, 1, -v * x, -v * y, v],
    ];
  });
  for (let column = 0; column < 8; column++) {
    let pivot = column;
    for (let row = column; row < 8; row++) {
      if (Math.abs(rows[row]![column]!) > Math.abs(rows[pivot]![column]!)) pivot = row;
    }
    [rows[column], rows[pivot]] = [rows[pivot]!, rows[column]!];
    const head = rows[column]!;
    if (Math.abs(head[column]!) < 1e-12) return undefined;
    for (const row of rows) {
      if (row === head) continue;
      const factor = row[column]! / head[column]!;
      for (let k = column; k < 9; k++) row[k]! -= factor * head[k]!;
    }
  }
  return rows.map((row, i) => Math.fround(row[8]! / row[i]!)) as unknown as PerspectiveCoefficients;
}

function noWay(endpoints: Corners): ProjError {
  return new ProjError('Cannot map the picture to these corners', {
    code: 'invalid-params',
    expected: 'four corners of which no three lie on a line',
    received: JSON.stringify(endpoints),
  });
}
