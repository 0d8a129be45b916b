// Convolution with oneDNN: activations stay NHWC, weights come as HWIO in f32 and are reordered to what oneDNN prefers. The
// output says in which precision the product runs; that of the gradient of weights, which is f32, its inputs say.
// Depthwise weights [KH, KW, C, M] are a convolution in C groups, whose output channel c * M + m is tfjs's too.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "conv.h"
#include "kept.h"
#include "onednn.h"
#include "registry.h"
#include "team.h"

namespace {

using dnn::Desc;
using dnn::Dims;

// Of a convolution with an activation, after those of the geometry.
enum { kActivation = kDepthwise + 1, kAlpha };

struct Entry {
  dnnl::primitive primitive;
  Desc src, weights, bias, dst, scratch;
  dnn::Reorder reorder;             // of the weights, before or after
  dnn::Reorder to_src = {}, to_dst = {};  // of an activation that comes in another precision
  uint64_t layout = next_layout();           // names what the weights are reordered to
};

dnn::Cache<Entry>& cache() {
  static auto* instance = new dnn::Cache<Entry>;
  return *instance;
}

dnn::ConvShape shape_of(const Call& call, const Tensor& x, const Tensor& w, const Tensor& y, bool bias) {
  dnn::ConvShape c;
  c.src = {x.dims[0], x.dims[3], x.dims[1], x.dims[2]};
  c.dst = {y.dims[0], y.dims[3], y.dims[1], y.dims[2]};
  if (call.integer(kDepthwise)) c.weights = {w.dims[2], w.dims[3], 1, w.dims[0], w.dims[1]};
  else c.weights = {w.dims[3], w.dims[2], w.dims[0], w.dims[1]};
  c.strides = {call.integer(kStrideH), call.integer(kStrideW)};
  c.dilates = {call.integer(kDilationH) - 1, call.integer(kDilationW) - 1};
  c.pad_before = {call.integer(kTop), call.integer(kLeft)};
  c.pad_after = {call.integer(kBottom), call.integer(kRight)};
  c.bias = bias;
  return c;
}

Desc user_weights(const Call& call, const Tensor& w, const dnn::ConvShape& c) {
  const int64_t kw = w.dims[1], i = w.dims[2], o = w.dims[3];
  if (call.integer(kDepthwise)) return dnn::strided(c.weights, {o, 1, 1, kw * i * o, i * o});
  return dnn::strided(c.weights, {1, o, kw * i * o, i * o});
}

void add_scratch(std::unordered_map<int, dnnl::memory>& arguments, const Desc& desc) {
  if (const size_t bytes = desc.get_size())
    arguments.insert({DNNL_ARG_SCRATCHPAD, dnn::wrap(desc, scratch(bytes))});
}

}  // namespace

std::vector<int64_t> key_of(int kind, const Call& call) {
  std::vector<int64_t> key{kind};
  for (const Tensor& tensor : call.tensors) {
    key.push_back(tensor.rank);
    key.push_back(static_cast<int64_t>(tensor.type));
    key.insert(key.end(), tensor.dims, tensor.dims + std::max(0, tensor.rank));
  }
  for (const double number : call.numbers) {
    int64_t bits;
    memcpy(&bits, &number, sizeof bits);
    key.push_back(bits);
  }
  return key;
}

// x, filter, bias?, y
void conv2d(const Call& call) {
  const Tensor &x = call[0], &w = call[1], &b = call[2], &y = call[3];
  const auto activation = static_cast<Activation>(call.integer(kActivation));
  if (activation == Activation::linear || activation == Activation::relu) {
    Finish finish;
    if (b.present()) finish.shift = b.f32();
    if (activation == Activation::relu) finish.after = After::relu;
    if (own_forward(call, x, w, finish, y)) return;
  }
  Entry& e = cache().get(key_of(0, call), [&] {
    const dnn::ConvShape c = shape_of(call, x, w, y, b.present());
    const dnn::Precision p = dnn::precision(y);
    const auto pd = dnn::conv_forward(c, dnn::nhwc(c.src, p), dnn::any(c.weights, p), dnn::nhwc(c.dst, p),
                                      dnn::attributes(activation, static_cast<float>(call.number(kAlpha))));
    return Entry{dnnl::convolution_forward(pd), pd.src_desc(), pd.weights_desc(), dnn::vector(c.dst[1]), pd.dst_desc(),
                 pd.scratchpad_desc(), dnn::Reorder(user_weights(call, w, c), pd.weights_desc()),
                 dnn::Reorder(dnn::nhwc(c.src, dnn::precision(x)), pd.src_desc())};
  });
  std::unordered_map<int, dnnl::memory> arguments{
      {DNNL_ARG_SRC, dnn::wrap(e.src, e.to_src.apply(x.data))},
      {DNNL_ARG_WEIGHTS, dnn::wrap(e.weights, reordered(w, e.reorder, e.layout))},
      {DNNL_ARG_DST, dnn::wrap(e.dst, y.data)}};
  if (b.present()) arguments.insert({DNNL_ARG_BIAS, dnn::wrap(e.bias, b.data)});
  add_scratch(arguments, e.scratch);
  e.primitive.execute(onednn_stream(), arguments);
}

