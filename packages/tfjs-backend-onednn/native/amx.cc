#include "amx.h"

#include "conv.h"
#include "kept.h"
#include "queue.h"

Amx& amx() {
  static Amx kernels{};
  return kernels;
}

bool amx_serves(const Call& call, const Tensor& in, const Tensor&, const Tensor& out) {
  return in.type == Type::bf16 && out.type == Type::bf16 && !call.integer(kDepthwise) && amx_depth(in.dims[3]) > 0 &&
         tiles_granted();
}

bool amx_forward(const Call& call, const Tensor& x, const Tensor& filters, const Finish& finish, const Tensor& y) {
  if (chosen_way() != Way::amx || !amx_serves(call, x, filters, y)) return false;
  const IndirectShape shape = forward_shape(call, x, filters, y);
  const uint64_t layout = layout_of(Way::amx, shape);
  const void* ready = packed(filters, layout, amx().packed_bytes(shape), [&](const void* from, void* to) {
    amx().pack(shape, static_cast<const float*>(from), false, to);
  });
  amx().run(shape, x, ready, finish, y);
  return true;
}

bool amx_backward_data(const Call& call, const Tensor& dy, const Tensor& filters, const Tensor& dx) {
  if (chosen_way() != Way::amx || !amx_serves(call, dy, filters, dx)) return false;
  const IndirectShape shape = backward_data_shape(call, dy, filters, dx);
  void* ready = scratch(amx().packed_bytes(shape));
  amx().pack(shape, filters.f32(), true, ready);
  amx().run(shape, dy, ready, {}, dx);
  return true;
}

bool amx_backward_weights(const Call& call, const Tensor& x, const Tensor& dy, const Tensor& dw) {
  if (chosen_way() != Way::amx || !amx_serves(call, x, dw, dy)) return false;
  amx().backward_weights(forward_shape(call, x, dw, dy), x, dy, dw.f32_out());
  return true;
}
