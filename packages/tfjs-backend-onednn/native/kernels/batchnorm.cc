// Batch normalisation of x seen as [rows, C], with what a net does right after it: the residual sum and the ReLU.
#include <cmath>
#include <limits>

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

template <class T, bool kResidual, bool kRelu>
void normalise_rows(const Call& call, Matrix m, const float* factor, const float* offset) {
  const T *x = call[0].as<const T>(), *residual = call[5].as<const T>();
  const float* mean = call[1].f32();
  T* y = call[6].as<T>();
  parallel(m.rows, grain_of(m.columns), [=](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const T *in = x + r * m.columns, *other = kResidual ? residual + r * m.columns : nullptr;
      T* out = y + r * m.columns;
      for (int64_t c = 0; c < m.columns; ++c) {
        float value = (in[c] - mean[c]) * factor[c] + offset[c];
        if (kResidual) value += other[c];
        out[c] = kRelu ? relu(value) : value;
      }
    }
  });
}

template <class T>
void normalise_all(const Call& call, Matrix m, const float* factor, const float* offset) {
  const bool residual = call[5].present(), relu = call.integer(1);
  if (residual && relu) normalise_rows<T, true, true>(call, m, factor, offset);
  else if (residual) normalise_rows<T, true, false>(call, m, factor, offset);
  else if (relu) normalise_rows<T, false, true>(call, m, factor, offset);
  else normalise_rows<T, false, false>(call, m, factor, offset);
}

// x, mean, variance, offset?, scale?, residual?, y = relu?((x - mean) / sqrt(variance + epsilon) * scale + offset + residual)
// Numbers: epsilon, relu.
void normalise(const Call& call) {
  const Matrix m = matrix(call[0]);
  float *factor = floats(m.columns), *offset = floats(m.columns);
  for (int64_t c = 0; c < m.columns; ++c) {
    const float scale = call[4].present() ? call[4].f32()[c] : 1.0f;
    factor[c] = scale / std::sqrt(call[2].f32()[c] + static_cast<float>(call.number(0)));
    offset[c] = call[3].present() ? call[3].f32()[c] : 0.0f;
  }
  if (call[0].type == Type::bf16) normalise_all<Bf16>(call, m, factor, offset);
  else normalise_all<float>(call, m, factor, offset);
}

// With the output of a ReLU, dy is the gradient of that output.
template <class T, bool kRelu>
void gradients(const Call& call) {
  const Matrix m = matrix(call[0]);
  const T *x = call[0].as<const T>(), *dy = call[1].as<const T>(), *y = call[2].as<const T>();
  const float *gamma = call[3].f32(), *mean = call[4].f32(), *variance = call[5].f32();
  T* dx = call[6].as<T>();
  float *dgamma = call[7].f32_out(), *dbeta = call[8].f32_out();
  double* sums = doubles(2 * m.columns);
  all_column_sums<2>(m.rows, m.columns, sums, [=](int64_t r, int64_t c, float* out) {
    const int64_t at = r * m.columns + c;
    const float g = kRelu ? relu_grad(dy[at], y[at]) : static_cast<float>(dy[at]);
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
    for (int64_t r = begin; r < end; ++r) {
      const int64_t row = r * m.columns;
      const T *in = x + row, *gradient = dy + row, *positive = kRelu ? y + row : nullptr;
      T* out = dx + row;
      for (int64_t c = 0; c < m.columns; ++c) {
        const float g = kRelu ? relu_grad(gradient[c], positive[c]) : static_cast<float>(gradient[c]);
        out[c] = a[c] * g + (b[c] * (in[c] - mean[c]) + d[c]);
      }
    }
  });
}

// x, dy, y? (output of a ReLU), gamma, mean, variance, dx, dgamma, dbeta; number: epsilon
void grad(const Call& call) {
  const bool bf16 = call[0].type == Type::bf16;
  if (call[2].present()) bf16 ? gradients<Bf16, true>(call) : gradients<float, true>(call);
  else bf16 ? gradients<Bf16, false>(call) : gradients<float, false>(call);
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
           {"batch_norm_grad", grad, maps_are_bf16<0, 1, 2, 6>}});
}

}  // namespace PROJ_ISA