namespace {

// Of a convolution with batch normalisation, after those of the geometry.
enum { kEpsilon = kDepthwise + 1, kAfter };

float or_else(const Tensor& t, int64_t i, float otherwise) { return t.present() ? t.f32()[i] : otherwise; }

void silu_in_place(const Tensor& y) {
  static const Op silu = *std::find_if(registry().begin(), registry().end(), [](const Op& op) { return !strcmp(op.name, "silu"); });
  Call call;
  call.tensors = {y, y};
  silu.run(call);
}

}  // namespace

// y = activation((x * filter + bias - mean) / sqrt(variance + epsilon) * scale + offset + residual)
// x, filter, bias?, mean, variance, offset?, scale?, residual?, y
void conv2d_norm(const Call& call) {
  const Tensor &x = call[0], &w = call[1], &bias = call[2], &mean = call[3], &variance = call[4], &offset = call[5],
               &scale = call[6], &residual = call[7], &y = call[8];
  const int64_t channels = y.dims[3];
  float* factor = static_cast<float*>(scratch(static_cast<size_t>(channels) * sizeof(float)));
  float* shift = static_cast<float*>(scratch(static_cast<size_t>(channels) * sizeof(float)));
  for (int64_t i = 0; i < channels; ++i) {
    factor[i] = or_else(scale, i, 1.0f) / std::sqrt(variance.f32()[i] + static_cast<float>(call.number(kEpsilon)));
    shift[i] = or_else(offset, i, 0.0f) + (or_else(bias, i, 0.0f) - mean.f32()[i]) * factor[i];
  }
  const auto activation = static_cast<After>(call.integer(kAfter));
  if (!residual.present() || residual.type == y.type) {
    const Finish finish{factor, shift, residual.data, activation};
    if (own_forward(call, x, w, finish, y)) return;
  }
  const bool apart = residual.present() && residual.type == y.type && !adds_maps(call, x, w);
  const Desc per_channel = dnn::strided({1, channels, 1, 1}, {channels, 1, 1, 1});
  const Desc map = dnn::nhwc({y.dims[0], channels, y.dims[1], y.dims[2]}, dnn::precision(residual));
  Entry& e = cache().get(key_of(4, call), [&] {
    const dnn::ConvShape c = shape_of(call, x, w, y, false);
    const dnn::Precision p = dnn::precision(y);
    dnnl::post_ops after;
    after.append_binary(dnnl::algorithm::binary_mul, per_channel);
    after.append_binary(dnnl::algorithm::binary_add, per_channel);
    if (residual.present() && !apart) after.append_binary(dnnl::algorithm::binary_add, map);
    if (activation == After::relu && !apart) dnn::append_activation(after, Activation::relu, 0);
    if (activation == After::silu && !apart) dnn::append_eltwise(after, dnnl::algorithm::eltwise_swish, 1, 0);
    dnnl::primitive_attr attributes = dnn::attributes();
    attributes.set_post_ops(after);
    const auto pd = dnn::conv_forward(c, dnn::nhwc(c.src, p), dnn::any(c.weights, p), dnn::nhwc(c.dst, p), attributes);
    return Entry{dnnl::convolution_forward(pd), pd.src_desc(), pd.weights_desc(), Desc(), pd.dst_desc(),
                 pd.scratchpad_desc(), dnn::Reorder(user_weights(call, w, c), pd.weights_desc()),
                 dnn::Reorder(dnn::nhwc(c.src, dnn::precision(x)), pd.src_desc())};
  });
  const auto post_op = [](int i) { return DNNL_ARG_ATTR_MULTIPLE_POST_OP(i) | DNNL_ARG_SRC_1; };
  std::unordered_map<int, dnnl::memory> arguments{
      {DNNL_ARG_SRC, dnn::wrap(e.src, e.to_src.apply(x.data))},
      {DNNL_ARG_WEIGHTS, dnn::wrap(e.weights, reordered(w, e.reorder, e.layout))},
      {DNNL_ARG_DST, dnn::wrap(e.dst, y.data)},
      {post_op(0), dnn::wrap(per_channel, factor)},
      {post_op(1), dnn::wrap(per_channel, shift)}};
  if (residual.present() && !apart) arguments.insert({post_op(2), dnn::wrap(map, residual.data)});
  add_scratch(arguments, e.scratch);
  e.primitive.execute(onednn_stream(), arguments);
  if (apart) add_residual(residual, activation == After::relu, y);
  if (apart && activation == After::silu) silu_in_place(y);
}

