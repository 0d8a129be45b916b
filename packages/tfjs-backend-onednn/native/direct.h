// Convolutions of f32 maps straight from where the pixels are: of filters of one pixel, and of those over few channels, whose rows
// of taps are one row of numbers in the map. A band of rows is copied with its border first, where there is one.
// Results do not depend on the number of threads.
#pragma once

#include <cstdint>

#include "finish.h"
#include "indirect.h"

struct Direct {
  // Filters are packed as for the indirect algorithm. Taps lie one pixel apart, pixels of the result `step`; for filters of more
  // than one pixel it is not a gradient's shape.
  void (*run)(const IndirectShape&, const float* x, const float* packed, const Finish&, float* y);
  // The gradient [KH, KW, C, K] of the filters; the shape is that of the convolution, K a multiple of 16.
  void (*backward_weights)(const IndirectShape&, const float* x, const float* dy, float* dw);
};

// Those of the instruction set that register_all chose.
Direct& direct();
