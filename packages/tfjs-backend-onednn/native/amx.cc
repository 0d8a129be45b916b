#include "amx.h"

#include <algorithm>

#include "conv.h"
#include "kept.h"
#include "queue.h"

namespace {

// Whether a map is one of pictures rather than of many channels. Its pixels are widened to kStemPixel numbers; those under a row
// of the filter lie one after the other and become the channels of a filter of one column.
bool is_stem(const Call& call, const Tensor& x, const Tensor& filters) {
  const int64_t row = filters.dims[1] * kStemPixel;
  return x.dims[3] <= kStemPixel && call.integer(kDilationW) == 1 && row <= 32 && amx_depth(row) == row;
}

AmxShape stem_shape(const IndirectShape& s) {
  AmxShape stem{s, kStemPixel};
  stem.channels = s.x.taps * kStemPixel;
  stem.x = {(s.x.out_size - 1) * s.x.step + s.x.taps, s.x.out_size, 1, s.x.step, 0, 1, 1};
  return stem;
}

const void* widened_map(const IndirectShape& s, const AmxShape& stem, const Tensor& x) {
  void* to = scratch(static_cast<size_t>(s.batch * s.y.size * stem.x.size * kStemPixel) * sizeof(uint16_t));
  amx().widen(x, s.x.first, stem.x.size, to);
  return to;
}

// [KH, KW, kStemPixel, K], for filters or their gradient.
float* wide_filters(const IndirectShape& s) {
  return static_cast<float*>(scratch(static_cast<size_t>(s.taps() * kStemPixel * s.filters) * sizeof(float)));
}

void widen_filters(const IndirectShape& s, const float* from, float* to) {
  const int64_t pixel = s.channels * s.filters, wide = kStemPixel * s.filters;
  std::fill(to, to + s.taps() * wide, 0.0f);
  for (int64_t tap = 0; tap < s.taps(); ++tap) std::copy(from + tap * pixel, from + (tap + 1) * pixel, to + tap * wide);
}

void narrow_filters(const IndirectShape& s, const float* from, float* to) {
  const int64_t pixel = s.channels * s.filters, wide = kStemPixel * s.filters;
  for (int64_t tap = 0; tap < s.taps(); ++tap)
    std::copy(from + tap * wide, from + tap * wide + pixel, to + tap * pixel);
}

}  // namespace

Amx& amx() {
  static Amx kernels{};
  return kernels;
}

bool amx_serves(const Call& call, const Tensor& x, const Tensor& filters, const Tensor& y) {
  if (y.type != Type::bf16 || call.integer(kDepthwise) || !tiles_granted()) return false;
  return is_stem(call, x, filters) || (x.type == Type::bf16 && amx_depth(x.dims[3]) > 0);
}

bool amx_serves_backward_data(const Call& call, const Tensor& dy, const Tensor& dx) {
  return dy.type == Type::bf16 && dx.type == Type::bf16 && !call.integer(kDepthwise) && amx_depth(dy.dims[3]) > 0 &&
         tiles_granted();
}

bool amx_forward(const Call& call, const Tensor& x, const Tensor& filters, const Finish& finish, const Tensor& y) {
  if (chosen_way() != Way::amx || !amx_serves(call, x, filters, y)) return false;
  const IndirectShape plain = forward_shape(call, x, filters, y);
  const bool stem = is_stem(call, x, filters);
  const AmxShape shape = stem ? stem_shape(plain) : AmxShape{plain, plain.channels};
  const void* ready = packed(filters, layout_of(Way::amx, plain), amx().packed_bytes(shape), [&](const void* from, void* to) {
    const auto* given = static_cast<const float*>(from);
    float* wide = stem ? wide_filters(plain) : nullptr;
    if (stem) widen_filters(plain, given, wide);
    amx().pack(shape, stem ? wide : given, false, to);
  });
  amx().run(shape, stem ? widened_map(plain, shape, x) : x.data, ready, finish, y.data);
  return true;
}

bool amx_backward_data(const Call& call, const Tensor& dy, const Tensor& filters, const Tensor& dx) {
  if (chosen_way() != Way::amx || !amx_serves_backward_data(call, dy, dx)) return false;
  const IndirectShape plain = backward_data_shape(call, dy, filters, dx);
  const AmxShape shape{plain, plain.channels};
  void* ready = scratch(amx().packed_bytes(shape));
  amx().pack(shape, filters.f32(), true, ready);
  amx().run(shape, dy.data, ready, {}, dx.data);
  return true;
}

bool amx_backward_weights(const Call& call, const Tensor& x, const Tensor& dy, const Tensor& dw) {
  if (chosen_way() != Way::amx || !amx_serves(call, x, dw, dy)) return false;
  const IndirectShape plain = forward_shape(call, x, dw, dy);
  if (!is_stem(call, x, dw)) {
    amx().backward_weights({plain, plain.channels}, x.data, dy.data, dw.f32_out());
    return true;
  }
  const AmxShape shape = stem_shape(plain);
  float* wide = wide_filters(plain);
  amx().backward_weights(shape, widened_map(plain, shape, x), dy.data, wide);
  narrow_filters(plain, wide, dw.f32_out());
  return true;
}
