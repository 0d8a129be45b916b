/** Looks each channel up in a table of its own of 256 bytes, in place; channels beyond `count` tables stay. */
export function lookUp(at: usize, length: i32, channels: i32, tables: usize, count: i32): void {
  const end = at + length;
  for (let c = 0; c < count; c++, tables += 256) {
    for (let place = at + c; place < end; place += channels) {
      store<u8>(place, load<u8>(tables + load<u8>(place)));
    }
  }
}

/** Looks each channel up in a table of its own of 256 numbers in single precision. */
export function lookUpFloats(source: usize, pixels: i32, channels: i32, tables: usize, target: usize): void {
  if (channels === 3) {
    for (const end = source + 3 * pixels; source < end; source += 3, target += 12) {
      store<f32>(target, load<f32>(tables + ((<usize>load<u8>(source)) << 2)));
      store<f32>(target, load<f32>(tables + ((<usize>load<u8>(source, 1)) << 2), 1024), 4);
      store<f32>(target, load<f32>(tables + ((<usize>load<u8>(source, 2)) << 2), 2048), 8);
    }
    return;
  }
  for (let i = 0; i < pixels; i++) {
    for (let c = 0; c < channels; c++, source++, target += 4) {
      store<f32>(target, load<f32>(tables + ((<usize>c) << 10) + ((<usize>load<u8>(source)) << 2)));
    }
  }
}
