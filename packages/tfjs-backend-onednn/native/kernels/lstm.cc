// A whole layer of long short-term memory (Hochreiter and Schmidhuber, 1997), all steps in one call. Gates lie as tfjs-layers
// has them, i, f, g, o: input, forget, candidate, output. Rows of a batch know nothing of each other, so a thread takes some
// of them through all steps and waits for the others at the end only.
#include <atomic>
#include <stdexcept>

#include "../product.h"
#include "kernels.h"
#include "vector_math.h"

namespace PROJ_ISA {
namespace {

// Activations: what is kept of one for the backward pass, its value, and the slope there.
struct Sigmoid {
  static float keep(float z) { return vsigmoid(z); }
  static float value(float kept) { return kept; }
  static float slope(float kept) { return kept * (1.0f - kept); }
};
// As tfjs-layers has it. Kept as it was before clipping, which tells whether there is a slope.
struct HardSigmoid {
  static float keep(float z) { return 0.5f + 0.2f * z; }
  static float value(float kept) { return kept > 1.0f ? 1.0f : (kept < 0.0f ? 0.0f : kept); }
  static float slope(float kept) { return kept >= 0.0f && kept <= 1.0f ? 0.2f : 0.0f; }
};
struct Tanh {
  static float keep(float z) { return vtanh(z); }
  static float slope(float kept) { return 1.0f - kept * kept; }
};

// Numbers of a call, see src/kernels/lstm.ts.
enum { kGoBackwards, kHardSigmoid };

struct Layer {
  int64_t batch, steps, units;
  bool backwards;
  int64_t rows, blocks;  // of the batch a thread takes at a time, the last perhaps fewer; how many times

  // `y` [B, T, U]
  Layer(const Tensor& y, bool go_backwards)
      : batch(y.dims[0]), steps(y.dims[1]), units(y.dims[2]), backwards(go_backwards) {
    const int64_t grain = grain_of(steps * units * (units / 4 + 32));
    blocks = std::max<int64_t>(1, std::min<int64_t>(team_threads(), batch / grain));
    rows = std::max<int64_t>(1, (batch + blocks - 1) / blocks);
    blocks = (batch + rows - 1) / rows;
  }

  // Index in [B, T] of what a row gets at a step.
  int64_t input(int64_t row, int64_t step) const { return row * steps + (backwards ? steps - 1 - step : step); }

