// Batch normalisation of x seen as [rows, C], with what a net does right after it: the residual sum, and ReLU or SiLU.
#include <cmath>
#include <limits>

#include "../finish.h"
#include "activations.h"
#include "columns.h"

namespace PROJ_ISA {
namespace {

struct Matrix {
  int64_t rows, columns;
};
Matrix matrix(const Tensor& x) {
  const int64_t columns = x.dims[x.rank - 1];
  return {columns ? x.size() / columns : 0, columns};
}

float* floats(int64_t n) { return static_cast<float*>(scratch(static_cast<size_t>(n) * sizeof(float))); }
double* doubles(int64_t n) { return static_cast<double*>(scratch(static_cast<size_t>(n) * sizeof(double))); }

template <class T>
void statistics_of(const Call& call) {
  const Matrix m = matrix(call[0]);
  const T* x = call[0].as<const T>();
  float *mean = call[1].f32_out(), *variance = call[2].f32_out();
  if (m.rows == 0) {
    const float none = std::numeric_limits<float>::quiet_NaN();
    std::fill(mean, mean + m.columns, none);
    std::fill(variance, variance + m.columns, none);
    return;
  }
  // Sums of the distance to the first row: its mean and square are small numbers, so their difference loses nothing.
  float* shift = floats(m.columns);
  std::copy(x, x + m.columns, shift);
  double* sums = doubles(2 * m.columns);
  all_column_sums<2>(m.rows, m.columns, sums, [=](int64_t begin, int64_t end, float* part, double* total) {
    column_sums<2>(begin, end, m.columns, part, total, [=](int64_t r, int64_t c, auto* out) {
      using V = std::remove_reference_t<decltype(*out)>;
      const V d = load_ahead<V>(x + r * m.columns + c) - load<V>(shift + c);
      out[0] = d;
      out[1] = d * d;
    });
  });
  const double n = static_cast<double>(m.rows);
  for (int64_t c = 0; c < m.columns; ++c) {
    const double d = sums[c] / n, spread = sums[m.columns + c] / n - d * d;
    mean[c] = static_cast<float>(shift[c] + d);
    variance[c] = static_cast<float>(spread > 0 || spread != spread ? spread : 0.0);
  }
}

// x, mean, variance (of the batch, biased)
void statistics(const Call& call) {
  call[0].type == Type::bf16 ? statistics_of<Bf16>(call) : statistics_of<float>(call);
}

// f(constant After) for the one that a call's number names, so that each is compiled by itself.
template <class F>
void for_activation(int64_t number, F&& f) {
  switch (static_cast<After>(number)) {
    case After::nothing: return f(std::integral_constant<After, After::nothing>{});
    case After::relu: return f(std::integral_constant<After, After::relu>{});
    case After::silu: return f(std::integral_constant<After, After::silu>{});
  }
}

template <After kAfter, class V>
inline V activate(V x) {
  return kAfter == After::relu ? relu(x) : kAfter == After::silu ? silu(x) : x;
}

// y = (x - mean) * factor + offset
struct Line {
  const float *mean, *factor, *offset;

  template <class V>
  V operator()(V x, int64_t c) const {
    return (x - load<V>(mean + c)) * load<V>(factor + c) + load<V>(offset + c);
  }
};

Line line(int64_t columns, const Tensor& mean, const Tensor& variance, const Tensor& offset, const Tensor& scale,
          double epsilon) {
  float *factor = floats(columns), *shift = floats(columns);
  for (int64_t c = 0; c < columns; ++c) {
    const float by = scale.present() ? scale.f32()[c] : 1.0f;
    factor[c] = by / std::sqrt(variance.f32()[c] + static_cast<float>(epsilon));
    shift[c] = offset.present() ? offset.f32()[c] : 0.0f;
  }
  return {mean.f32(), factor, shift};
}

// As for_pictures, in stretches from the last to the first: what a pass over the rows has read last is in the cache still.
template <class F>
inline void backwards(int64_t begin, int64_t end, int64_t picture_rows, F&& f) {
  while (begin < end) {
    const int64_t picture = (end - 1) / picture_rows;
    const int64_t first = std::max({begin, end - kColumnStretch, picture * picture_rows});
    f(picture, first, end);
    end = first;
  }
}

template <class T, bool kResidual, After kAfter>
void normalise_rows(const Call& call, Matrix m, Line normal) {
  const T *x = call[0].as<const T>(), *residual = call[5].as<const T>();
  T* y = call[6].as<T>();
  parallel(m.rows, grain_of(m.columns), [=](int64_t begin, int64_t end) {
    backwards(begin, end, m.rows, [=](int64_t, int64_t first, int64_t last) {
      for (int64_t r = first; r < last; ++r)
        for_lanes(m.columns, [=](int64_t c, auto lanes) {
          using V = decltype(lanes);
          const int64_t at = r * m.columns + c;
          V value = normal(load<V>(x + at), c);
          if (kResidual) value += load<V>(residual + at);
          store(y + at, activate<kAfter>(value));
        });
    });
  });
}

// x, mean, variance, offset?, scale?, residual?, y = activation((x - mean) / sqrt(variance + epsilon) * scale + offset + residual)
// Numbers: epsilon, activation.
void normalise(const Call& call) {
  const Matrix m = matrix(call[0]);
  const Line normal = line(m.columns, call[1], call[2], call[3], call[4], call.number(0));
  for_activation(call.integer(1), [&](auto after) {
    if (call[0].type == Type::bf16)
      call[5].present() ? normalise_rows<Bf16, true, after()>(call, m, normal) : normalise_rows<Bf16, false, after()>(call, m, normal);
    else
      call[5].present() ? normalise_rows<float, true, after()>(call, m, normal) : normalise_rows<float, false, after()>(call, m, normal);
  });
}

// What a gate of squeeze-and-excitation makes of a gradient of [B, ..., C]: dy * scale + shift, each [B, 1, 1, C]; or dy.
template <class T, bool kGated>
struct Gated {
  const T* dy;
  const float *scale, *shift;
  int64_t columns;

