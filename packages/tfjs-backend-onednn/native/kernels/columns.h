// Sums down the columns of a matrix [rows, width], several at once.
#pragma once

#include "lanes.h"

namespace PROJ_ISA {

// f32 over stretches of so many rows, f64 between them.
constexpr int64_t kColumnStretch = 128;

// As load, and what will be asked for next of rows that lie one after the other: walking along several rows at once hides from
// the processor that it reads all in turn.
constexpr int64_t kBytesAhead = 2048;
template <class V, class Map>
inline V load_ahead(const Map* at) {
  __builtin_prefetch(reinterpret_cast<const char*>(at) + kBytesAhead);
  return load<V>(at);
}

// The same where rows are written.
template <class V, class Map>
inline void store_ahead(Map* at, V x) {
  __builtin_prefetch(reinterpret_cast<const char*>(at) + kBytesAhead, 1);
  store(at, x);
}

// Adds to part[k * width + c], for each of `Sums` terms k, what `Rows` rows from r on give.
template <int Rows, int Sums, class Term>
inline void add_rows(int64_t r, int64_t width, float* part, Term&& term) {
  for_lanes(width, [&](int64_t c, auto lanes) {
    using V = decltype(lanes);
    V sum[Sums] = {};
#pragma GCC unroll 2
    for (int i = 0; i < Rows; ++i) {
      V values[Sums];
      term(r + i, c, values);
      for (int k = 0; k < Sums; ++k) sum[k] += values[k];
    }
    for (int k = 0; k < Sums; ++k) store(part + k * width + c, load<V>(part + k * width + c) + sum[k]);
  });
}

// Adds to total[k * width + c], for each of `Sums` terms k, the sum over rows [begin, end) of term(row, c)[k]. `term` fills an
// array of floats or of Lanes from column c on. `part` has room for Sums * width floats.
template <int Sums, class Term>
inline void column_sums(int64_t begin, int64_t end, int64_t width, float* part, double* total, Term&& term) {
  constexpr int kTogether = 2;  // Rows, for which a partial sum is read and written once.
  while (begin < end) {
    const int64_t stop = std::min(end, begin + kColumnStretch);
    std::fill(part, part + Sums * width, 0.0f);
    for (; begin + kTogether <= stop; begin += kTogether) add_rows<kTogether, Sums>(begin, width, part, term);
    for (; begin < stop; ++begin) add_rows<1, Sums>(begin, width, part, term);
    for (int64_t i = 0; i < Sums * width; ++i) total[i] += part[i];
  }
}

// f(picture, first, last) for the part of each picture, of so many rows, in the rows [begin, end).
template <class F>
inline void for_pictures(int64_t begin, int64_t end, int64_t picture_rows, F&& f) {
  while (begin < end) {
    const int64_t picture = begin / picture_rows, last = std::min(end, (picture + 1) * picture_rows);
    f(picture, begin, last);
    begin = last;
  }
}

// The numbers of a tensor of either precision as floats.
inline const float* widened(const Tensor& t) {
  if (t.type != Type::bf16) return t.f32();
  float* wide = static_cast<float*>(scratch(static_cast<size_t>(t.size()) * sizeof(float)));
  std::copy(t.as<const Bf16>(), t.as<const Bf16>() + t.size(), wide);
  return wide;
}

// The same over all rows and threads, where sums(begin, end, part, total) adds what some rows give; `total` [Sums, width] comes
// out finished.
template <int Sums, class Add>
inline void all_column_sums(int64_t rows, int64_t width, double* total, Add&& add) {
  const int64_t threads = team_threads(), size = Sums * width;
  double* totals = static_cast<double*>(scratch(static_cast<size_t>(threads * size) * sizeof(double)));
  float* parts = static_cast<float*>(scratch(static_cast<size_t>(threads * size) * sizeof(float)));
  std::fill(totals, totals + threads * size, 0.0);
  parallel(rows, grain_of(width), [&](int64_t begin, int64_t end, int64_t part) {
    const int64_t own = part * size;
    add(begin, end, parts + own, totals + own);
  });
  for (int64_t i = 0; i < size; ++i) {
    double sum = 0;
    for (int64_t t = 0; t < threads; ++t) sum += totals[t * size + i];
    total[i] = sum;
  }
}

}  // namespace PROJ_ISA
