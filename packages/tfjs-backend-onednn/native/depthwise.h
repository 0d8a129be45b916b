// The gradient of the filters of a depthwise convolution, for which oneDNN 2 has no fast code in NHWC.
#pragma once

#include <cstdint>

#include "tensor.h"

// Of one output channel for each input channel. Maps are NHWC, both f32 or both bf16.
struct DepthwiseShape {
  int64_t batch, height, width, channels;  // of the input
  int64_t out_height, out_width;
  int64_t kernel;  // sides of the filters: 3 or 5
  int64_t stride_y, stride_x, top, left;
};

struct Depthwise {
  // dw [kernel, kernel, C, 1]; the same for any number of threads.
  void (*backward_weights)(const DepthwiseShape&, const Tensor& x, const Tensor& dy, float* dw);
};

// The kernels of the instruction set that register_all chose.
Depthwise& depthwise();
