/** A convolution of maps NHWC with filters [KH, KW, C, K]. */
export interface Case {
  readonly x: readonly [batch: number, height: number, width: number, channels: number];
  readonly filter: readonly [height: number, width: number, channels: number, filters: number];
  readonly strides: readonly [number, number];
  readonly pad: readonly [readonly [top: number, bottom: number], readonly [left: number, right: number]];
  readonly dilations: readonly [number, number];
  readonly follows?: 'bias' | 'normalisation';
}

/** Height and width of the output. */
export function outputSize({ x, filter, strides, pad, dilations }: Case): [number, number] {
  const size = (axis: 0 | 1) => {
    const reach = (filter[axis] - 1) * dilations[axis] + 1;
    return Math.floor((x[axis + 1]! + pad[axis][0] + pad[axis][1] - reach) / strides[axis]) + 1;
  };
  return [size(0), size(1)];
}

/** The pairs of an output's coordinate and a tap along an axis that lie over the map, as [output, tap, input]. */
export function overlaps(one: Case, axis: 0 | 1): [number, number, number][] {
  const pairs: [number, number, number][] = [];
  for (let i = 0; i < outputSize(one)[axis]; i++)
    for (let tap = 0; tap < one.filter[axis]; tap++) {
      const at = i * one.strides[axis] - one.pad[axis][0] + tap * one.dilations[axis];
      if (at >= 0 && at < one.x[axis + 1]!) pairs.push([i, tap, at]);
    }
  return pairs;
}

/** The output, and for its gradient `dy` the gradients of map and filters, as the definition has them, in float64. */
export function convolution(one: Case, x: Float32Array, filter: Float32Array, dy?: Float32Array) {
  const [batch, height, width, channels] = one.x;
  const [outHeight, outWidth] = outputSize(one);
  const filters = one.filter[3];
  const y = new Float64Array(batch * outHeight * outWidth * filters);
  const dx = new Float64Array(x.length);
  const dw = new Float64Array(filter.length);
  const columns = overlaps(one, 1);
  for (let n = 0; n < batch; n++)
    for (const [i, ky, row] of overlaps(one, 0))
      for (const [j, kx, column] of columns) {
        const out = ((n * outHeight + i) * outWidth + j) * filters;
        for (let c = 0; c < channels; c++) {
          const from = ((n * height + row) * width + column) * channels + c;
          const weights = ((ky * one.filter[1] + kx) * channels + c) * filters;
          const value = x[from]!;
          let sum = 0;
          for (let k = 0; k < filters; k++) {
            y[out + k]! += value * filter[weights + k]!;
            if (dy === undefined) continue;
            dw[weights + k]! += value * dy[out + k]!;
            sum += filter[weights + k]! * dy[out + k]!;
          }
          dx[from]! += sum;
        }
      }
  return { y, dx, dw };
}
