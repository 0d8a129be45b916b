// Colours of RGB and RGBA pixels. Four pixels are a step, 12 or 16 bytes, of which each channel fills a vector of 32-bit lanes.
// Pictures are changed in place: a step stores 16 bytes, those that are none of its colours as they were, after the next one
// is loaded.

/** Weights of Pillow's `L` in 65536ths; that of green, which exceeds 15 bits, in halves. */
const RED: i16 = 19595;
const HALF_GREEN: i16 = 19235;
const BLUE: i16 = 7471;

/** 2 ** 23: a number below it, added to it, is rounded, and its whole part stands in the lower bits. */
const ROUNDING: f32 = 8388608;

/** Pillow's `L` of all pixels. */
export function greys(source: usize, pixels: i32, channels: i32, target: usize): void {
  const red = firstLanes(channels);
  for (let i = 0; i < pixels; i += 4, source += 4 * channels, target += 4) {
    const step = v128.load(source);
    const grey = greyOf(lanes(step, red, 0), lanes(step, red, 1), lanes(step, red, 2));
    v128.store32_lane(target, bytesOf(grey, grey, grey), 0);
  }
}

/** The sum of all greys, fewer than 2 ** 23 pixels. */
export function greySum(at: usize, pixels: i32, channels: i32): i32 {
  const red = firstLanes(channels);
  let sums = i32x4.splat(0);
  let i = 0;
  for (; i + 4 <= pixels; i += 4, at += 4 * channels) {
    const step = v128.load(at);
    sums = i32x4.add(sums, greyOf(lanes(step, red, 0), lanes(step, red, 1), lanes(step, red, 2)));
  }
  let sum = 0;
  for (; i < pixels; i++, at += channels) {
    sum += (19595 * <i32>load<u8>(at) + 38470 * <i32>load<u8>(at, 1) + 7471 * <i32>load<u8>(at, 2) + 32768) >> 16;
  }
  const pairs = i32x4.add(sums, i32x4.shuffle(sums, sums, 2, 3, 0, 1));
  return sum + i32x4.extract_lane(pairs, 0) + i32x4.extract_lane(pairs, 1);
}

/** Away from the grey of each pixel: grey + factor (channel - grey) in single precision, truncated and clamped. */
export function saturate(at: usize, pixels: i32, channels: i32, factor: f32): void {
  const red = firstLanes(channels);
  const places = placesOf(channels);
  const colors = colorsOf(channels);
  const factors = f32x4.splat(factor);
  let next = v128.load(at);
  for (let i = 0; i < pixels; i += 4, at += 4 * channels) {
    const step = next;
    next = v128.load(at + 4 * channels);
    const r = lanes(step, red, 0);
    const g = lanes(step, red, 1);
    const b = lanes(step, red, 2);
    const grey = greyOf(r, g, b);
    const bytes = bytesOf(blend(grey, r, factors), blend(grey, g, factors), blend(grey, b, factors));
    v128.store(at, v128.bitselect(i8x16.swizzle(bytes, places), step, colors));
  }
}

/** From RGB to Pillow's HSV, its hue `shift` on, 0..255, and back. */
export function turnHue(at: usize, pixels: i32, channels: i32, shift: i32): void {
  const red = firstLanes(channels);
  const places = placesOf(channels);
  const colors = colorsOf(channels);
  const shifts = f32x4.splat(<f32>shift);
  let next = v128.load(at);
  for (let i = 0; i < pixels; i += 4, at += 4 * channels) {
    const step = next;
    next = v128.load(at + 4 * channels);
    const r = f32x4.convert_i32x4_s(lanes(step, red, 0));
    const g = f32x4.convert_i32x4_s(lanes(step, red, 1));
    const b = f32x4.convert_i32x4_s(lanes(step, red, 2));
    const value = f32x4.pmax(f32x4.pmax(r, g), b);
    const chroma = f32x4.sub(value, f32x4.pmin(f32x4.pmin(r, g), b));
    const saturation = f32x4.floor(f32x4.div(f32x4.mul(chroma, f32x4.splat(255)), f32x4.pmax(value, f32x4.splat(1))));
    const shifted = f32x4.add(hueOf(r, g, b, value, chroma), shifts);
    const hue = f32x4.sub(shifted, v128.and(f32x4.ge(shifted, f32x4.splat(256)), f32x4.splat(256)));
    // In 510ths of the circle: 85 a sextant. Each channel is weakened by how far the hue lies off its own two sextants.
    const place = f32x4.add(hue, hue);
    const offRed = f32x4.sub(f32x4.splat(170), f32x4.abs(f32x4.sub(place, f32x4.splat(255))));
    const offGreen = f32x4.sub(f32x4.abs(f32x4.sub(place, f32x4.splat(170))), f32x4.splat(85));
    const offBlue = f32x4.sub(f32x4.abs(f32x4.sub(place, f32x4.splat(340))), f32x4.splat(85));
    const most = f32x4.mul(value, saturation);
    const whole = f32x4.add(value, f32x4.splat(ROUNDING));
    const bytes = bytesOf(weaken(whole, most, offRed), weaken(whole, most, offGreen), weaken(whole, most, offBlue));
    v128.store(at, v128.bitselect(i8x16.swizzle(bytes, places), step, colors));
  }
}

