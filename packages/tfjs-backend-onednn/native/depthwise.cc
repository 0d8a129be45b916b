#include "depthwise.h"

#include "conv.h"
#include "onednn.h"

namespace {

// Square filters without dilation, of one output for each input.
bool is_plain(const Call& call, const Tensor& filters) {
  return call.integer(kDepthwise) && filters.dims[3] == 1 && filters.dims[0] == filters.dims[1] &&
         call.integer(kDilationH) == 1 && call.integer(kDilationW) == 1;
}

DepthwiseShape shape_of(const Call& call, const Tensor& x, const Tensor& filters, const Tensor& y) {
  return {x.dims[0],  x.dims[1], x.dims[2],
          x.dims[3],  y.dims[1], y.dims[2], filters.dims[0], call.integer(kStrideH),
          call.integer(kStrideW), call.integer(kTop), call.integer(kLeft)};
}

bool is_wanted(bool outruns) { return chosen_way() == Way::fastest ? outruns : chosen_way() == Way::direct; }

}  // namespace

Depthwise& depthwise() {
  static Depthwise kernels{};
  return kernels;
}

bool depthwise_forward(const Call& call, const Tensor& x, const Tensor& filters, const Finish& finish, const Tensor& y) {
  if (!is_plain(call, filters) || x.type != Type::f32 || y.type != Type::f32) return false;
  if (filters.dims[0] > kMostKernel) return false;
  const bool strided = call.integer(kStrideH) > 1 || call.integer(kStrideW) > 1;
  if (!is_wanted(outruns_onednn(call, finish) || (strided && !has_avx512()))) return false;
  depthwise().forward(shape_of(call, x, filters, y), x.f32(), filters.f32(), false, finish, y.f32_out());
  return true;
}

// Without strides that is itself such a convolution.
bool depthwise_backward_data(const Call& call, const Tensor& dy, const Tensor& filters, const Tensor& dx) {
  if (!is_plain(call, filters) || dy.type != Type::f32 || dx.type != Type::f32) return false;
  const int64_t kernel = filters.dims[0], top = kernel - 1 - call.integer(kTop), left = kernel - 1 - call.integer(kLeft);
  if (call.integer(kStrideH) != 1 || call.integer(kStrideW) != 1 || kernel > kMostKernel || top < 0 || left < 0) return false;
  if (!is_wanted(is_small(call) || !has_avx512())) return false;
  DepthwiseShape shape = shape_of(call, dy, filters, dx);
  shape.top = top;
  shape.left = left;
  depthwise().forward(shape, dy.f32(), filters.f32(), true, {}, dx.f32_out());
  return true;
}

bool depthwise_backward_weights(const Call& call, const Tensor& x, const Tensor& dy, const Tensor& dw) {
  const int64_t kernel = dw.dims[0];
  if (!is_plain(call, dw) || (kernel != 3 && kernel != 5) || x.type != dy.type) return false;
  depthwise().backward_weights(shape_of(call, x, dw, dy), x, dy, dw.f32_out());
  return true;
}
