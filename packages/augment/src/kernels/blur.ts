import { type AnyImage, blankLike, colorChannels, isBytes, withData } from '../image.js';
import { copyOf } from '../memory.js';
import { indexInside } from './move.js';

/** Samples of the normal density, which add up to 1 (torchvision's `_get_gaussian_kernel1d`). */
export function gaussianKernel(size: number, sigma: number): Float64Array {
  const weights = Float64Array.from({ length: size }, (_, i) => Math.exp(-0.5 * ((i - (size - 1) / 2) / sigma) ** 2));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

/** Weighs the neighbours of each value along rows and columns; the picture goes on mirrored at its border. */
export function blurSeparably(image: AnyImage, alongX: Float64Array, alongY: Float64Array): AnyImage {
  const { data, width, height, channels } = image;
  const values = convolve(data, width, height, channels, alongX, alongY);
  const out = blankLike(image, image);
  // A clamped array rounds half to even, as torch.round does.
  (out.data as Float32Array).set(values);
  return out;
}

/** Separable convolution of interleaved values, mirrored without the border's value (`reflect`). */
export function convolve(
  data: ArrayLike<number>,
  width: number,
  height: number,
  channels: number,
  alongX: Float64Array,
  alongY: Float64Array,
): Float32Array {
  const row = width * channels;
  const wide = new Float32Array(data.length);
  const columns = neighbours(width, alongX.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let k = 0; k < alongX.length; k++) {
          sum += data[y * row + columns[x + k]! * channels + c]! * alongX[k]!;
        }
        wide[y * row + x * channels + c] = sum;
      }
    }
  }
  const out = new Float32Array(data.length);
  const rows = neighbours(height, alongY.length);
  const sums = new Float64Array(row);
  for (let y = 0; y < height; y++) {
    sums.fill(0);
    for (let k = 0; k < alongY.length; k++) {
      const from = rows[y + k]! * row;
      const weight = alongY[k]!;
      for (let i = 0; i < row; i++) sums[i]! += wide[from + i]! * weight;
    }
    out.set(sums, y * row);
  }
  return out;
}

/** At `i + k` stands which of `0..size-1` is the `k`-th neighbour of `i`. */
function neighbours(size: number, taps: number): Int32Array {
  return Int32Array.from({ length: size + taps - 1 }, (_, i) => indexInside(i - ((taps - 1) >> 1), size, 'reflect'));
}

/** One weight of a kernel, and where it looks. */
export interface Tap {
  readonly dx: number;
  readonly dy: number;
  readonly weight: number;
}

/** Sums the weighted pixels of a few places around each; the picture goes on mirrored at its border. */
export function blurByTaps(image: AnyImage, taps: readonly Tap[]): AnyImage {
  const { data, width, height, channels } = image;
  const out = blankLike(image, image);
  const sums = new Float64Array(width * channels);
  for (let y = 0; y < height; y++) {
    sums.fill(0);
    for (const { dx, dy, weight } of taps) {
      const line = indexInside(y + dy, height, 'reflect') * width;
      for (let x = 0; x < width; x++) {
        const column = x + dx;
        const inside = column >= 0 && column < width ? column : indexInside(column, width, 'reflect');
        for (let c = 0; c < channels; c++) sums[x * channels + c]! += weight * data[(line + inside) * channels + c]!;
      }
    }
    (out.data as Float32Array).set(sums, y * width * channels);
  }
  return out;
}

/** Pillow's `ImageFilter.SMOOTH`: the mean of 3x3 pixels, the middle one five times; the border stays, and so does alpha. */
export function smooth(image: AnyImage): AnyImage {
  const { data, width, height, channels } = image;
  const out = copyOf(data);
  const colors = colorChannels(channels);
  const row = width * channels;
  const bytes = isBytes(image);
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      for (let c = 0; c < colors; c++) {
        const at = y * row + x * channels + c;
        const sum =
          data[at - row - channels]! +
          data[at - row]! +
          data[at - row + channels]! +
          data[at - channels]! +
          5 * data[at]! +
          data[at + channels]! +
          data[at + row - channels]! +
          data[at + row]! +
          data[at + row + channels]!;
        out[at] = bytes ? ((2 * sum + 13) / 26) | 0 : sum / 13;
      }
    }
  }
  return withData(image, out);
}