namespace {

// [KH, KW, I, O] with both spatial axes reversed, as [KH, KW, O, I].
void flip(const float* w, int64_t taps, int64_t in, int64_t out, float* flipped) {
  constexpr int64_t kTile = 16;
  const int64_t strips = (in + kTile - 1) / kTile;
  parallel(taps * strips, std::max<int64_t>(1, 32768 / (kTile * out)), [=](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; ++item) {
      const int64_t tap = item / strips, i0 = item % strips * kTile;
      const float* from = w + tap * in * out;
      float* to = flipped + (taps - 1 - tap) * in * out;
      for (int64_t o0 = 0; o0 < out; o0 += kTile)
        for (int64_t i = i0; i < std::min(in, i0 + kTile); ++i)
          for (int64_t o = o0; o < std::min(out, o0 + kTile); ++o) to[o * in + i] = from[i * out + o];
    }
  });
}

// Without stride the gradient of the input is itself a convolution, of dy with the flipped filter; oneDNN's forward code suits
// NHWC better than its backward code.
bool is_forward(const dnn::ConvShape& c, bool depthwise) {
  if (depthwise || c.strides != Dims{1, 1}) return false;
  for (int i = 0; i < 2; ++i)
    if (std::max(c.pad_before[i], c.pad_after[i]) > (c.weights[2 + i] - 1) * (c.dilates[i] + 1)) return false;
  return true;
}

// dy, filter, dx
void backward_data_as_forward(const Call& call, const dnn::ConvShape& c) {
  const Tensor &dy = call[0], &w = call[1], &dx = call[2];
  Entry& e = cache().get(key_of(3, call), [&] {
    dnn::ConvShape f = c;
    std::swap(f.src, f.dst);
    std::swap(f.weights[0], f.weights[1]);
    for (int i = 0; i < 2; ++i) {
      const int64_t reach = (c.weights[2 + i] - 1) * (c.dilates[i] + 1);
      f.pad_before[i] = reach - c.pad_before[i];
      f.pad_after[i] = f.dst[2 + i] + reach - f.src[2 + i] - f.pad_before[i];
    }
    const int64_t in = f.weights[1], out = f.weights[0], kw = f.weights[3];
    const Desc flipped = dnn::strided(f.weights, {1, out, kw * in * out, in * out});
    const dnn::Precision p = dnn::precision(dx);
    const auto pd = dnn::conv_forward(f, dnn::nhwc(f.src, p), dnn::any(f.weights, p), dnn::nhwc(f.dst, p), dnn::attributes());
    return Entry{dnnl::convolution_forward(pd), pd.src_desc(), pd.weights_desc(), Desc(), pd.dst_desc(),
                 pd.scratchpad_desc(), dnn::Reorder(flipped, pd.weights_desc()),
                 dnn::Reorder(dnn::nhwc(f.src, dnn::precision(dy)), pd.src_desc())};
  });
  float* weights = static_cast<float*>(scratch(static_cast<size_t>(w.bytes())));
  flip(w.f32(), w.dims[0] * w.dims[1], w.dims[2], w.dims[3], weights);
  std::unordered_map<int, dnnl::memory> arguments{
      {DNNL_ARG_SRC, dnn::wrap(e.src, e.to_src.apply(dy.data))},
      {DNNL_ARG_WEIGHTS, dnn::wrap(e.weights, e.reorder.apply(weights))},
      {DNNL_ARG_DST, dnn::wrap(e.dst, dx.data)}};
  add_scratch(arguments, e.scratch);
  e.primitive.execute(onednn_stream(), arguments);
}

}  // namespace

