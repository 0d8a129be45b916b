// Maps [B, ..., C] whose channels are scaled: by a number for each picture (squeeze-and-excitation) or for all (rescaling).
#include "columns.h"

namespace PROJ_ISA {
namespace {

// One number or one for each of `width` channels, for as many as `length` numbers of a map.
const float* repeated(const Tensor& t, int64_t width, int64_t length) {
  const float* numbers = widened(t);
  auto* all = static_cast<float*>(scratch(static_cast<size_t>(length) * sizeof(float)));
  for (int64_t i = 0; i < length; ++i) all[i] = numbers[t.size() == 1 ? 0 : i % width];
  return all;
}

// Scale and shift the same for all pictures.
template <class T>
void rescale(const Tensor& map, const Tensor& scale, const Tensor& shift, T* y) {
  constexpr int64_t kLongEnough = 256;
  const int64_t width = map.dims[map.rank - 1], length = (kLongEnough + width - 1) / width * width, size = map.size();
  const float *by = repeated(scale, width, length), *plus = repeated(shift, width, length);
  const T* x = map.as<const T>();
  parallel((size + length - 1) / length, grain_of(length), [=](int64_t begin, int64_t end) {
    for (int64_t at = begin * length; at < std::min(size, end * length); at += length)
      for_lanes(std::min(length, size - at), [=](int64_t i, auto lanes) {
        using V = decltype(lanes);
        store(y + at + i, load<V>(x + at + i) * load<V>(by + i) + load<V>(plus + i));
      });
  });
}

// x [B, ..., C], scale and shift [B, 1, 1, C], or one number or [C] each, y = x * scale + shift
template <class T>
void scale_shift_of(const Call& call) {
  const Tensor& map = call[0];
  const int64_t width = map.dims[map.rank - 1], rows = width ? map.size() / width : 0;
  if (rows == 0) return;
  const auto is_same = [=](const Tensor& t) { return t.size() == 1 || t.size() == width; };
  if (is_same(call[1]) && is_same(call[2])) return rescale(map, call[1], call[2], call[3].as<T>());
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
