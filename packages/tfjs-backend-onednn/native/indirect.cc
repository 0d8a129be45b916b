#include "indirect.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "conv.h"
#include "kept.h"
#include "onednn.h"

namespace {

constexpr int64_t kMostTaps = 63;  // along an axis

// With fewer channels, or filters of one pixel, the lists cost more than oneDNN's copies.
constexpr int64_t kFewestChannels = 32, kFewestTaps = 9;

bool serves(const Call& call, const Tensor& x, const Tensor& filters, const Tensor& y) {
  if (call.integer(kDepthwise) || x.type != y.type) return false;
  if (filters.dims[0] > kMostTaps || filters.dims[1] > kMostTaps) return false;
  if (chosen_way() != Way::fastest) return chosen_way() == Way::indirect;
  // oneDNN has newer code for AVX-512, which these kernels do not outrun.
  return !has_avx512() && filters.dims[0] * filters.dims[1] >= kFewestTaps &&
         std::min(filters.dims[2], filters.dims[3]) >= kFewestChannels;
}

}  // namespace

Indirect& indirect() {
  static Indirect kernels{};
  return kernels;
}

IndirectShape forward_shape(const Call& call, const Tensor& x, const Tensor& filters, const Tensor& y) {
  IndirectShape s;
  s.batch = x.dims[0], s.channels = x.dims[3], s.filters = y.dims[3];
  s.y = {x.dims[1], y.dims[1], filters.dims[0], call.integer(kStrideH), -call.integer(kTop), call.integer(kDilationH), 1};
  s.x = {x.dims[2], y.dims[2], filters.dims[1], call.integer(kStrideW), -call.integer(kLeft), call.integer(kDilationW), 1};
  return s;
}

IndirectShape backward_data_shape(const Call& call, const Tensor& dy, const Tensor& filters, const Tensor& dx) {
  const auto backward = [](const IndirectShape::Axis& a) {
    return IndirectShape::Axis{a.out_size, a.size, a.taps, 1, -a.first, -a.tap_step, a.step};
  };
  const IndirectShape s = forward_shape(call, dx, filters, dy);
  return {s.batch, s.filters, s.channels, backward(s.y), backward(s.x)};
}

uint64_t layout_of(Way way, const IndirectShape& s) {
  static auto* layouts = new std::map<std::tuple<Way, int64_t, int64_t, int64_t>, uint64_t>;
  const auto [layout, is_new] = layouts->try_emplace({way, s.taps(), s.channels, s.filters}, 0);
  if (is_new) layout->second = next_layout();
  return layout->second;
}

const float* indirect_filters(const Tensor& filters, const IndirectShape& shape) {
  return static_cast<const float*>(
      packed(filters, layout_of(Way::indirect, shape), indirect().packed_bytes(shape), [&](const void* from, void* to) {
        indirect().pack(shape, static_cast<const float*>(from), false, static_cast<float*>(to));
      }));
}

bool indirect_forward(const Call& call, const Tensor& x, const Tensor& filters, const Finish& finish, const Tensor& y) {
  if (!serves(call, x, filters, y)) return false;
  const IndirectShape shape = forward_shape(call, x, filters, y);
  indirect().run(shape, x, indirect_filters(filters, shape), finish, y);
  return true;
}

bool indirect_backward_data(const Call& call, const Tensor& dy, const Tensor& filters, const Tensor& dx) {
  if (!serves(call, dy, filters, dx)) return false;
  const IndirectShape shape = backward_data_shape(call, dy, filters, dx);
  auto* ready = static_cast<float*>(scratch(indirect().packed_bytes(shape)));
  indirect().pack(shape, filters.f32(), true, ready);
  indirect().run(shape, dy, ready, {}, dx);
  return true;
}
