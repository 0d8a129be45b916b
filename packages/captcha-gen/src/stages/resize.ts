/** Rows of interleaved channels, 0..255. */
export interface Pixels {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

/** Bits after the point in a weight. */
const PRECISION = 22;

/** By which sources a row or column of pixels is made, and how much of each: `taps` weights a target, from `first` on. */
interface Weights {
  readonly taps: number;
  readonly first: Int32Array;
  readonly values: Int32Array;
}

/**
 * Resizes by bicubic interpolation (a = -0.5) with antialiasing: Pillow's `Image.resize(size, BICUBIC)`, horizontal pass
 * first, each pass rounded to whole levels; a side that stays as it is has no pass. Of four channels the last is opacity, by
 * which the others must have been multiplied.
 *
 * @param columns those of the result that are wanted, where its width is another than the source's. Default all.
 */
export function resizeBicubic(
  source: Pixels,
  channels: 3 | 4,
  width: number,
  height: number,
  columns: Columns = { from: 0, to: width },
): Pixels {
  const wide =
    width === source.width ? source : resample(source, channels, weightsOf(source.width, width), true, columns);
  if (height === source.height) return wide;
  return resample(wide, channels, weightsOf(source.height, height), false, { from: 0, to: wide.width });
}

interface Columns {
  readonly from: number;
  readonly to: number;
}

/** One pass, across or down, which gives some columns. */
function resample(
  source: Pixels,
  channels: 3 | 4,
  { taps, first, values }: Weights,
  across: boolean,
  { from, to }: Columns,
): Pixels {
  const { data, width } = source;
  const height = across ? source.height : first.length;
  const step = across ? channels : width * channels;
  const target = new Uint8Array((to - from) * height * channels);
  let t = -channels;
  for (let y = 0; y < height; y++) {
    for (let x = from; x < to; x++) {
      t += channels;
      const start = (across ? y * width + first[x]! : first[y]! * width + x) * channels;
      const end = start + taps * step;
      if (channels === 4) {
        let opacity = 0;
        for (let s = start + 3; s < end; s += step) opacity |= data[s]!;
        if (opacity === 0) continue;
      }
      let w = (across ? x : y) * taps;
      let r = HALF;
      let g = HALF;
      let b = HALF;
      let a = HALF;
      for (let s = start; s < end; s += step) {
        const weight = values[w++]!;
        // `imul` since 0 times a negative weight is otherwise -0, which is no integer to an engine.
        r += Math.imul(data[s]!, weight);
        g += Math.imul(data[s + 1]!, weight);
        b += Math.imul(data[s + 2]!, weight);
        if (channels === 4) a += Math.imul(data[s + 3]!, weight);
      }
      target[t] = clip(r);
      target[t + 1] = clip(g);
      target[t + 2] = clip(b);
      if (channels === 4) target[t + 3] = clip(a);
    }
  }
  return { data: target, width: to - from, height };
}

/** Half a level, so that sums are rounded when they are cut. */
const HALF = 1 << (PRECISION - 1);

function clip(sum: number): number {
  const level = sum >> PRECISION;
  return level < 0 ? 0 : Math.min(level, 255);
}

const known = new Map<number, Weights>();

/** Kept while there are few: a style meets the same sizes again and again. */
function weightsOf(from: number, to: number): Weights {
  const key = from * 0x10000 + to;
  let weights = known.get(key);
  if (weights === undefined) {
    weights = computeWeights(from, to);
    if (known.size >= 1000) known.clear();
    known.set(key, weights);
  }
  return weights;
}

function computeWeights(from: number, to: number): Weights {
  const scale = from / to;
  const stretch = Math.max(1, scale);
  const support = 2 * stretch;
  const taps = Math.min(from, Math.ceil(support) * 2 + 1);
  const first = new Int32Array(to);
  const values = new Int32Array(to * taps);
  for (let x = 0; x < to; x++) {
    const center = (x + 0.5) * scale;
    const low = Math.max(0, Math.trunc(center - support + 0.5));
    const high = Math.min(from, Math.trunc(center + support + 0.5));
    const weights = Array.from({ length: high - low }, (_, i) => bicubic((i + low - center + 0.5) * (1 / stretch)));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    // So that all taps of the last targets lie within the source; those before the first that counts weigh nothing.
    first[x] = Math.min(low, from - taps);
    weights.forEach((weight, i) => {
      const share = (weight / sum) * (1 << PRECISION);
      values[x * taps + low - first[x]! + i] = Math.trunc(share < 0 ? share - 0.5 : share + 0.5);
    });
  }
  return { taps, first, values };
}

function bicubic(signed: number): number {
  const x = Math.abs(signed);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
}
