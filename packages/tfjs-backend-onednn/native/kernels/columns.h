// Sums down the columns of a matrix [rows, width], several at once.
#pragma once

#include "kernels.h"

namespace PROJ_ISA {

// Adds to total[k][c], for each of `Sums` terms k, the sum over rows [begin, end) of term(row, c)[k]; `term` fills an array.
// f32 over short stretches of rows, f64 between them. Columns go in blocks of constant width, whose sums stay in registers.
constexpr int64_t kColumnStretch = 128;

template <int Sums, int Width, class Term>
inline void column_block(int64_t begin, int64_t end, int64_t c0, int64_t width, double* total, Term&& term) {
  float part[Sums][Width] = {};
  for (int64_t r = begin; r < end; ++r)
    for (int c = 0; c < Width; ++c) {
      float values[Sums];
      term(r, c0 + c, values);
      for (int k = 0; k < Sums; ++k) part[k][c] += values[k];
    }
  for (int k = 0; k < Sums; ++k)
    for (int c = 0; c < Width; ++c) total[k * width + c0 + c] += part[k][c];
}

template <int Sums, class Term>
inline void column_sums(int64_t begin, int64_t end, int64_t width, double* total, Term&& term) {
  for (int64_t r = begin; r < end; r += kColumnStretch) {
    const int64_t stop = std::min(end, r + kColumnStretch);
    int64_t c = 0;
    for (; c + 64 <= width; c += 64) column_block<Sums, 64>(r, stop, c, width, total, term);
    for (; c + 16 <= width; c += 16) column_block<Sums, 16>(r, stop, c, width, total, term);
    for (; c < width; ++c) column_block<Sums, 1>(r, stop, c, width, total, term);
  }
}

// The same over all rows and threads; `total` [Sums, width] comes out finished.
template <int Sums, class Term>
inline void all_column_sums(int64_t rows, int64_t width, double* total, Term&& term) {
  const int64_t threads = omp_get_max_threads(), size = Sums * width;
  double* parts = static_cast<double*>(scratch(static_cast<size_t>(threads * size) * sizeof(double)));
  std::fill(parts, parts + threads * size, 0.0);
  parallel(rows, grain_of(width), [&](int64_t begin, int64_t end) {
    column_sums<Sums>(begin, end, width, parts + omp_get_thread_num() * size, term);
  });
  for (int64_t i = 0; i < size; ++i) {
    double sum = 0;
    for (int64_t t = 0; t < threads; ++t) sum += parts[t * size + i];
    total[i] = sum;
  }
}

}  // namespace PROJ_ISA
