#include "winograd.h"

#include <map>
#include <tuple>

#include "conv.h"
#include "kept.h"

namespace {

// From so many channels on each side the transforms cost less than the products save.
constexpr int64_t kFewestChannels = 32;
constexpr int64_t kFewestPixels = 20;

// Whether the algorithm is to be used between the maps x and y, of which y is the smaller or larger by the padding.
bool serves(const Call& call, const Tensor& x, const Tensor& filters, const Tensor& y) {
  if (!winograd_serves(call, x, filters, y)) return false;
  if (chosen_way() != Way::fastest) return chosen_way() == Way::winograd;
  // AMX multiplies bf16 several times faster than AVX-512 does f32.
  return x.dims[3] >= kFewestChannels && y.dims[3] >= kFewestChannels && !(x.type == Type::bf16 && has_amx_products());
}

// Larger tiles round too much for f32, and are worth nothing where they reach far beyond the map.
int64_t tile_of(const Tensor& y) {
  const auto places = [&](int64_t tile) {
    return (y.dims[1] + tile - 1) / tile * ((y.dims[2] + tile - 1) / tile) * (tile + 2) * (tile + 2);
  };
  return y.type == Type::bf16 && places(4) < places(2) ? 4 : 2;
}

WinogradShape shape_of(const Tensor& x, const Tensor& y, int64_t top, int64_t left) {
  return {x.dims[0], x.dims[1], x.dims[2], x.dims[3], y.dims[1], y.dims[2], y.dims[3], top, left, tile_of(y)};
}

const float* packed_filters(const WinogradShape& shape, const Tensor& filters) {
  static auto* layouts = new std::map<std::tuple<int64_t, int64_t, int64_t>, uint64_t>;
  const auto [layout, is_new] = layouts->try_emplace({shape.tile, shape.channels, shape.filters}, 0);
  if (is_new) layout->second = next_layout();
  return static_cast<const float*>(
      packed(filters, layout->second, winograd().packed_bytes(shape), [&](const void* from, void* to) {
        winograd().pack(shape, static_cast<const float*>(from), false, static_cast<float*>(to));
      }));
}

}  // namespace

Winograd& winograd() {
  static Winograd kernels{};
  return kernels;
}

bool winograd_serves(const Call& call, const Tensor& x, const Tensor& filters, const Tensor& y) {
  for (const int number : {kStrideH, kStrideW, kDilationH, kDilationW})
    if (call.integer(number) != 1) return false;
  return !call.integer(kDepthwise) && filters.dims[0] == 3 && filters.dims[1] == 3 && x.type == y.type;
}

bool winograd_forward(const Call& call, const Tensor& x, const Tensor& filters, const Finish& finish,
                      const Tensor& y) {
  // For a handful of tiles reading transformed filters, which are 1.8 times as many, takes longer than the products save.
  const bool few = y.dims[0] * y.dims[1] * y.dims[2] < kFewestPixels && chosen_way() == Way::fastest;
  if (few || !serves(call, x, filters, y)) return false;
  const WinogradShape shape = shape_of(x, y, call.integer(kTop), call.integer(kLeft));
  winograd().forward(shape, x, packed_filters(shape, filters), finish, y);
  return true;
}

// Itself a convolution, of dy with the filters reversed.
bool winograd_backward_data(const Call& call, const Tensor& dy, const Tensor& filters, const Tensor& dx) {
  if (!serves(call, dy, filters, dx)) return false;
  const WinogradShape shape = shape_of(dy, dx, 2 - call.integer(kTop), 2 - call.integer(kLeft));
  float* packed = static_cast<float*>(scratch(winograd().packed_bytes(shape)));
  winograd().pack(shape, filters.f32(), true, packed);
  winograd().forward(shape, dy, packed, {}, dx);
  return true;
}

bool winograd_backward_weights(const Call& call, const Tensor& x, const Tensor& dy, const Tensor& dw) {
  if (!serves(call, x, dw, dy)) return false;
  winograd().backward_weights(shape_of(x, dy, call.integer(kTop), call.integer(kLeft)), x, dy, dw.f32_out());
  return true;
}