  // Those of a picture.
  Gated of(int64_t picture) const { return kGated ? Gated{dy, scale + picture * columns, shift + picture * columns, columns} : *this; }

  template <class V>
  V at(int64_t i, int64_t c) const {
    const V d = load_ahead<V>(dy + i);
    if constexpr (kGated) return d * load<V>(scale + c) + load<V>(shift + c);
    else return d;
  }
};

// f(constant Gated) with dy and the gate that is the call's tensors from `gate` on, and how many rows a picture has.
template <class T, class F>
void for_gate(const Call& call, const Tensor& dy, size_t gate, F&& f) {
  const Matrix m = matrix(dy);
  const T* data = dy.as<const T>();
  if (!call[gate].present()) return f(Gated<T, false>{data, nullptr, nullptr, m.columns}, std::max<int64_t>(1, m.rows));
  f(Gated<T, true>{data, widened(call[gate]), widened(call[gate + 1]), m.columns}, m.rows ? m.rows / dy.dims[0] : 1);
}

template <class T>
void silu_gradients(const Call& call) {
  const Matrix m = matrix(call[1]);
  const Line normal = line(m.columns, call[2], call[3], call[4], call[5], call.number(0));
  const T* x = call[1].as<const T>();
  T* dz = call[8].as<T>();
  for_gate<T>(call, call[0], 6, [=](auto dy, int64_t picture_rows) {
    parallel(m.rows, grain_of(3 * m.columns), [=](int64_t begin, int64_t end) {
      for_pictures(begin, end, picture_rows, [=](int64_t picture, int64_t first, int64_t last) {
        const auto d = dy.of(picture);
        for (int64_t r = first; r < last; ++r)
          for_lanes(m.columns, [=](int64_t c, auto lanes) {
            using V = decltype(lanes);
            const int64_t at = r * m.columns + c;
            store(dz + at, silu_grad(d.template at<V>(at, c), normal(load<V>(x + at), c)));
          });
      });
    });
  });
}

// dy, then x, mean, variance, offset?, scale? of a normalisation, and a gate? of two; dz, the gradient of its output z where that
// of silu(z) is dy, or what the gate makes of it. Number: epsilon.
void silu_gradient(const Call& call) {
  call[0].type == Type::bf16 ? silu_gradients<Bf16>(call) : silu_gradients<float>(call);
}

// With an activation, dy is the gradient of its output; y is that output, of a ReLU.
template <class T, After kAfter, class Dy>
void gradients(const Call& call, Dy dy, int64_t picture_rows) {
  const Matrix m = matrix(call[0]);
  const T *x = call[0].as<const T>(), *y = call[2].as<const T>();
  const float *gamma = call[3].f32(), *mean = call[5].f32(), *variance = call[6].f32();
  const Line normal = line(m.columns, call[5], call[6], call[4], call[3], call.number(0));
  T* dx = call[9].as<T>();
  float *dgamma = call[10].f32_out(), *dbeta = call[11].f32_out();
  // Gradients of a SiLU stay in dx until the sums over them are known; where that would round them they are computed twice.
  constexpr bool kKeeps = kAfter == After::silu && std::is_same_v<T, float>;
  const auto gradient_at = [=](const Dy& gated, int64_t at, int64_t c, auto in) {
    const auto d = gated.template at<decltype(in)>(at, c);
    if constexpr (kAfter == After::relu) return relu_grad(d, load<decltype(in)>(y + at));
    else if constexpr (kAfter == After::silu) return silu_grad(d, normal(in, c));
    else return d;
  };
  double* sums = doubles(2 * m.columns);
  all_column_sums<2>(m.rows, m.columns, sums, [=](int64_t begin, int64_t end, float* part, double* total) {
    for_pictures(begin, end, picture_rows, [=](int64_t picture, int64_t first, int64_t last) {
      const Dy gated = dy.of(picture);
      column_sums<2>(first, last, m.columns, part, total, [=](int64_t r, int64_t c, auto* out) {
        using V = std::remove_reference_t<decltype(*out)>;
        const int64_t at = r * m.columns + c;
        const V in = load_ahead<V>(x + at), g = gradient_at(gated, at, c, in);
        if constexpr (kKeeps) store_ahead(dx + at, g);
        out[0] = g;
        out[1] = g * (in - load<V>(mean + c));
      });
    });
  });
  // dx = a * dy + b * (x - mean) + d
  float *a = floats(m.columns), *b = floats(m.columns), *d = floats(m.columns);
  const double n = static_cast<double>(std::max<int64_t>(1, m.rows));
  for (int64_t c = 0; c < m.columns; ++c) {
    const double rstd = 1.0 / std::sqrt(static_cast<double>(variance[c]) + call.number(0));
    dbeta[c] = static_cast<float>(sums[c]);
    dgamma[c] = static_cast<float>(sums[m.columns + c] * rstd);
    a[c] = static_cast<float>(gamma[c] * rstd);
    b[c] = static_cast<float>(-gamma[c] * rstd * rstd * rstd * sums[m.columns + c] / n);
    d[c] = static_cast<float>(-gamma[c] * rstd * sums[c] / n);
  }
  parallel(m.rows, grain_of(m.columns), [=](int64_t begin, int64_t end) {
    backwards(begin, end, picture_rows, [=](int64_t picture, int64_t first, int64_t last) {
      [[maybe_unused]] const Dy gated = dy.of(picture);
      for (int64_t r = first; r < last; ++r)
        for_lanes(m.columns, [=](int64_t c, auto lanes) {
          using V = decltype(lanes);
          const int64_t at = r * m.columns + c;
          const V in = load<V>(x + at), g = kKeeps ? load<V>(dx + at) : gradient_at(gated, at, c, in);
          store(dx + at, load<V>(a + c) * g + (load<V>(b + c) * (in - load<V>(mean + c)) + load<V>(d + c)));
        });
    });
  });
}

// x, dy, y? (output of a ReLU), gamma, beta, mean, variance, and after a SiLU a gate? of two; dx, dgamma, dbeta.
// Numbers: epsilon, activation.
template <class T>
void grad_of(const Call& call) {
  for_activation(call.integer(1), [&](auto after) {
    if constexpr (after() == After::silu)
      for_gate<T>(call, call[1], 7, [&](auto dy, int64_t picture_rows) { gradients<T, after()>(call, dy, picture_rows); });
    else
      gradients<T, after()>(call, Gated<T, false>{call[1].as<const T>(), nullptr, nullptr, 0}, std::max<int64_t>(1, matrix(call[0]).rows));
  });
}
void grad(const Call& call) { call[0].type == Type::bf16 ? grad_of<Bf16>(call) : grad_of<float>(call); }

// Two averages, then a value for each, and the two after these: average - (average - value) * share. Number: share.
void move_averages(const Call& call) {
  const float share = static_cast<float>(call.number(0));
  for (size_t i = 0; i < 2; ++i) {
    const float *average = call[i].f32(), *value = call[2 + i].f32();
    float* moved = call[4 + i].f32_out();
    for (int64_t c = 0; c < call[i].size(); ++c) moved[c] = average[c] - (average[c] - value[c]) * share;
  }
}

constexpr int kNoGate = -2;

// The maps, and nothing else: statistics, gamma and their gradients are f32. The two tensors of a gate may be either.
template <int kGate, int... kMaps>
bool maps_are_bf16(const Call& call) {
  for (int i = 0; i < static_cast<int>(call.tensors.size()); ++i) {
    const bool is_map = ((i == kMaps) || ...);
    if (i == kGate || i == kGate + 1) continue;
    if (call[i].present() && (call[i].type == Type::bf16) != is_map) return false;
  }
  return true;
}

}  // namespace

void add_batchnorm() {
  add_ops({{"batch_norm_statistics", statistics, maps_are_bf16<kNoGate, 0>},
           {"move_averages", move_averages},
           {"batch_norm", normalise, maps_are_bf16<kNoGate, 0, 5, 6>},
           {"batch_norm_silu_grad", silu_gradient, maps_are_bf16<6, 0, 1, 8>},
           {"batch_norm_grad", grad, maps_are_bf16<7, 0, 1, 2, 9>}});
}

}  // namespace PROJ_ISA
