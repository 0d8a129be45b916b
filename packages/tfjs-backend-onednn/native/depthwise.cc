#include "depthwise.h"

#include "conv.h"

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

}  // namespace

Depthwise& depthwise() {
  static Depthwise kernels{};
  return kernels;
}

bool depthwise_forward(const Call& call, const Tensor& x, const Tensor& filters, const Finish& finish, const Tensor& y) {
  if (!is_plain(call, filters) || x.type != Type::f32 || y.type != Type::f32) return false;
  if (chosen_way() == Way::fastest ? !outruns_onednn(call, finish) : chosen_way() != Way::direct) return false;
  depthwise().forward(shape_of(call, x, filters, y), x.f32(), filters.f32(), finish, y.f32_out());
  return true;
}

bool depthwise_backward_weights(const Call& call, const Tensor& x, const Tensor& dy, const Tensor& dw) {
  const int64_t kernel = dw.dims[0];
  if (!is_plain(call, dw) || (kernel != 3 && kernel != 5) || x.type != dy.type) return false;
  depthwise().backward_weights(shape_of(call, x, dw, dy), x, dy, dw.f32_out());
  return true;
}
