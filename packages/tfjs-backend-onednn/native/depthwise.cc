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

// A ring of rows (see the kernel) of so many pixels stays in the second-level cache.
constexpr int64_t kMostPixels = 4096;
// From filters so wide on the gradient of the input is faster here than oneDNN's, without AVX-512.
constexpr int64_t kFewestTaps = 5;
// Fewer would leave most of a register empty.
constexpr int64_t kFewestChannels = 8;

// Whether the kernel can compute a convolution to so wide a map, and is to.
bool is_wanted(const DepthwiseShape& s, bool outruns) {
  if (s.kernel > kMostKernel || s.kernel * ((s.out_width - 1) * s.stride_x + s.kernel) > kMostPixels) return false;
  return chosen_way() == Way::fastest ? outruns && s.channels >= kFewestChannels : chosen_way() == Way::direct;
}

}  // namespace

Depthwise& depthwise() {
  static Depthwise kernels{};
  return kernels;
}

bool depthwise_forward(const Call& call, const Tensor& x, const Tensor& filters, const Finish& finish, const Tensor& y) {
  if (!is_plain(call, filters) || x.type != Type::f32 || y.type != Type::f32) return false;
  const DepthwiseShape shape = shape_of(call, x, filters, y);
  const bool strided = shape.stride_y > 1 || shape.stride_x > 1;
  if (!is_wanted(shape, outruns_onednn(call, finish) || (strided && !has_avx512()))) return false;
  depthwise().forward(shape, x.f32(), filters.f32(), false, finish, y.f32_out());
  return true;
}

// Without strides that is itself such a convolution.
bool depthwise_backward_data(const Call& call, const Tensor& dy, const Tensor& filters, const Tensor& dx) {
  if (!is_plain(call, filters) || dy.type != Type::f32 || dx.type != Type::f32) return false;
  if (call.integer(kStrideH) != 1 || call.integer(kStrideW) != 1) return false;
  DepthwiseShape shape = shape_of(call, dy, filters, dx);
  shape.top = shape.kernel - 1 - shape.top;
  shape.left = shape.kernel - 1 - shape.left;
  const bool outruns = is_small(call) || (!has_avx512() && shape.kernel >= kFewestTaps);
  if (shape.top < 0 || shape.left < 0 || !is_wanted(shape, outruns)) return false;
  depthwise().forward(shape, dy.f32(), filters.f32(), true, {}, dx.f32_out());
  return true;
}

bool depthwise_backward_weights(const Call& call, const Tensor& x, const Tensor& dy, const Tensor& dw) {
  const int64_t kernel = dw.dims[0];
  if (!is_plain(call, dw) || (kernel != 3 && kernel != 5) || x.type != dy.type) return false;
  depthwise().backward_weights(shape_of(call, x, dw, dy), x, dy, dw.f32_out());
  return true;
}
