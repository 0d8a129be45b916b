// Depthwise convolutions, and the gradient of their filters, for which oneDNN 2 has no fast code in NHWC.
#pragma once

#include <cstdint>

#include "finish.h"
#include "tensor.h"

// Of one output channel for each input channel. Maps are NHWC.
struct DepthwiseShape {
  int64_t batch, height, width, channels;  // of the input
  int64_t out_height, out_width;
  int64_t kernel;  // sides of the filters
  int64_t stride_y, stride_x, top, left;
};

constexpr int64_t kMostKernel = 15;

// Results are the same for any number of threads.
struct Depthwise {
  // Of filters up to kMostKernel wide, as they are or, for the gradient of the input, with both spatial axes reversed.
  void (*forward)(const DepthwiseShape&, const float* x, const float* filters, bool flipped, const Finish&, float* y);
  // dw [kernel, kernel, C, 1] of filters of 3x3 or 5x5, for maps that are both f32 or both bf16.
  void (*backward_weights)(const DepthwiseShape&, const Tensor& x, const Tensor& dy, float* dw);
};

// The kernels of the instruction set that register_all chose.
Depthwise& depthwise();
