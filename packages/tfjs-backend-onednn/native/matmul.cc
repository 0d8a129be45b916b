// Products of matrices, with batches, transposes, bias and activation. One bf16 tensor makes it a product of bf16.
#include <cstring>

#include "conv.h"
#include "direct.h"
#include "onednn.h"
#include "registry.h"

namespace {

using dnn::Desc;
using dnn::Dims;

// Numbers of a call, see src/kernels/matmul.ts.
enum { kTransposeA, kTransposeB, kActivation, kAlpha };

struct Entry {
  dnnl::matmul primitive;
  Desc a, b, c, bias, scratch;
  dnn::Reorder to_a, to_b;  // of an input that comes in another precision
};

dnn::Cache<Entry>& cache() {
  static auto* instance = new dnn::Cache<Entry>;
  return *instance;
}

Desc matrices(const Tensor& t, bool transposed, dnn::Precision p) {
  const int64_t batch = t.dims[0], rows = t.dims[1], columns = t.dims[2];
  if (transposed) return dnn::strided({batch, columns, rows}, {rows * columns, 1, columns}, p);
  return dnn::strided({batch, rows, columns}, {rows * columns, columns, 1}, p);
}

// To pack the right matrix for fewer rows would take longer than to multiply, and of fewer columns it would become several times as
// large; one sum over more numbers would round too much.
constexpr int64_t kFewestRows = 16, kFewestColumns = 16, kMostDepth = 2048;
// oneDNN shares larger ones among threads, which it wakes too late for those of up to so many operations.
constexpr double kMostFlops = 2e8;

double flops(const Call& call) {
  const int64_t inner = call[0].dims[call.integer(kTransposeA) ? 1 : 2];
  return 2.0 * static_cast<double>(call[3].size() * inner);
}

// One of up to kMostFlops, or with AVX-512 a small one, is a convolution of one pixel.
bool direct_matmul(const Call& call) {
  const Tensor &a = call[0], &b = call[1], &bias = call[2], &c = call[3];
  const auto activation = static_cast<Activation>(call.integer(kActivation));
  const int64_t rows = c.dims[0] * c.dims[1], columns = c.dims[2], depth = a.dims[2];
  if (!is_small(call) && (has_avx512() || flops(call) > kMostFlops)) return false;
  if (chosen_way() != Way::fastest && chosen_way() != Way::direct) return false;
  if (rows < kFewestRows || columns < kFewestColumns || depth > kMostDepth) return false;
  if (call.integer(kTransposeA) || call.integer(kTransposeB) || b.dims[0] != 1) return false;
  if (a.type != Type::f32 || b.type != Type::f32 || c.type != Type::f32) return false;
  if (activation != Activation::linear && activation != Activation::relu) return false;
  const IndirectShape shape{1, depth, columns, {rows, rows, 1, 1, 0, 1, 1}, {1, 1, 1, 1, 0, 1, 1}};
  Finish finish;
  if (bias.present()) finish.shift = bias.f32();
  if (activation == Activation::relu) finish.after = After::relu;
  direct().run(shape, a.f32(), indirect_filters(b, shape), finish, c.f32_out());
  return true;
}

// a [Ba, M, K], b [Bb, K, N] (before transposing), bias? [N], c [B, M, N]; Ba and Bb are B or 1
void matmul(const Call& call) {
  if (direct_matmul(call)) return;
  const Tensor &a = call[0], &b = call[1], &bias = call[2], &c = call[3];
  dnn::Cache<Entry>::Key key;
  for (const Tensor* t : {&a, &b, &c}) {
    key.insert(key.end(), t->dims, t->dims + 3);
    key.push_back(static_cast<int64_t>(t->type));
  }
  key.push_back(bias.present());
  for (const double number : call.numbers) {
    int64_t bits;
    memcpy(&bits, &number, sizeof bits);
    key.push_back(bits);
  }
  Entry& e = cache().get(key, [&] {
    const bool ta = call.integer(kTransposeA), tb = call.integer(kTransposeB);
    const auto own = [](const Tensor& t) { return dnn::precision(t); };
    const bool low = own(a) == dnn::bf16 || own(b) == dnn::bf16 || own(c) == dnn::bf16;
    const dnn::Precision p = low ? dnn::bf16 : dnn::f32;
    const Desc da = matrices(a, ta, p), db = matrices(b, tb, p), dc = matrices(c, false, own(c));
    const Desc dbias = dnn::strided({1, 1, c.dims[2]}, {c.dims[2], c.dims[2], 1});
    const auto activation = static_cast<Activation>(call.integer(kActivation));
    const auto pd = dnn::matmul(da, db, dc, bias.present() ? &dbias : nullptr,
                                dnn::attributes(activation, static_cast<float>(call.number(kAlpha))));
    return Entry{dnnl::matmul(pd), da, db, dc, dbias, pd.scratchpad_desc(),
                 dnn::Reorder(matrices(a, ta, own(a)), da), dnn::Reorder(matrices(b, tb, own(b)), db)};
  });
  std::unordered_map<int, dnnl::memory> arguments{{DNNL_ARG_SRC, dnn::wrap(e.a, e.to_a.apply(a.data))},
                                                  {DNNL_ARG_WEIGHTS, dnn::wrap(e.b, e.to_b.apply(b.data))},
                                                  {DNNL_ARG_DST, dnn::wrap(e.c, c.data)}};
  if (bias.present()) arguments.insert({DNNL_ARG_BIAS, dnn::wrap(e.bias, bias.data)});
  if (const size_t bytes = e.scratch.get_size())
    arguments.insert({DNNL_ARG_SCRATCHPAD, dnn::wrap(e.scratch, scratch(bytes))});
  e.primitive.execute(onednn_stream(), arguments);
}

}  // namespace

void add_matmul() {
  add_ops({{"matmul", matmul, [](const Call&) { return has_bf16_products(); }, true, flops}});
}
