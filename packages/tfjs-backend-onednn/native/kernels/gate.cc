// Squeeze-and-excitation: maps [B, ..., C] whose channels a number for each picture scales.
#include "columns.h"

namespace PROJ_ISA {
namespace {

// x [B, ..., C], scale and shift [B, 1, 1, C], y = x * scale + shift
template <class T>
void scale_shift_of(const Call& call) {
  const Tensor& map = call[0];
  const int64_t width = map.dims[map.rank - 1], rows = width ? map.size() / width : 0;
  if (rows == 0) return;
  const T* x = map.as<const T>();
  const float *scale = widened(call[1]), *shift = widened(call[2]);
  T* y = call[3].as<T>();
  parallel(rows, grain_of(width), [=](int64_t begin, int64_t end) {
    for_pictures(begin, end, rows / map.dims[0], [=](int64_t picture, int64_t first, int64_t last) {
      const float *by = scale + picture * width, *plus = shift + picture * width;
      for (int64_t r = first; r < last; ++r)
        for_lanes(width, [=](int64_t c, auto lanes) {
          using V = decltype(lanes);
          store(y + r * width + c, load<V>(x + r * width + c) * load<V>(by + c) + load<V>(plus + c));
        });
    });
  });
}
void scale_shift(const Call& call) { call[0].type == Type::bf16 ? scale_shift_of<Bf16>(call) : scale_shift_of<float>(call); }

// a and b, seen as [outer, n, inner]; sums over n of their products. Numbers: outer, n, inner.
template <class T>
void sum_products_of(const Call& call) {
  const int64_t outer = call.integer(0), n = call.integer(1), inner = call.integer(2);
  const T *a = call[0].as<const T>(), *b = call[1].as<const T>();
  float* sums = call[2].f32_out();
  const int64_t threads = team_threads();
  double* totals = static_cast<double*>(scratch(static_cast<size_t>(threads * inner) * sizeof(double)));
  float* parts = static_cast<float*>(scratch(static_cast<size_t>(threads * inner) * sizeof(float)));
  parallel(outer, grain_of(n * inner), [=](int64_t begin, int64_t end) {
    double* total = totals + team_lane() * inner;
    float* part = parts + team_lane() * inner;
    for (int64_t o = begin; o < end; ++o) {
      std::fill(total, total + inner, 0.0);
      column_sums<1>(o * n, (o + 1) * n, inner, part, total, [=](int64_t r, int64_t c, auto* out) {
        using V = std::remove_reference_t<decltype(*out)>;
        out[0] = load_ahead<V>(a + r * inner + c) * load_ahead<V>(b + r * inner + c);
      });
      for (int64_t c = 0; c < inner; ++c) sums[o * inner + c] = static_cast<float>(total[c]);
    }
  });
}
void sum_products(const Call& call) { call[0].type == Type::bf16 ? sum_products_of<Bf16>(call) : sum_products_of<float>(call); }

bool is_bf16(const Tensor& t) { return t.type == Type::bf16; }

}  // namespace

void add_gate() {
  add_ops({{"scale_shift", scale_shift,
            [](const Call& call) { return is_bf16(call[0]) && is_bf16(call[3]); }},
           {"sum_products", sum_products, [](const Call& call) { return is_bf16(call[0]) && is_bf16(call[1]); }}});
}

}  // namespace PROJ_ISA
