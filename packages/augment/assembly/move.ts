/** Room for the order of 16 bytes. */
const order = memory.data(16);

/** Mirrors rows of pixels of up to 16 bytes, some pixels at once, the last of each row first. */
export function mirror(source: usize, target: usize, width: i32, rows: i32, channels: i32): void {
  const few = 16 / channels;
  const step = few * channels;
  for (let i = 0; i < step; i++) store<u8>(order + i, (few - 1 - i / channels) * channels + (i % channels));
  const places = v128.load(order);
  const row = width * channels;
  for (let y = 0; y < rows; y++, source += row, target += row) {
    let from = source + row - step;
    for (let i = 0; i < row; i += step, from -= step) {
      v128.store(target + i, i8x16.swizzle(v128.load(from), places));
    }
  }
}
