import { cos, sin } from '../trigonometry.js';
import { createRgba, premultiply, type Rgba, unpremultiply } from './rgba.js';

/**
 * Turns a picture about its middle, counter-clockwise for positive degrees, and makes room for all of it: Pillow's
 * `Image.rotate(degrees, BILINEAR, expand=True)`. Pixels are interpolated premultiplied and cut to whole levels. The source
 * is used up.
 */
export function turn(source: Rgba, degrees: number): Rgba {
  if (degrees % 360 === 0) return source;
  const { data, width, height } = premultiply(source);
  const angle = (-degrees * Math.PI) / 180;
  const c = round15(cos(angle));
  const s = round15(sin(angle));
  // From the turned picture to the source: (x, y) -> (c x + s y + e, c y - s x + f); sums in Pillow's order.
  let e = -c * (width / 2) - s * (height / 2) + width / 2;
  let f = s * (width / 2) - c * (height / 2) + height / 2;
  const xs = [e, c * width + e, c * width + s * height + e, s * height + e];
  const ys = [f, -s * width + f, -s * width + c * height + f, c * height + f];
  const turned = createRgba(span(xs), span(ys));
  const across = (turned.width - width) / 2;
  const down = (turned.height - height) / 2;
  [e, f] = [-c * across - s * down + e, s * across - c * down + f];

  for (let y = 0; y < turned.height; y++) {
    for (let x = 0; x < turned.width; x++) {
      const sourceX = c * (x + 0.5) + s * (y + 0.5) + e;
      const sourceY = -s * (x + 0.5) + c * (y + 0.5) + f;
      if (sourceX < 0 || sourceX >= width || sourceY < 0 || sourceY >= height) continue;
      const left = Math.floor(sourceX - 0.5);
      const top = Math.floor(sourceY - 0.5);
      const dx = sourceX - 0.5 - left;
      const dy = sourceY - 0.5 - top;
      const first = Math.max(top, 0) * width;
      const second = Math.min(top + 1, height - 1) * width;
      const x0 = Math.max(left, 0);
      const x1 = Math.min(left + 1, width - 1);
      const [a, b, p, q] = [(first + x0) * 4, (first + x1) * 4, (second + x0) * 4, (second + x1) * 4];
      // All four share one colour, so none of them shows where none is opaque.
      if ((data[a + 3]! | data[b + 3]! | data[p + 3]! | data[q + 3]!) === 0) continue;
      const target = (y * turned.width + x) * 4;
      for (let k = 0; k < 4; k++) {
        const above = data[a + k]! + (data[b + k]! - data[a + k]!) * dx;
        const below = data[p + k]! + (data[q + k]! - data[p + k]!) * dx;
        turned.data[target + k] = Math.floor(above + (below - above) * dy);
      }
    }
  }
  return unpremultiply(turned);
}

/** To 15 digits after the point, so that round angles give round numbers. */
function round15(value: number): number {
  return Number(value.toFixed(15));
}

function span(values: readonly number[]): number {
  return Math.ceil(Math.max(...values)) - Math.floor(Math.min(...values));
}
