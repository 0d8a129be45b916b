// What is done to the result of a convolution while it is in registers.
#pragma once

// In this order; each may be null: y * scale + shift, by channel; plus a map as y; then a ReLU, which makes 0 of what is not a
// number.
struct Finish {
  const float* scale = nullptr;
  const float* shift = nullptr;
  const void* residual = nullptr;
  bool relu = false;
};