// dy, filter, dx
void conv2d_backward_data(const Call& call) {
  const Tensor &dy = call[0], &w = call[1], &dx = call[2];
  if (own_backward_data(call, dy, w, dx)) return;
  const dnn::ConvShape c = shape_of(call, dx, w, dy, false);
  if (is_forward(c, call.integer(kDepthwise))) return backward_data_as_forward(call, c);
  Entry& e = cache().get(key_of(1, call), [&] {
    const dnn::Precision p = dnn::precision(dx);
    const Desc src = dnn::nhwc(c.src, p), dst = dnn::nhwc(c.dst, p), weights = dnn::any(c.weights, p);
    const auto hint = dnn::conv_forward(c, src, weights, dst, dnn::attributes());
    const auto pd = dnn::conv_backward_data(c, src, weights, dst, hint);
    return Entry{dnnl::convolution_backward_data(pd), pd.diff_src_desc(), pd.weights_desc(), Desc(), pd.diff_dst_desc(),
                 pd.scratchpad_desc(), dnn::Reorder(user_weights(call, w, c), pd.weights_desc()), {},
                 dnn::Reorder(dnn::nhwc(c.dst, dnn::precision(dy)), pd.diff_dst_desc())};
  });
  std::unordered_map<int, dnnl::memory> arguments{
      {DNNL_ARG_DIFF_DST, dnn::wrap(e.dst, e.to_dst.apply(dy.data))},
      {DNNL_ARG_WEIGHTS, dnn::wrap(e.weights, e.reorder.apply(w.data))},
      {DNNL_ARG_DIFF_SRC, dnn::wrap(e.src, dx.data)}};
  add_scratch(arguments, e.scratch);
  e.primitive.execute(onednn_stream(), arguments);
}

// x, dy, dfilter
void conv2d_backward_weights(const Call& call) {
  const Tensor &x = call[0], &dy = call[1], &dw = call[2];
  if (own_backward_weights(call, x, dy, dw)) return;
  Entry& e = cache().get(key_of(2, call), [&] {
    const dnn::ConvShape c = shape_of(call, x, dw, dy, false);
    const dnn::Precision px = dnn::precision(x), pdy = dnn::precision(dy), p = px == dnn::bf16 ? px : pdy;
    const Desc src = dnn::nhwc(c.src, p), dst = dnn::nhwc(c.dst, p);
    const auto hint = dnn::conv_forward(c, src, dnn::any(c.weights, p), dst, dnn::attributes());
    const auto pd = dnn::conv_backward_weights(c, src, dnn::any(c.weights), dst, hint);
    return Entry{dnnl::convolution_backward_weights(pd), pd.src_desc(), pd.diff_weights_desc(), Desc(),
                 pd.diff_dst_desc(), pd.scratchpad_desc(),
                 dnn::Reorder(pd.diff_weights_desc(), user_weights(call, dw, c)),
                 dnn::Reorder(dnn::nhwc(c.src, px), pd.src_desc()), dnn::Reorder(dnn::nhwc(c.dst, pdy), pd.diff_dst_desc())};
  });
  void* packed = e.reorder.needed ? scratch(e.weights.get_size()) : dw.data;
  std::unordered_map<int, dnnl::memory> arguments{
      {DNNL_ARG_SRC, dnn::wrap(e.src, e.to_src.apply(x.data))},
      {DNNL_ARG_DIFF_DST, dnn::wrap(e.dst, e.to_dst.apply(dy.data))},
      {DNNL_ARG_DIFF_WEIGHTS, dnn::wrap(e.weights, packed)}};
  add_scratch(arguments, e.scratch);
  e.primitive.execute(onednn_stream(), arguments);
  if (e.reorder.needed) e.reorder.run(packed, dw.data);
}