  // f(block, first row, rows) on all threads; false where a product failed.
  template <class F>
  void for_blocks(F&& f) const {
    std::atomic<bool> failed{false};
    each(blocks, [&](int64_t block) {
      const int64_t first = block * rows;
      if (!f(block, first, std::min(rows, batch - first))) failed = true;
    });
    if (failed) throw std::runtime_error("a product of matrices failed");
  }
};

float* zeros(int64_t n) {
  float* data = static_cast<float*>(scratch(static_cast<size_t>(n) * sizeof(float)));
  std::fill(data, data + n, 0.0f);
  return data;
}

// Where an optional [B, U] has some row; zeros where it was not given.
const float* row_of(const Tensor& t, int64_t row, int64_t units, const float* nothing) {
  return t.present() ? t.f32() + row * units : nothing;
}

void copy(const float* from, int64_t n, float* to) { std::copy(from, from + n, to); }

template <class Activation>
void activate(const float* __restrict a, const float* __restrict b, float* __restrict kept, int64_t n) {
  for (int64_t i = 0; i < n; ++i) kept[i] = Activation::keep(a[i] + b[i]);
}

template <class Gate>
void next_state(const float* __restrict gates, const float* __restrict c_before, float* __restrict c,
                float* __restrict h, int64_t units) {
  for (int64_t u = 0; u < units; ++u) {
    const float i = Gate::value(gates[u]), f = Gate::value(gates[units + u]), g = gates[2 * units + u];
    const float o = Gate::value(gates[3 * units + u]);
    const float cell = f * c_before[u] + i * g;
    c[u] = cell;
    h[u] = o * vtanh(cell);
  }
}

// zx [B, T, 4U] (products of the inputs, with the bias), R [U, 4U], h0? and c0? [B, U], then, in the order of the steps,
// y [B, T, U], the last h and c [B, U], all c [B, T, U] and what is kept of the gates [B, T, 4U].
template <class Gate>
void forward(const Call& call) {
  const Tensor &zx = call[0], &h0 = call[2], &c0 = call[3];
  const Layer layer(call[4], call.integer(kGoBackwards));
  if (layer.batch * layer.units == 0) return;
  const int64_t steps = layer.steps, units = layer.units, wide = 4 * units;
  float *y = call[4].f32_out(), *last_h = call[5].f32_out(), *last_c = call[6].f32_out();
  float *cells = call[7].f32_out(), *gates = call[8].f32_out();
  const Product product(layer.rows, wide, units, call[1].f32(), false, layer.blocks);
  float *states = zeros(layer.blocks * layer.rows * units), *products = zeros(layer.blocks * layer.rows * wide);
  const float* nothing = zeros(units);
  layer.for_blocks([&](int64_t block, int64_t first, int64_t count) {
    float *h = states + block * layer.rows * units, *z = products + block * layer.rows * wide;
    if (h0.present()) copy(h0.f32() + first * units, count * units, h);
    for (int64_t t = 0; t < steps; ++t) {
      if ((t > 0 || h0.present()) && !product.run(block, h, z)) return false;
      for (int64_t r = 0; r < count; ++r) {
        const int64_t row = first + r, at = row * steps + t;
        const float *a = zx.f32() + layer.input(row, t) * wide, *b = z + r * wide;
        float* kept = gates + at * wide;
        activate<Gate>(a, b, kept, 2 * units);
        activate<Tanh>(a + 2 * units, b + 2 * units, kept + 2 * units, units);
        activate<Gate>(a + 3 * units, b + 3 * units, kept + 3 * units, units);
        const float* before = t > 0 ? cells + (at - 1) * units : row_of(c0, row, units, nothing);
        next_state<Gate>(kept, before, cells + at * units, h + r * units, units);
        copy(h + r * units, units, y + at * units);
      }
    }
    copy(h, count * units, last_h + first * units);
    for (int64_t row = first; row < first + count; ++row) {
      const float* c = steps > 0 ? cells + ((row + 1) * steps - 1) * units : row_of(c0, row, units, nothing);
      copy(c, units, last_c + row * units);
    }
    return true;
  });
}

// dz of a step from dh; dc [U] becomes that of the step before.
template <class Gate>
void cell_gradient(const float* __restrict gates, const float* __restrict c_before, const float* __restrict c,
                   const float* __restrict dh, float* __restrict dc, float* __restrict dz, int64_t units) {
  for (int64_t u = 0; u < units; ++u) {
    const float kept_i = gates[u], kept_f = gates[units + u], g = gates[2 * units + u], kept_o = gates[3 * units + u];
    const float squashed = vtanh(c[u]);
    const float cell = dc[u] + dh[u] * Gate::value(kept_o) * Tanh::slope(squashed);
    dz[u] = cell * g * Gate::slope(kept_i);
    dz[units + u] = cell * c_before[u] * Gate::slope(kept_f);
    dz[2 * units + u] = cell * Gate::value(kept_i) * Tanh::slope(g);
    dz[3 * units + u] = dh[u] * squashed * Gate::slope(kept_o);
    dc[u] = cell * Gate::value(kept_f);
  }
}

// R [U, 4U], h0? and c0? [B, U], y, all c and the gates as forward() gives them, gradients dy? [B, T, U] of y and dh?, dc?
// [B, U] of the last h and c. Then, in the order of the inputs, dz [B, T, 4U] of zx and the h [B, T, U] that each step began
// with; dh0 and dc0 [B, U].
template <class Gate>
void backward(const Call& call) {
  const Tensor &h0 = call[1], &c0 = call[2], &dy = call[6], &dh_last = call[7], &dc_last = call[8];
  const Layer layer(call[3], call.integer(kGoBackwards));
  if (layer.batch * layer.units == 0) return;
  const int64_t steps = layer.steps, units = layer.units, wide = 4 * units;
  const float *y = call[3].f32(), *cells = call[4].f32(), *gates = call[5].f32();
  float *dzx = call[9].f32_out(), *h_before = call[10].f32_out(), *dh0 = call[11].f32_out(), *dc0 = call[12].f32_out();
  const Product product(layer.rows, units, wide, call[0].f32(), true, layer.blocks);
  float *states = zeros(layer.blocks * layer.rows * units), *products = zeros(layer.blocks * layer.rows * wide);
  const float* nothing = zeros(units);
  layer.for_blocks([&](int64_t block, int64_t first, int64_t count) {
    float *dh = states + block * layer.rows * units, *dz = products + block * layer.rows * wide;
    float* dc = dc0 + first * units;
    for (int64_t r = 0; r < count; ++r) {
      copy(row_of(dh_last, first + r, units, nothing), units, dh + r * units);
      copy(row_of(dc_last, first + r, units, nothing), units, dc + r * units);
    }
    for (int64_t t = steps - 1; t >= 0; --t) {
      for (int64_t r = 0; r < count; ++r) {
        const int64_t row = first + r, at = row * steps + t, input = layer.input(row, t);
        float* gradient = dh + r * units;
        if (dy.present()) {
          const float* here = dy.f32() + at * units;
          for (int64_t u = 0; u < units; ++u) gradient[u] += here[u];
        }
        const float* before = t > 0 ? cells + (at - 1) * units : row_of(c0, row, units, nothing);
        cell_gradient<Gate>(gates + at * wide, before, cells + at * units, gradient, dc + r * units, dz + r * wide, units);
        copy(dz + r * wide, wide, dzx + input * wide);
        copy(t > 0 ? y + (at - 1) * units : row_of(h0, row, units, nothing), units, h_before + input * units);
      }
      if (!product.run(block, dz, dh)) return false;
    }
    copy(dh, count * units, dh0 + first * units);
    return true;
  });
}

void lstm(const Call& call) { call.integer(kHardSigmoid) ? forward<HardSigmoid>(call) : forward<Sigmoid>(call); }
void lstm_grad(const Call& call) { call.integer(kHardSigmoid) ? backward<HardSigmoid>(call) : backward<Sigmoid>(call); }

// Of the states with the recurrent weights, which backward go the other way.
template <int kRecurrent, int kOutput>
double flops(const Call& call) {
  return 2.0 * static_cast<double>(call[kOutput].dims[0] * call[kOutput].dims[1] * call[kRecurrent].size());
}

}  // namespace

void add_lstm() {
  add_ops({{"lstm", lstm, nullptr, false, flops<1, 4>}, {"lstm_grad", lstm_grad, nullptr, false, flops<0, 3>}});
}

}  // namespace PROJ_ISA
