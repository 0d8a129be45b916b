// Convolutions with 3x3 filters in steps of one pixel by the minimal filtering algorithms F(2x2, 3x3) and F(4x4, 3x3) of
// Winograd (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016): maps fall into tiles that overlap by
// two pixels and give 2x2 or 4x4 pixels of the output; tiles and filters are transformed, and one product of matrices for
// each pixel of a tile takes 2.25 or 4 times fewer multiplications than the sums they stand for. Sums are f32 whatever the maps
// are; rounding errors are about 2 and 10 times those of the direct sum. Results do not depend on the number of threads.
#pragma once

#include <cstddef>
#include <cstdint>

#include "finish.h"
#include "tensor.h"

// Maps are NHWC, all of them f32 or all bf16.
struct WinogradShape {
  int64_t batch, height, width, channels;  // of the input
  int64_t out_height, out_width, filters;  // of the output
  int64_t top, left;                       // padding; what is behind the input follows from the sizes
  int64_t tile;                            // sides of what one gives: 2, or for bf16 maps 4

  int64_t tile_rows() const { return (out_height + tile - 1) / tile; }
  int64_t tile_columns() const { return (out_width + tile - 1) / tile; }
  int64_t tiles() const { return batch * tile_rows() * tile_columns(); }
};

// The kernels of one instruction set.
struct Winograd {
  // Bytes of the transformed filters.
  size_t (*packed_bytes)(const WinogradShape&);
  // Transforms filters [3, 3, C, K]; for a backward pass [3, 3, K, C], both spatial axes reversed.
  void (*pack)(const WinogradShape&, const float* filters, bool backward, float* packed);
  void (*forward)(const WinogradShape&, const Tensor& x, const float* packed, const Finish&, const Tensor& y);
  // The gradient [3, 3, C, K] of the filters.
  void (*backward_weights)(const WinogradShape&, const Tensor& x, const Tensor& dy, float* dw);
};

// Those of the instruction set that register_all chose.
Winograd& winograd();
