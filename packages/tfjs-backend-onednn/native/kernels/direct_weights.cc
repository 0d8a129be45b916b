#include "../direct.h"

#include "band.h"
#include "gemm.h"

namespace PROJ_ISA {
namespace {

using Shape = IndirectShape;

// Of a band of rows of a picture and its border, which a thread copies; it should stay in the second-level cache.
constexpr int64_t kBandBytes = 128 << 10;
// Sums over parts of the pixels, which are added up in the end: as many as this, whatever the number of threads.
constexpr int64_t kPartialBytes = 4 << 20, kMostParts = 32;

struct Gradient {
  const Shape& s;
  const float *x, *dy;

  int64_t weights() const { return s.taps() * s.channels; }
  int64_t band_width() const { return (s.x.out_size - 1) * s.x.step + s.x.taps; }
  int64_t band_height(int64_t rows) const { return (rows - 1) * s.y.step + s.y.taps; }
  int64_t row() const { return band_width() * s.channels; }

  // Where the input of a weight lies in a band, relative to that of the first.
  int64_t place(int64_t weight) const {
    const int64_t length = s.x.taps * s.channels;
    return weight / length * row() + weight % length;
  }

  // Adds to sums [weights, K] what `rows` rows of the gradient give, whose input is in `band`, for `Weights` weights and `Columns`
  // registers of output channels from k on.
  template <int Weights, int Columns>
  void block(const float* band, const float* gradient, int64_t rows, int64_t weight, int64_t k, float* sums) const {
    const float* a[Weights];
    for (int i = 0; i < Weights; ++i) a[i] = band + place(weight + i);
    Lanes sum[Weights][Columns];
    clear(sum);
    const int64_t step = s.x.step * s.channels, filters = s.filters;
    const float* b = gradient + k;
    for (int64_t r = 0, line = 0; r < rows; ++r, line += s.y.step * row())
      for (int64_t p = 0, at = line; p < s.x.out_size; ++p, at += step, b += filters)
        add_products(sum, b, [&](int i) { return a[i][at]; });
    float* to = sums + weight * filters + k;
#pragma GCC unroll 12
    for (int i = 0; i < Weights; ++i)
#pragma GCC unroll 2
      for (int j = 0; j < Columns; ++j) {
        float* const at = to + i * filters + j * kLanes;
        store(at, load<Lanes>(at) + sum[i][j]);
      }
  }

  template <int Weights>
  void blocks_of(int64_t count, const float* band, const float* gradient, int64_t rows, int64_t weight, float* sums) const {
    if constexpr (Weights > 0) {
      if (count < Weights) return blocks_of<Weights - 1>(count, band, gradient, rows, weight, sums);
      int64_t k = 0;
      for (; k + kColumns <= s.filters; k += kColumns) block<Weights, 2>(band, gradient, rows, weight, k, sums);
      if (k < s.filters) block<Weights, 1>(band, gradient, rows, weight, k, sums);
    }
  }

  // Adds what the rows [begin, end) of all pictures' gradients give.
  void part(int64_t begin, int64_t end, int64_t together, float* band, float* sums) const {
    std::fill(sums, sums + weights() * s.filters, 0.0f);
    while (begin < end) {
      const int64_t picture = begin / s.y.out_size, first = begin % s.y.out_size;
      const int64_t rows = std::min({together, s.y.out_size - first, end - begin});
      copy_band(s, x, picture, first, rows, band);
      const float* gradient = dy + begin * s.x.out_size * s.filters;
      const int64_t blocks = (weights() + kRows - 1) / kRows;
      for (int64_t i = 0; i < blocks; ++i) {
        const int64_t weight = weights() * i / blocks, count = weights() * (i + 1) / blocks - weight;
        blocks_of<kRows>(count, band, gradient, rows, weight, sums);
      }
      begin += rows;
    }
  }

  void run(float* dw) const {
    const int64_t size = weights() * s.filters, all = s.batch * s.y.out_size;
    const int64_t parts = std::clamp<int64_t>(kPartialBytes / (size * 4), 1, std::min(kMostParts, all));
    const int64_t row_bytes = s.y.step * row() * static_cast<int64_t>(sizeof(float));
    const int64_t together = std::clamp<int64_t>(kBandBytes / row_bytes, 1, s.y.out_size);
    const int64_t band_size = band_height(together) * row();
    auto* sums = static_cast<float*>(scratch(static_cast<size_t>(parts * size) * sizeof(float)));
    auto* bands = static_cast<float*>(scratch(static_cast<size_t>(team_threads() * band_size) * sizeof(float)));
    each(parts, [&](int64_t i) {
      part(all * i / parts, all * (i + 1) / parts, together, bands + team_lane() * band_size, sums + i * size);
    });
    parallel(size, grain_of(parts), [&](int64_t begin, int64_t end) {
      std::copy(sums + begin, sums + end, dw + begin);
      for (int64_t i = 1; i < parts; ++i)
        for (int64_t j = begin; j < end; ++j) dw[j] += sums[i * size + j];
    });
  }
};

void backward_weights(const Shape& s, const float* x, const float* dy, float* dw) { Gradient{s, x, dy}.run(dw); }

}  // namespace

void add_direct_weights() { direct().backward_weights = backward_weights; }

}  // namespace PROJ_ISA
