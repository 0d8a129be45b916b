// The thin layer over oneDNN that hides what changed between versions 2 and 3: 3 has no operation descriptors, and post-ops
// lost their scale.
#pragma once

#include <dnnl.hpp>
#include <omp.h>

#include <cstdint>
#include <functional>
#include <list>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "queue.h"
#include "tensor.h"

// While it exists, this thread works alone, and oneDNN plans for that.
class OneThread {
 public:
  explicit OneThread(bool alone = true) {
    if (alone) omp_set_num_threads(1);
  }
  ~OneThread() { omp_set_num_threads(threads_); }
  OneThread(const OneThread&) = delete;

 private:
  const int threads_ = omp_get_max_threads();
};

std::string onednn_version();
// Creates the engine and runs a trivial primitive.
void onednn_warm_up();

// Whether products of bf16 have instructions of their own here. Where they have not, f32 is faster.
bool has_bf16_products();
// Whether these are of whole tiles (AMX).
bool has_amx_products();
// Whether oneDNN computes with registers of 512 bits.
bool has_avx512();

dnnl::engine& onednn_engine();
dnnl::stream& onednn_stream();

// Numbers that the JavaScript side uses for activations, see src/kernels/activation.ts.
enum class Activation : int { linear = 0, relu = 1, relu6 = 2, elu = 3, sigmoid = 4, leaky_relu = 5 };

namespace dnn {

using Dims = dnnl::memory::dims;
using Desc = dnnl::memory::desc;
using dnnl::memory;

constexpr auto f32 = memory::data_type::f32;
constexpr auto bf16 = memory::data_type::bf16;
using Precision = memory::data_type;

inline Precision precision(const Tensor& t) { return t.type == Type::bf16 ? bf16 : f32; }
inline Desc strided(const Dims& dims, const Dims& strides, Precision p = f32) { return Desc(dims, p, strides); }
inline Desc any(const Dims& dims, Precision p = f32) { return Desc(dims, p, memory::format_tag::any); }
inline Desc nhwc(const Dims& nchw, Precision p = f32) { return Desc(nchw, p, memory::format_tag::nhwc); }
inline Desc vector(int64_t n) { return Desc({n}, f32, memory::format_tag::a); }

inline void append_eltwise(dnnl::post_ops& ops, dnnl::algorithm algorithm, float alpha, float beta) {
#if DNNL_VERSION_MAJOR >= 3
  ops.append_eltwise(algorithm, alpha, beta);
#else
  ops.append_eltwise(1.0f, algorithm, alpha, beta);
#endif
}

inline void append_activation(dnnl::post_ops& ops, Activation activation, float alpha) {
  using A = dnnl::algorithm;
  switch (activation) {
    case Activation::linear: return;
    case Activation::relu: return append_eltwise(ops, A::eltwise_relu, 0, 0);
    case Activation::relu6: return append_eltwise(ops, A::eltwise_clip, 0, 6);
    case Activation::elu: return append_eltwise(ops, A::eltwise_elu, 1, 0);
    case Activation::sigmoid: return append_eltwise(ops, A::eltwise_logistic, 0, 0);
    case Activation::leaky_relu: return append_eltwise(ops, A::eltwise_relu, alpha, 0);
  }
}

// Scratch memory comes from the caller, so that primitives kept in the cache hold none.
inline dnnl::primitive_attr attributes(Activation activation = Activation::linear, float alpha = 0) {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  if (activation != Activation::linear) {
    dnnl::post_ops ops;
    append_activation(ops, activation, alpha);
    attr.set_post_ops(ops);
  }
  return attr;
}

struct ConvShape {
  Dims src, weights, dst;  // NCHW, (G)OIHW, NCHW
  Dims strides, dilates, pad_before, pad_after;
  bool bias;
};

inline dnnl::convolution_forward::primitive_desc conv_forward(const ConvShape& c, const Desc& src, const Desc& weights,
                                                              const Desc& dst, const dnnl::primitive_attr& attr) {
  using F = dnnl::convolution_forward;
  const auto kind = dnnl::prop_kind::forward_training;
  const auto direct = dnnl::algorithm::convolution_direct;
  const Desc bias = vector(c.dst[1]);
#if DNNL_VERSION_MAJOR >= 3
  if (c.bias)
    return F::primitive_desc(onednn_engine(), kind, direct, src, weights, bias, dst, c.strides, c.dilates, c.pad_before,
                             c.pad_after, attr);
  return F::primitive_desc(onednn_engine(), kind, direct, src, weights, dst, c.strides, c.dilates, c.pad_before,
                           c.pad_after, attr);
#else
  if (c.bias)
    return F::primitive_desc(
        F::desc(kind, direct, src, weights, bias, dst, c.strides, c.dilates, c.pad_before, c.pad_after), attr,
        onednn_engine());
  return F::primitive_desc(F::desc(kind, direct, src, weights, dst, c.strides, c.dilates, c.pad_before, c.pad_after),
                           attr, onednn_engine());
#endif
}

inline dnnl::convolution_backward_data::primitive_desc conv_backward_data(
    const ConvShape& c, const Desc& src, const Desc& weights, const Desc& dst,
    const dnnl::convolution_forward::primitive_desc& hint) {
  using B = dnnl::convolution_backward_data;
  const auto direct = dnnl::algorithm::convolution_direct;
#if DNNL_VERSION_MAJOR >= 3
  return B::primitive_desc(onednn_engine(), direct, src, weights, dst, c.strides, c.dilates, c.pad_before, c.pad_after,
                           hint, attributes());
#else
  return B::primitive_desc(B::desc(direct, src, weights, dst, c.strides, c.dilates, c.pad_before, c.pad_after),
                           attributes(), onednn_engine(), hint);
#endif
}

inline dnnl::convolution_backward_weights::primitive_desc conv_backward_weights(
    const ConvShape& c, const Desc& src, const Desc& weights, const Desc& dst,
    const dnnl::convolution_forward::primitive_desc& hint) {
  using B = dnnl::convolution_backward_weights;
  const auto direct = dnnl::algorithm::convolution_direct;
#if DNNL_VERSION_MAJOR >= 3
  return B::primitive_desc(onednn_engine(), direct, src, weights, dst, c.strides, c.dilates, c.pad_before, c.pad_after,
                           hint, attributes());
#else
  return B::primitive_desc(B::desc(direct, src, weights, dst, c.strides, c.dilates, c.pad_before, c.pad_after),
                           attributes(), onednn_engine(), hint);
#endif
}

// The sum of two maps.
inline dnnl::binary::primitive_desc sum(const Desc& a, const Desc& b, const Desc& c, const dnnl::primitive_attr& attr) {
  using B = dnnl::binary;
#if DNNL_VERSION_MAJOR >= 3
  return B::primitive_desc(onednn_engine(), dnnl::algorithm::binary_add, a, b, c, attr);
#else
  return B::primitive_desc(B::desc(dnnl::algorithm::binary_add, a, b, c), attr, onednn_engine());
#endif
}

inline dnnl::matmul::primitive_desc matmul(const Desc& a, const Desc& b, const Desc& c, const Desc* bias,
                                           const dnnl::primitive_attr& attr) {
  using M = dnnl::matmul;
#if DNNL_VERSION_MAJOR >= 3
  return bias ? M::primitive_desc(onednn_engine(), a, b, *bias, c, attr)
              : M::primitive_desc(onednn_engine(), a, b, c, attr);
#else
  return bias ? M::primitive_desc(M::desc(a, b, *bias, c), attr, onednn_engine())
              : M::primitive_desc(M::desc(a, b, c), attr, onednn_engine());
#endif
}

inline memory wrap(const Desc& desc, const void* data) {
  return memory(desc, onednn_engine(), const_cast<void*>(data));
}

// A reorder between two layouts of one tensor, or nothing where they are the same.
struct Reorder {
  Desc from, to;
  dnnl::reorder primitive;
  size_t scratch_bytes = 0;
  Desc scratch_desc;
  bool needed = false;

