// Products of small matrices whose second factor lies in panels of kColumns columns.
#pragma once

#include "lanes.h"

namespace PROJ_ISA {

// How many rows of a result fit into the registers with two of them each.
#if defined(__AVX512F__)
constexpr int kRows = 12;
#else
constexpr int kRows = 6;
#endif
constexpr int kColumns = 2 * kLanes;

// Where the element of a row and a depth is.
struct Factor {
  const float* data;
  int64_t row, depth;

  Factor from_row(int64_t i) const { return {data + i * row, row, depth}; }
};

// Sums of products in registers: of `Rows` numbers with `Columns` registers of others.
template <int Rows, int Columns>
inline void clear(Lanes (&sum)[Rows][Columns]) {
#pragma GCC unroll 12
  for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 2
    for (int j = 0; j < Columns; ++j) sum[i][j] = Lanes{};
}

// Adds a(i) * b[j] to each.
template <int Rows, int Columns, class A>
inline void add_products(Lanes (&sum)[Rows][Columns], const float* b, A&& a) {
  Lanes factor[Columns];
#pragma GCC unroll 2
  for (int j = 0; j < Columns; ++j) factor[j] = load<Lanes>(b + j * kLanes);
#pragma GCC unroll 12
  for (int i = 0; i < Rows; ++i) {
    const float x = a(i);
#pragma GCC unroll 2
    for (int j = 0; j < Columns; ++j) sum[i][j] += factor[j] * x;
  }
}

// c[i, j] (+)= sum over p of a(i, p) * b[p, j] for `Rows` rows and kColumns columns; b and c have strides between rows.
template <int Rows>
inline void block_product(int64_t depth, Factor a, const float* b, int64_t b_stride, float* c, int64_t c_stride, bool add) {
  Lanes sum[Rows][2];
#pragma GCC unroll 12
  for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 2
    for (int j = 0; j < 2; ++j)
      sum[i][j] = add ? load<Lanes>(c + i * c_stride + j * kLanes) : Lanes{};
  for (int64_t p = 0; p < depth; ++p, a.data += a.depth, b += b_stride)
    add_products(sum, b, [&](int i) { return a.data[i * a.row]; });
#pragma GCC unroll 12
  for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 2
    for (int j = 0; j < 2; ++j) store(c + i * c_stride + j * kLanes, sum[i][j]);
}

template <int Rows>
inline void last_rows(int64_t rows, int64_t depth, Factor a, const float* b, int64_t b_stride, float* c, int64_t c_stride,
                      bool add) {
  if constexpr (Rows > 0) {
    if (rows == Rows) return block_product<Rows>(depth, a, b, b_stride, c, c_stride, add);
    last_rows<Rows - 1>(rows, depth, a, b, b_stride, c, c_stride, add);
  }
}

// The same for any number of rows.
inline void panel_product(int64_t rows, int64_t depth, Factor a, const float* b, int64_t b_stride, float* c,
                          int64_t c_stride, bool add) {
  int64_t i = 0;
  for (; i + kRows <= rows; i += kRows)
    block_product<kRows>(depth, a.from_row(i), b, b_stride, c + i * c_stride, c_stride, add);
  last_rows<kRows - 1>(rows - i, depth, a.from_row(i), b, b_stride, c + i * c_stride, c_stride, add);
}

}  // namespace PROJ_ISA
