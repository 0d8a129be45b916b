// Batch normalisation of x seen as [rows, C].
#include <cmath>
#include <limits>

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

// y = (x - mean) * factor + offset
void normalise(const float* x, float* y, Matrix m, const float* mean, const float* factor, const float* offset) {
  parallel(m.rows, grain_of(m.columns), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const float* in = x + r * m.columns;
      float* out = y + r * m.columns;
      for (int64_t c = 0; c < m.columns; ++c) out[c] = (in[c] - mean[c]) * factor[c] + offset[c];
    }
  });
}

// x, mean, variance, offset?, scale?, y; number: epsilon
void batch_norm(const Call& call) {
  const Matrix m = matrix(call[0]);
  float *factor = floats(m.columns), *offset = floats(m.columns);
  for (int64_t c = 0; c < m.columns; ++c) {
    const float scale = call[4].present() ? call[4].f32()[c] : 1.0f;
    factor[c] = scale / std::sqrt(call[2].f32()[c] + static_cast<float>(call.number(0)));
    offset[c] = call[3].present() ? call[3].f32()[c] : 0.0f;
  }
  normalise(call[0].f32(), call[5].f32_out(), m, call[1].f32(), factor, offset);
}

// x, gamma, beta, y, mean, variance (of the batch, biased); number: epsilon
void batch_norm_train(const Call& call) {
  const Matrix m = matrix(call[0]);
  const float* x = call[0].f32();
  float *mean = call[4].f32_out(), *variance = call[5].f32_out();
  if (m.rows == 0) {
    const float none = std::numeric_limits<float>::quiet_NaN();
    std::fill(mean, mean + m.columns, none);
    std::fill(variance, variance + m.columns, none);
    return;
  }
  // Sums of the distance to the first row: its mean and square are small numbers, so their difference loses nothing.
  const float* shift = x;
  double* sums = doubles(2 * m.columns);
  all_column_sums<2>(m.rows, m.columns, sums, [=](int64_t r, int64_t c, float* out) {
    const float d = x[r * m.columns + c] - shift[c];
    out[0] = d;
    out[1] = d * d;
  });
  float* factor = floats(m.columns);
  const double n = static_cast<double>(m.rows);
  for (int64_t c = 0; c < m.columns; ++c) {
    const double d = sums[c] / n, spread = sums[m.columns + c] / n - d * d;
    mean[c] = static_cast<float>(shift[c] + d);
    variance[c] = static_cast<float>(spread > 0 || spread != spread ? spread : 0.0);
    factor[c] = call[1].f32()[c] / std::sqrt(variance[c] + static_cast<float>(call.number(0)));
  }
  normalise(x, call[3].f32_out(), m, mean, factor, call[2].f32());
}

// x, dy, gamma, mean, variance, dx, dgamma, dbeta; number: epsilon
void batch_norm_train_grad(const Call& call) {
  const Matrix m = matrix(call[0]);
  const float *x = call[0].f32(), *dy = call[1].f32(), *mean = call[3].f32(), *variance = call[4].f32();
  float *dx = call[5].f32_out(), *dgamma = call[6].f32_out(), *dbeta = call[7].f32_out();
  double* sums = doubles(2 * m.columns);
  all_column_sums<2>(m.rows, m.columns, sums, [=](int64_t r, int64_t c, float* out) {
    const float g = dy[r * m.columns + c];
    out[0] = g;
    out[1] = g * (x[r * m.columns + c] - mean[c]);
  });
  // dx = a * dy + b * (x - mean) + d
  float *a = floats(m.columns), *b = floats(m.columns), *d = floats(m.columns);
  const double n = static_cast<double>(std::max<int64_t>(1, m.rows));
  for (int64_t c = 0; c < m.columns; ++c) {
    const double rstd = 1.0 / std::sqrt(static_cast<double>(variance[c]) + call.number(0));
    const double gamma = call[2].f32()[c];
    dbeta[c] = static_cast<float>(sums[c]);
    dgamma[c] = static_cast<float>(sums[m.columns + c] * rstd);
    a[c] = static_cast<float>(gamma * rstd);
    b[c] = static_cast<float>(-gamma * rstd * rstd * rstd * sums[m.columns + c] / n);
    d[c] = static_cast<float>(-gamma * rstd * sums[c] / n);
  }
  parallel(m.rows, grain_of(m.columns), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const float *in = x + r * m.columns, *gradient = dy + r * m.columns;
      float* out = dx + r * m.columns;
      for (int64_t c = 0; c < m.columns; ++c) out[c] = a[c] * gradient[c] + (b[c] * (in[c] - mean[c]) + d[c]);
    }
  });
}

}  // namespace

void add_batchnorm() {
  add_ops({{"batch_norm", batch_norm},
           {"batch_norm_train", batch_norm_train},
           {"batch_norm_train_grad", batch_norm_train_grad}});
}

}  // namespace PROJ_ISA