  Reorder() = default;
  Reorder(const Desc& source, const Desc& target) : from(source), to(target), needed(source != target) {
    if (!needed) return;
    dnnl::primitive_attr attr;
    attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    const dnnl::reorder::primitive_desc pd(onednn_engine(), from, onednn_engine(), to, attr);
    scratch_desc = pd.scratchpad_desc();
    scratch_bytes = scratch_desc.get_size();
    primitive = dnnl::reorder(pd);
  }

  void run(const void* source, void* target) const {
    memory a = wrap(from, source), b = wrap(to, target);
    std::unordered_map<int, memory> arguments{{DNNL_ARG_FROM, a}, {DNNL_ARG_TO, b}};
    if (scratch_bytes) arguments.insert({DNNL_ARG_SCRATCHPAD, wrap(scratch_desc, scratch(scratch_bytes))});
    primitive.execute(onednn_stream(), arguments);
  }

  // `source` in the other layout, for this call, or as it is where nothing is needed.
  const void* apply(const void* source) const {
    if (!needed) return source;
    void* target = scratch(to.get_size());
    run(source, target);
    return target;
  }
};

// Primitives by shape and attributes, the least recently used dropped beyond `kCapacity`. Making one costs up to
// milliseconds of code generation. Only on the thread that runs the call.
template <class Entry>
class Cache {
 public:
  using Key = std::vector<int64_t>;

  template <class Make>
  Entry& get(const Key& key, Make&& make) {
    const auto found = index_.find(key);
    if (found != index_.end()) {
      order_.splice(order_.begin(), order_, found->second);
      return order_.front().second;
    }
    order_.emplace_front(key, make());
    index_[key] = order_.begin();
    if (order_.size() > kCapacity) {
      index_.erase(order_.back().first);
      order_.pop_back();
    }
    return order_.front().second;
  }

 private:
  static constexpr size_t kCapacity = 1024;
  struct Hash {
    size_t operator()(const Key& key) const {
      size_t h = key.size();
      for (const int64_t value : key) h = (h ^ static_cast<size_t>(value)) * 0x9E3779B97F4A7C15ull;
      return h ^ (h >> 32);
    }
  };
  std::list<std::pair<Key, Entry>> order_;
  std::unordered_map<Key, typename std::list<std::pair<Key, Entry>>::iterator, Hash> index_;
};

}  // namespace dnn
