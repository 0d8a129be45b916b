// What the convolutions of one call have in common, see src/kernels/conv.ts.
#pragma once

#include "finish.h"
#include "tensor.h"

// Numbers of a call.
enum { kStrideH, kStrideW, kDilationH, kDilationW, kTop, kBottom, kLeft, kRight, kDepthwise };

// The ways to compute. PROJ_ONEDNN_CONVOLUTION names one that is taken wherever it is possible, by the same words; by default
// shapes and instruction set decide.
enum class Way { fastest, onednn, indirect, winograd };
Way chosen_way();

// Each computes its call by its algorithm where that is the way to take, and otherwise does nothing and returns false.
bool winograd_forward(const Call&, const Tensor& x, const Tensor& filters, const Finish&, const Tensor& y);
bool winograd_backward_data(const Call&, const Tensor& dy, const Tensor& filters, const Tensor& dx);
bool winograd_backward_weights(const Call&, const Tensor& x, const Tensor& dy, const Tensor& dw);
bool indirect_forward(const Call&, const Tensor& x, const Tensor& filters, const Finish&, const Tensor& y);
bool indirect_backward_data(const Call&, const Tensor& dy, const Tensor& filters, const Tensor& dx);
