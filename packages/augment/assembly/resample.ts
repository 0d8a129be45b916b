/** Bits after the point of the weights, as Pillow has them for channels of 8 bits. */
const PRECISION: i32 = 22;
const HALF: i32 = 1 << (PRECISION - 1);

/**
 * Resizes rows to `width` pixels: pixel x is made of `taps` ones from number first[x] on, which weigh weights[x * taps...].
 */
export function resampleRows(
  source: usize,
  stride: i32,
  target: usize,
  targetStride: i32,
  rows: i32,
  channels: i32,
  width: i32,
  first: usize,
  weights: usize,
  taps: i32,
): void {
  for (let y = 0; y < rows; y++, source += stride, target += targetStride) {
    if (channels === 3 || channels === 4) colorRow(source, target, channels, width, first, weights, taps);
    else plainRow(source, target, channels, width, first, weights, taps);
  }
}

/** Four channels at once; of three, the fourth is overwritten by the next pixel. */
function colorRow(
  source: usize,
  target: usize,
  channels: i32,
  width: i32,
  first: usize,
  weights: usize,
  taps: i32,
): void {
  for (let x = 0; x < width; x++, first += 4, target += channels) {
    let from = source + load<i32>(first) * channels;
    let sum = i32x4.splat(HALF);
    for (let k = 0; k < taps; k++, from += channels, weights += 4) {
      const pixel = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(from)));
      sum = i32x4.add(sum, i32x4.mul(pixel, v128.load32_splat(weights)));
    }
    v128.store32_lane(target, narrowed(sum, sum, sum, sum), 0);
  }
}

function plainRow(
  source: usize,
  target: usize,
  channels: i32,
  width: i32,
  first: usize,
  weights: usize,
  taps: i32,
): void {
  for (let x = 0; x < width; x++, first += 4, weights += 4 * taps) {
    const from = source + load<i32>(first) * channels;
    for (let c = 0; c < channels; c++, target++) {
      let sum = HALF;
      for (let k = 0; k < taps; k++) sum += <i32>load<u8>(from + k * channels + c) * load<i32>(weights + 4 * k);
      store<u8>(target, min(255, max(0, sum >> PRECISION)));
    }
  }
}

/** Merges rows of `length` bytes: row y is made of `taps` ones from number first[y] on, as in {@link resampleRows}. */
export function resampleColumns(
  source: usize,
  stride: i32,
  target: usize,
  rows: i32,
  length: i32,
  first: usize,
  weights: usize,
  taps: i32,
): void {
  for (let y = 0; y < rows; y++, first += 4, weights += 4 * taps, target += length) {
    const top = source + load<i32>(first) * stride;
    for (let x = 0; x < length; x += 16) {
      let from = top + x;
      let a = i32x4.splat(HALF);
      let b = a;
      let c = a;
      let d = a;
      for (let k = 0; k < taps; k++, from += stride) {
        const weight = v128.load32_splat(weights + 4 * k);
        const bytes = v128.load(from);
        const low = i16x8.extend_low_i8x16_u(bytes);
        const high = i16x8.extend_high_i8x16_u(bytes);
        a = i32x4.add(a, i32x4.mul(i32x4.extend_low_i16x8_u(low), weight));
        b = i32x4.add(b, i32x4.mul(i32x4.extend_high_i16x8_u(low), weight));
        c = i32x4.add(c, i32x4.mul(i32x4.extend_low_i16x8_u(high), weight));
        d = i32x4.add(d, i32x4.mul(i32x4.extend_high_i16x8_u(high), weight));
      }
      v128.store(target + x, narrowed(a, b, c, d));
    }
  }
}

/** Sixteen sums as bytes, clamped. */
function narrowed(a: v128, b: v128, c: v128, d: v128): v128 {
  return i8x16.narrow_i16x8_u(
    i16x8.narrow_i32x4_s(i32x4.shr_s(a, PRECISION), i32x4.shr_s(b, PRECISION)),
    i16x8.narrow_i32x4_s(i32x4.shr_s(c, PRECISION), i32x4.shr_s(d, PRECISION)),
  );
}
