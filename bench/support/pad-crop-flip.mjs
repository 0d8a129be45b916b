const margin = 4;

/** As torchvision's `RandomCrop(size, padding=4)` and `RandomHorizontalFlip()`: black beyond the edges. */
export function padCropFlip() {
  return ({ data, width, height, channels }, rng) => {
    const top = rng.int(2 * margin + 1) - margin;
    const left = rng.int(2 * margin + 1) - margin;
    const flipped = rng.uniform() < 0.5;
    const out = new Uint8ClampedArray(data.length);
    for (let y = Math.max(0, -top); y < Math.min(height, height - top); y++) {
      for (let x = Math.max(0, -left); x < Math.min(width, width - left); x++) {
        const from = ((y + top) * width + x + left) * channels;
        const to = (y * width + (flipped ? width - 1 - x : x)) * channels;
        for (let c = 0; c < channels; c++) out[to + c] = data[from + c];
      }
    }
    return { data: out, width, height, channels };
  };
}
