/** Takes `count` pixels on a line through the source, whose places are in 65536ths of a pixel; all lie inside. */
export function walk(
  source: usize,
  width: i32,
  channels: i32,
  target: usize,
  count: i32,
  x: i32,
  stepX: i32,
  y: i32,
  stepY: i32,
): void {
  for (let i = 0; i < count; i++, x += stepX, y += stepY, target += channels) {
    copyPixel(source + ((y >> 16) * width + (x >> 16)) * channels, target, channels);
  }
}

/** Takes the pixels in which the places (xs, ys) lie, where these are inside. */
export function nearestRow(
  source: usize,
  width: i32,
  height: i32,
  channels: i32,
  target: usize,
  count: i32,
  xs: usize,
  ys: usize,
): void {
  for (let i = 0; i < count; i++, xs += 8, ys += 8, target += channels) {
    const x = load<f64>(xs);
    const y = load<f64>(ys);
    if (!(x >= 0 && x < width && y >= 0 && y < height)) continue;
    copyPixel(source + (<i32>y * width + <i32>x) * channels, target, channels);
  }
}

function copyPixel(from: usize, to: usize, channels: i32): void {
  if (channels === 3) {
    const pixel = load<u32>(from);
    store<u16>(to, <u16>pixel);
    store<u8>(to, <u8>(pixel >> 16), 2);
  } else if (channels === 4) {
    store<u32>(to, load<u32>(from));
  } else {
    for (let c = 0; c < channels; c++) store<u8>(to + c, load<u8>(from + c));
  }
}

/** Mixes the four pixels round each place in doubles, truncated; half a pixel from the border on, the border's colour. */
export function bilinearRow(
  source: usize,
  width: i32,
  height: i32,
  channels: i32,
  target: usize,
  count: i32,
  xs: usize,
  ys: usize,
): void {
  for (let i = 0; i < count; i++, xs += 8, ys += 8, target += channels) {
    const x = load<f64>(xs);
    const y = load<f64>(ys);
    if (!(x >= 0 && x < width && y >= 0 && y < height)) continue;
    const column = floor(x - 0.5);
    const row = floor(y - 0.5);
    const dx = x - 0.5 - column;
    const dy = y - 0.5 - row;
    const left = max(0, <i32>column) * channels;
    const right = min(width - 1, <i32>column + 1) * channels;
    const upper = source + max(0, <i32>row) * width * channels;
    const lower = source + min(height - 1, <i32>row + 1) * width * channels;
    for (let c = 0; c < channels; c++) {
      const above = mix(load<u8>(upper + left + c), load<u8>(upper + right + c), dx);
      const below = mix(load<u8>(lower + left + c), load<u8>(lower + right + c), dx);
      store<u8>(target + c, <i32>(above + (below - above) * dy));
    }
  }
}

function mix(a: i32, b: i32, share: f64): f64 {
  return <f64>a + <f64>(b - a) * share;
}
