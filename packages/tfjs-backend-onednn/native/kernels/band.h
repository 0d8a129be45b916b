// Rows of a picture with the border that a convolution pads them with.
#pragma once

#include "../indirect.h"
#include "kernels.h"

namespace PROJ_ISA {

// The input of `rows` rows of a picture's result from `first` on, zeros around it: rows and columns as far as these reach.
inline void copy_band(const IndirectShape& s, const float* x, int64_t picture, int64_t first, int64_t rows, float* band) {
  const int64_t columns = (s.x.out_size - 1) * s.x.step + s.x.taps, height = (rows - 1) * s.y.step + s.y.taps;
  const int64_t width = columns * s.channels, before = std::clamp<int64_t>(-s.x.first, 0, columns);
  const int64_t skipped = std::max<int64_t>(0, s.x.first);
  const int64_t inside = std::clamp<int64_t>(s.x.size - skipped, 0, columns - before);
  for (int64_t i = 0; i < height; ++i, band += width) {
    const int64_t row = first * s.y.step + s.y.first + i;
    if (row < 0 || row >= s.y.size) {
      std::fill(band, band + width, 0.0f);
      continue;
    }
    const float* from = x + ((picture * s.y.size + row) * s.x.size + skipped) * s.channels;
    std::fill(band, band + before * s.channels, 0.0f);
    std::copy(from, from + inside * s.channels, band + before * s.channels);
    std::fill(band + (before + inside) * s.channels, band + width, 0.0f);
  }
}

}  // namespace PROJ_ISA
