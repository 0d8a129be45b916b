// Batch normalisation of x seen as [rows, C], with what a net does right after it: the residual sum, and ReLU or SiLU.
#include <cmath>
#include <limits>

#include "../finish.h"
#include "columns.h"
#include "vector_math.h"

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
  all_column_sums<2>(m.rows, m.columns, sums, [=](int64_t r, int64_t c, float* out) {
    const float d = x[r * m.columns + c] - shift[c];
    out[0] = d;
    out[1] = d * d;
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

template <After kAfter>
inline float activate(float x) {
  return kAfter == After::relu ? relu(x) : kAfter == After::silu ? silu(x) : x;
}

// y = (x - mean) * factor + offset
struct Line {
  const float *mean, *factor, *offset;
  float operator()(float x, int64_t c) const { return (x - mean[c]) * factor[c] + offset[c]; }
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

template <class T, bool kResidual, After kAfter>
void normalise_rows(const Call& call, Matrix m, Line normal) {
  const T *x = call[0].as<const T>(), *residual = call[5].as<const T>();
  T* y = call[6].as<T>();
  parallel(m.rows, grain_of(m.columns), [=](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const T *in = x + r * m.columns, *other = kResidual ? residual + r * m.columns : nullptr;
      T* out = y + r * m.columns;
      for (int64_t c = 0; c < m.columns; ++c) {
        float value = normal(in[c], c);
        if (kResidual) value += other[c];
        out[c] = activate<kAfter>(value);
      }
    }
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

template <class T>
void silu_gradients(const Call& call) {
  const Matrix m = matrix(call[1]);
  const Line normal = line(m.columns, call[2], call[3], call[4], call[5], call.number(0));
  const T *dy = call[0].as<const T>(), *x = call[1].as<const T>();
  T* dz = call[6].as<T>();
  parallel(m.rows, grain_of(3 * m.columns), [=](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r)
      for (int64_t c = 0; c < m.columns; ++c) {
        const int64_t at = r * m.columns + c;
        dz[at] = silu_grad(dy[at], normal(x[at], c));
      }
  });
}

// dy, then x, mean, variance, offset?, scale? of a normalisation; dz, the gradient of its output z where dy is that of silu(z).
// Number: epsilon.
void silu_gradient(const Call& call) {
  call[0].type == Type::bf16 ? silu_gradients<Bf16>(call) : silu_gradients<float>(call);
}

// With an activation, dy is the gradient of its output; y is that output, of a ReLU.
template <class T, After kAfter>
void gradients(const Call& call) {
  const Matrix m = matrix(call[0]);
  const T *x = call[0].as<const T>(), *dy = call[1].as<const T>(), *y = call[2].as<const T>();
  const float *gamma = call[3].f32(), *mean = call[5].f32(), *variance = call[6].f32();
  const Line normal = line(m.columns, call[5], call[6], call[4], call[3], call.number(0));
  T* dx = call[7].as<T>();
  float *dgamma = call[8].f32_out(), *dbeta = call[9].f32_out();
  const auto gradient_at = [=](int64_t at, int64_t c) -> float {
    if (kAfter == After::relu) return relu_grad(dy[at], y[at]);
    if (kAfter == After::silu) return silu_grad(dy[at], normal(x[at], c));
    return dy[at];
  };
  double* sums = doubles(2 * m.columns);
  all_column_sums<2>(m.rows, m.columns, sums, [=](int64_t r, int64_t c, float* out) {
    const int64_t at = r * m.columns + c;
    const float g = gradient_at(at, c);
    out[0] = g;
    out[1] = g * (x[at] - mean[c]);
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
    for (int64_t r = begin; r < end; ++r)
      for (int64_t c = 0; c < m.columns; ++c) {
        const int64_t at = r * m.columns + c;
        dx[at] = a[c] * gradient_at(at, c) + (b[c] * (x[at] - mean[c]) + d[c]);
      }
  });
}

// x, dy, y? (output of a ReLU), gamma, beta, mean, variance, dx, dgamma, dbeta; numbers: epsilon, activation
void grad(const Call& call) {
  for_activation(call.integer(1), [&](auto after) {
    call[0].type == Type::bf16 ? gradients<Bf16, after()>(call) : gradients<float, after()>(call);
  });
}

// The maps, and nothing else: statistics, gamma and their gradients are f32.
template <int... kMaps>
bool maps_are_bf16(const Call& call) {
  for (int i = 0; i < static_cast<int>(call.tensors.size()); ++i) {
    const bool is_map = ((i == kMaps) || ...);
    if (call[i].present() && (call[i].type == Type::bf16) != is_map) return false;
  }
  return true;
}

}  // namespace

void add_batchnorm() {
  add_ops({{"batch_norm_statistics", statistics, maps_are_bf16<0>},
           {"batch_norm", normalise, maps_are_bf16<0, 5, 6>},
           {"batch_norm_silu_grad", silu_gradient, maps_are_bf16<0, 1, 6>},
           {"batch_norm_grad", grad, maps_are_bf16<0, 1, 2, 7>}});
}

}  // namespace PROJ_ISA
