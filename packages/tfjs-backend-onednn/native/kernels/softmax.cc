// Softmax over the last dimension.
#include <limits>

#include "kernels.h"
#include "vector_math.h"

namespace PROJ_ISA {
namespace {

float largest(const float* x, int64_t n) {
  float m = -std::numeric_limits<float>::infinity();
#pragma omp simd reduction(max : m)
  for (int64_t i = 0; i < n; ++i) m = x[i] > m ? x[i] : m;
  return m;
}

template <class Row>
void rows(const Call& call, Row&& row) {
  const Tensor& x = call[0];
  const int64_t n = x.rank ? x.dims[x.rank - 1] : 1;
  if (x.size() == 0) return;
  const float* in = x.f32();
  float* out = call[1].f32_out();
  parallel(x.size() / n, grain_of(4 * n), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) row(in + r * n, out + r * n, n);
  });
}

void softmax(const Call& call) {
  rows(call, [](const float* x, float* y, int64_t n) {
    const float top = largest(x, n);
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < n; ++i) {
      y[i] = vexp(x[i] - top);
      sum += y[i];
    }
    const float scale = 1.0f / sum;
    for (int64_t i = 0; i < n; ++i) y[i] *= scale;
  });
}

void log_softmax(const Call& call) {
  rows(call, [](const float* x, float* y, int64_t n) {
    const float top = largest(x, n);
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < n; ++i) sum += vexp(x[i] - top);
    const float shift = vlog(sum);
    for (int64_t i = 0; i < n; ++i) y[i] = (x[i] - top) - shift;
  });
}

}  // namespace

void add_softmax() { add_ops({{"softmax", softmax}, {"log_softmax", log_softmax}}); }

}  // namespace PROJ_ISA
