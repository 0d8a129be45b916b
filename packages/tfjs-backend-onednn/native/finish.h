// What is done to the result of a convolution while it is in registers.
#pragma once

// What follows a normalisation, by the numbers of src/kernels/normalize.ts.
enum class After : int { nothing = 0, relu = 1, silu = 2 };

// In this order; each may be null: y * scale + shift, by channel; plus a map as y; then an activation. A ReLU makes 0 of what is
// not a number.
struct Finish {
  const float* scale = nullptr;
  const float* shift = nullptr;
  const void* residual = nullptr;
  After after = After::nothing;

  bool is_nothing() const { return !scale && !shift && !residual && after == After::nothing; }
};