/** Which bytes of a step make the lanes of its first channel. */
function firstLanes(channels: i32): v128 {
  return channels === 3
    ? i8x16(0, -128, -128, -128, 3, -128, -128, -128, 6, -128, -128, -128, 9, -128, -128, -128)
    : i8x16(0, -128, -128, -128, 4, -128, -128, -128, 8, -128, -128, -128, 12, -128, -128, -128);
}

/** Channel `c` of a step. */
function lanes(step: v128, first: v128, c: i8): v128 {
  return i8x16.swizzle(step, i8x16.add(first, i8x16.splat(c)));
}

/** Where the bytes that {@link bytesOf} gives come from in a step. */
function placesOf(channels: i32): v128 {
  return channels === 3
    ? i8x16(0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11, 0, 0, 0, 0)
    : i8x16(0, 4, 8, 0, 1, 5, 9, 0, 2, 6, 10, 0, 3, 7, 11, 0);
}

/** Those bytes of a step that are its colours. */
function colorsOf(channels: i32): v128 {
  return channels === 3 ? i32x4(-1, -1, -1, 0) : i32x4.splat(0xffffff);
}

/** Four reds, greens and blues, clamped to 0..255. */
function bytesOf(r: v128, g: v128, b: v128): v128 {
  return i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_s(r, g), i16x8.narrow_i32x4_s(b, b));
}

/** (19595 r + 38470 g + 7471 b + 32768) >> 16 */
function greyOf(r: v128, g: v128, b: v128): v128 {
  const redGreen = v128.or(r, i32x4.shl(g, 16));
  const greenBlue = v128.or(g, i32x4.shl(b, 16));
  const sum = i32x4.add(
    i32x4.dot_i16x8_s(redGreen, i16x8(RED, HALF_GREEN, RED, HALF_GREEN, RED, HALF_GREEN, RED, HALF_GREEN)),
    i32x4.dot_i16x8_s(greenBlue, i16x8(HALF_GREEN, BLUE, HALF_GREEN, BLUE, HALF_GREEN, BLUE, HALF_GREEN, BLUE)),
  );
  return i32x4.shr_s(i32x4.add(sum, i32x4.splat(32768)), 16);
}

function blend(from: v128, to: v128, factors: v128): v128 {
  const change = f32x4.mul(factors, f32x4.convert_i32x4_s(i32x4.sub(to, from)));
  return i32x4.trunc_sat_f32x4_s(f32x4.add(f32x4.convert_i32x4_s(from), change));
}

/** Hue, 0..255, rounded as Pillow does, which decides where it is a whole number; of greys any. */
function hueOf(r: v128, g: v128, b: v128, value: v128, chroma: v128): v128 {
  const one = f32x4.splat(1);
  const two = f32x4.splat(2);
  const isRed = f32x4.eq(r, value);
  const isGreen = f32x4.eq(g, value);
  const greenOrBlue = v128.bitselect(f32x4.sub(b, r), f32x4.sub(r, g), isGreen);
  const difference = v128.bitselect(f32x4.sub(g, b), greenOrBlue, isRed);
  // In sextants: one before the greatest channel's, or one behind it where the hue goes on from there.
  const before = f32x4.sub(f32x4.sub(f32x4.splat(3), v128.and(v128.or(isRed, isGreen), two)), v128.and(isRed, two));
  const isRising = f32x4.gt(difference, f32x4.splat(0));
  const from = f32x4.add(before, v128.and(isRising, two));
  const part = f32x4.div(f32x4.sub(chroma, f32x4.abs(difference)), f32x4.pmax(chroma, one));
  const sextants = f32x4.add(from, v128.xor(part, i32x4.shl(isRising, 31)));
  const wrap = v128.and(f32x4.lt(sextants, f32x4.splat(0)), one);
  const place = f32x4.add(f32x4.div(sextants, f32x4.splat(6)), wrap);
  // 255 place may have been rounded up to a whole number, which 256 place - place tells.
  const rounded = f32x4.floor(f32x4.mul(place, f32x4.splat(255)));
  const isAbove = f32x4.lt(f32x4.sub(f32x4.mul(place, f32x4.splat(256)), rounded), place);
  return f32x4.sub(rounded, v128.and(isAbove, one));
}

/** value - round(value * saturation / 255 * off / 85): never the half of a level, so that it may be rounded either way. */
function weaken(whole: v128, most: v128, off: v128): v128 {
  const part = f32x4.pmin(f32x4.pmax(off, f32x4.splat(0)), f32x4.splat(85));
  const less = f32x4.mul(f32x4.mul(most, part), f32x4.splat(<f32>(1.0 / 21675.0)));
  return i32x4.sub(whole, f32x4.add(less, f32x4.splat(ROUNDING)));
}
