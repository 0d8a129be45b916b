// What the convolutions of one call have in common, see src/kernels/conv.ts.
#pragma once

#include "tensor.h"
#include "winograd.h"

// Numbers of a call.
enum { kStrideH, kStrideW, kDilationH, kDilationW, kTop, kBottom, kLeft, kRight, kDepthwise };

// Each computes its call by Winograd's algorithm where that is the fast way, and otherwise does nothing and returns false.
// PROJ_ONEDNN_CONVOLUTION says which way is taken: `direct` never this one, `winograd` this one wherever it is possible.
bool winograd_forward(const Call&, const Tensor& x, const Tensor& filters, const WinogradFinish&, const Tensor& y);
bool winograd_backward_data(const Call&, const Tensor& dy, const Tensor& filters, const Tensor& dx);
bool winograd_backward_weights(const Call&, const Tensor& x, const Tensor& dy, const Tensor& dw);
