#include "direct.h"

#include <algorithm>

#include "conv.h"
#include "kept.h"
#include "onednn.h"

namespace {

// Over more channels other ways are faster for filters of several pixels.
constexpr int64_t kFewChannels = 32;
// A row of taps, which one product sums over; and what a thread copies for a row of the result.
constexpr int64_t kMostBandBytes = 256 << 10;
// Of the gradient of filters.
constexpr int64_t kMostSumBytes = 512 << 10;

bool is_plain(const Call& call, const Tensor& x, const Tensor& y) {
  return !call.integer(kDepthwise) && x.type == Type::f32 && y.type == Type::f32 && call.integer(kDilationH) == 1 &&
         call.integer(kDilationW) == 1;
}

bool fits_band(const Call& call, const Tensor& x, const Tensor& filters, const Tensor& y) {
  return filters.dims[0] * (y.dims[2] * call.integer(kStrideW) + filters.dims[1]) * x.dims[3] * 4 <= kMostBandBytes;
}

bool serves(const Call& call, const Tensor& x, const Tensor& filters, const Finish& finish, const Tensor& y) {
  if (!is_plain(call, x, y)) return false;
  const int64_t taps = filters.dims[0] * filters.dims[1];
  const int64_t padding = call.integer(kTop) + call.integer(kBottom) + call.integer(kLeft) + call.integer(kRight);
  if (taps == 1 ? padding != 0 : !fits_band(call, x, filters, y)) return false;
  if (chosen_way() != Way::fastest) return chosen_way() == Way::direct;
  return (taps == 1 || std::min(x.dims[3], y.dims[3]) < kFewChannels) && outruns_onednn(call, finish);
}

}  // namespace

Direct& direct() {
  static Direct kernels{};
  return kernels;
}

bool direct_forward(const Call& call, const Tensor& x, const Tensor& filters, const Finish& finish, const Tensor& y) {
  if (!serves(call, x, filters, finish, y)) return false;
  const IndirectShape shape = forward_shape(call, x, filters, y);
  direct().run(shape, x.f32(), indirect_filters(filters, shape), finish, y.f32_out());
  return true;
}

// That of a filter of one pixel in steps of one is a convolution like it.
bool direct_backward_data(const Call& call, const Tensor& dy, const Tensor& filters, const Tensor& dx) {
  if (filters.dims[0] * filters.dims[1] != 1 || call.integer(kStrideH) != 1 || call.integer(kStrideW) != 1) return false;
  if (!serves(call, dx, filters, {}, dy)) return false;
  const IndirectShape shape = backward_data_shape(call, dy, filters, dx);
  auto* ready = static_cast<float*>(scratch(indirect().packed_bytes(shape)));
  indirect().pack(shape, filters.f32(), true, ready);
  direct().run(shape, dy.f32(), ready, {}, dx.f32_out());
  return true;
}

bool direct_backward_weights(const Call& call, const Tensor& x, const Tensor& dy, const Tensor& dw) {
  if (!is_plain(call, x, dy) || dw.dims[0] * dw.dims[1] == 1 || dw.dims[3] % 16 != 0 || !fits_band(call, x, dw, dy)) return false;
  // More would leave too few parts to share.
  if (dw.bytes() > kMostSumBytes) return false;
  if (chosen_way() == Way::fastest ? has_avx512() && !is_small(call) : chosen_way() != Way::direct) return false;
  direct().backward_weights(forward_shape(call, x, dw, dy), x.f32(), dy.f32(), dw.f32_out());
  return true;
}
