// Convolutions, and gradients of their inputs, of any filters and strides by the indirect algorithm (Dukhan, "The Indirect
// Convolution Algorithm", 2019): for some pixels of the result a list of the pixels under each tap of the filter, so that nothing
// is copied or gathered, and a tap that a border or a stride leaves without pixels costs nothing. Sums are f32 whatever the maps are.
// Results do not depend on the number of threads.
#pragma once

#include <cstddef>
#include <cstdint>

#include "finish.h"
#include "tensor.h"

// From a map [batch, height, width, channels] to a map [batch, out_height, out_width, filters], both f32 or both bf16, NHWC.
struct IndirectShape {
  // Along one axis tap k of pixel i lies over pixel (i * step + first + k * tap_step) / divisor, where that is a whole number.
  struct Axis {
    int64_t size, out_size, taps;
    int64_t step, first, tap_step, divisor;
  };

  int64_t batch, channels, filters;
  Axis y, x;

  int64_t taps() const { return y.taps * x.taps; }
};

struct Indirect {
  // Bytes of the filters in the order in which they are read.
  size_t (*packed_bytes)(const IndirectShape&);
  // Of filters [KH, KW, C, K] or, transposed, [KH, KW, K, C].
  void (*pack)(const IndirectShape&, const float* filters, bool transposed, float* packed);
  void (*run)(const IndirectShape&, const Tensor& x, const float* packed, const Finish&, const Tensor& y);
};

// Those of the instruction set that register_all chose.
Indirect& indirect();

// What a call asks for, and what the gradient dx of its input is: there a pixel reads those of dy that it took part in.
IndirectShape forward_shape(const Call&, const Tensor& x, const Tensor& filters, const Tensor& y);
IndirectShape backward_data_shape(const Call&, const Tensor& dy, const Tensor& filters, const Tensor& dx);
// Packed, for this call or kept.
const float* indirect_filters(const Tensor& filters, const IndirectShape&);
