// Reductions. The tensor is seen as [outer, n, inner] and reduced over n; JavaScript transposes what does not fit.
// Sums run in f32 over short stretches and in f64 between them, so that a sum over millions keeps f32's precision.
#include <cmath>
#include <limits>
#include <vector>

#include "kernels.h"

namespace PROJ_ISA {
namespace {

constexpr int64_t kStretch = 512;

struct View {
  int64_t outer, n, inner;
};
View view(const Call& call) { return {call.integer(0), call.integer(1), call.integer(2)}; }

double sum_run(const float* x, int64_t n) {
  double total = 0;
  for (int64_t i = 0; i < n; i += kStretch) {
    const int64_t end = std::min(n, i + kStretch);
    float part = 0;
#pragma omp simd reduction(+ : part)
    for (int64_t j = i; j < end; ++j) part += x[j];
    total += part;
  }
  return total;
}

// Adds rows [begin, end) of a matrix with `inner` columns to `total`.
void sum_columns(const float* x, int64_t begin, int64_t end, int64_t inner, double* total) {
  constexpr int64_t kColumns = 256;
  for (int64_t c = 0; c < inner; c += kColumns) {
    const int64_t width = std::min(kColumns, inner - c);
    for (int64_t i = begin; i < end; i += kStretch) {
      const int64_t stop = std::min(end, i + kStretch);
      float part[kColumns] = {};
      for (int64_t r = i; r < stop; ++r) {
        const float* row = x + r * inner + c;
        for (int64_t j = 0; j < width; ++j) part[j] += row[j];
      }
      for (int64_t j = 0; j < width; ++j) total[c + j] += part[j];
    }
  }
}

void sum_f32(const Tensor& in, const Tensor& out, View v, double scale) {
  const float* x = in.f32();
  float* y = out.f32_out();
  const int threads = team_threads();
  const int64_t total = v.outer * v.n * v.inner;
  if (v.inner == 1 && v.outer < threads && total > kGrain) {
    // One sum a part, added in the order of parts.
    double* parts = static_cast<double*>(scratch(static_cast<size_t>(threads) * sizeof(double)));
    for (int64_t o = 0; o < v.outer; ++o) {
      std::fill(parts, parts + threads, 0.0);
      const float* base = x + o * v.n;
      parallel(v.n, kGrain, [&](int64_t begin, int64_t end, int64_t part) {
        parts[part] = sum_run(base + begin, end - begin);
      });
      double sum = 0;
      for (int t = 0; t < threads; ++t) sum += parts[t];
      y[o] = static_cast<float>(sum * scale);
    }
  } else if (v.inner == 1) {
    parallel(v.outer, grain_of(v.n), [&](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; ++o) y[o] = static_cast<float>(sum_run(x + o * v.n, v.n) * scale);
    });
  } else if (v.outer < threads && total > kGrain) {
    double* parts = static_cast<double*>(scratch(static_cast<size_t>(threads * v.inner) * sizeof(double)));
    for (int64_t o = 0; o < v.outer; ++o) {
      std::fill(parts, parts + threads * v.inner, 0.0);
      const float* base = x + o * v.n * v.inner;
      parallel(v.n, grain_of(v.inner), [&](int64_t begin, int64_t end, int64_t part) {
        sum_columns(base, begin, end, v.inner, parts + part * v.inner);
      });
      for (int64_t j = 0; j < v.inner; ++j) {
        double sum = 0;
        for (int t = 0; t < threads; ++t) sum += parts[t * v.inner + j];
        y[o * v.inner + j] = static_cast<float>(sum * scale);
      }
    }
  } else {
    double* parts = static_cast<double*>(scratch(static_cast<size_t>(threads * v.inner) * sizeof(double)));
    parallel(v.outer, grain_of(v.n * v.inner), [&](int64_t begin, int64_t end) {
      double* part = parts + team_lane() * v.inner;
      for (int64_t o = begin; o < end; ++o) {
        std::fill(part, part + v.inner, 0.0);
        sum_columns(x + o * v.n * v.inner, 0, v.n, v.inner, part);
        for (int64_t j = 0; j < v.inner; ++j) y[o * v.inner + j] = static_cast<float>(part[j] * scale);
      }
    });
  }
}

// Any associative reduction; `first` starts it, `f` joins.
template <class In, class Out, class F>
void fold(const Tensor& in, const Tensor& out, View v, Out first, F&& f) {
  const In* x = in.as<const In>();
  Out* y = out.as<Out>();
  parallel(v.outer, grain_of(v.n * v.inner), [&](int64_t begin, int64_t end) {
    for (int64_t o = begin; o < end; ++o) {
      const In* base = x + o * v.n * v.inner;
      Out* target = y + o * v.inner;
      if (v.inner == 1) {
        Out value = first;
        for (int64_t i = 0; i < v.n; ++i) value = f(value, base[i]);
        *target = value;
        continue;
      }
      for (int64_t j = 0; j < v.inner; ++j) target[j] = first;
      for (int64_t i = 0; i < v.n; ++i)
        for (int64_t j = 0; j < v.inner; ++j) target[j] = f(target[j], base[i * v.inner + j]);
    }
  });
}

inline int32_t wrap(int64_t x) { return static_cast<int32_t>(static_cast<uint32_t>(x)); }

void sum(const Call& call) {
  const View v = view(call);
  if (call[0].type == Type::f32) return sum_f32(call[0], call[1], v, 1.0);
  const auto add = [](int32_t a, auto b) { return wrap(int64_t{a} + b); };
  if (call[0].type == Type::i32) fold<int32_t, int32_t>(call[0], call[1], v, 0, add);
  else fold<uint8_t, int32_t>(call[0], call[1], v, 0, add);
}

void mean(const Call& call) {
  const View v = view(call);
  sum_f32(call[0], call[1], v, 1.0 / static_cast<double>(v.n));
}

void max(const Call& call) {
  const View v = view(call);
  if (call[0].type == Type::f32)
    fold<float, float>(call[0], call[1], v, -std::numeric_limits<float>::infinity(),
                       [](float a, float b) { return a != a ? a : (b > a || b != b ? b : a); });
  else
    fold<int32_t, int32_t>(call[0], call[1], v, std::numeric_limits<int32_t>::min(),
                           [](int32_t a, int32_t b) { return b > a ? b : a; });
}

void min(const Call& call) {
  const View v = view(call);
  if (call[0].type == Type::f32)
    fold<float, float>(call[0], call[1], v, std::numeric_limits<float>::infinity(),
                       [](float a, float b) { return a != a ? a : (b < a || b != b ? b : a); });
  else
    fold<int32_t, int32_t>(call[0], call[1], v, std::numeric_limits<int32_t>::max(),
                           [](int32_t a, int32_t b) { return b < a ? b : a; });
}

void prod(const Call& call) {
  const View v = view(call);
  if (call[0].type == Type::f32) {
    fold<float, float>(call[0], call[1], v, 1.0f, [](float a, float b) { return a * b; });
  } else {
    fold<int32_t, int32_t>(call[0], call[1], v, 1, [](int32_t a, int32_t b) { return wrap(int64_t{a} * b); });
  }
}

void all(const Call& call) {
  fold<uint8_t, uint8_t>(call[0], call[1], view(call), 1, [](uint8_t a, uint8_t b) -> uint8_t { return a && b; });
}

void any(const Call& call) {
  fold<uint8_t, uint8_t>(call[0], call[1], view(call), 0, [](uint8_t a, uint8_t b) -> uint8_t { return a || b; });
}

// The first position of the extreme; comparisons with not-a-number are false, as in JavaScript.
template <class T, class Better>
void arg_extreme(const Call& call, Better&& better) {
  const View v = view(call);
  const T* x = call[0].as<const T>();
  int32_t* y = call[1].as<int32_t>();
  parallel(v.outer, grain_of(v.n * v.inner), [&](int64_t begin, int64_t end) {
    for (int64_t o = begin; o < end; ++o)
      for (int64_t j = 0; j < v.inner; ++j) {
        const T* base = x + o * v.n * v.inner + j;
        T best = base[0];
        int32_t at = 0;
        for (int64_t i = 1; i < v.n; ++i) {
          const T value = base[i * v.inner];
          if (!better(value, best)) continue;
          best = value;
          at = static_cast<int32_t>(i);
        }
        y[o * v.inner + j] = at;
      }
  });
}

template <class Better>
void arg_extreme_any(const Call& call, Better&& better) {
  if (call[0].type == Type::f32) arg_extreme<float>(call, better);
  else if (call[0].type == Type::i32) arg_extreme<int32_t>(call, better);
  else arg_extreme<uint8_t>(call, better);
}

void arg_max(const Call& call) {
  arg_extreme_any(call, [](auto a, auto b) { return a > b; });
}
void arg_min(const Call& call) {
  arg_extreme_any(call, [](auto a, auto b) { return a < b; });
}

// Running sums or products along n. Numbers: view, exclusive, reverse.
template <class T, class F>
void cumulate(const Call& call, T first, F&& f) {
  const View v = view(call);
  const bool exclusive = call.integer(3), reverse = call.integer(4);
  const T* x = call[0].as<const T>();
  T* y = call[1].as<T>();
  parallel(v.outer * v.inner, grain_of(v.n), [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) {
      const int64_t base = k / v.inner * v.n * v.inner + k % v.inner;
      T value = first;
      for (int64_t i = 0; i < v.n; ++i) {
        const int64_t at = base + (reverse ? v.n - 1 - i : i) * v.inner;
        const T next = f(value, x[at]);
        y[at] = exclusive ? value : next;
        value = next;
      }
    }
  });
}

void cumsum(const Call& call) {
  if (call[0].type == Type::f32) cumulate<float>(call, 0.0f, [](float a, float b) { return a + b; });
  else cumulate<int32_t>(call, 0, [](int32_t a, int32_t b) { return wrap(int64_t{a} + b); });
}

void cumprod(const Call& call) {
  if (call[0].type == Type::f32) cumulate<float>(call, 1.0f, [](float a, float b) { return a * b; });
  else cumulate<int32_t>(call, 1, [](int32_t a, int32_t b) { return wrap(int64_t{a} * b); });
}

}  // namespace

void add_reduce() {
  add_ops({{"sum", sum}, {"mean", mean}, {"max", max}, {"min", min}, {"prod", prod}, {"all", all}, {"any", any},
           {"arg_max", arg_max}, {"arg_min", arg_min}, {"cumsum", cumsum}, {"cumprod", cumprod}});
}

}  // namespace PROJ_ISA
