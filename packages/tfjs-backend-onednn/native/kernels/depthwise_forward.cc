#include "../depthwise.h"
#include "activations.h"

namespace PROJ_ISA {
namespace {

// Of the rows of the input under a band of the output, for the channels that are gone through at a time.
constexpr int64_t kBandBytes = 32 << 10;
constexpr int kPixels = 4;  // whose sums are in registers
constexpr int kRegisters = 2;  // of channels

struct Forward {
  const DepthwiseShape& s;
  const float *x, *filters;
  const Finish finish;
  float* y;

  // `Pixels` pixels of a row of the output from `first` on, for `Registers` registers V of channels from c on: sums over the taps
  // of the filter rows [ky, ky_end) and columns [kx, kx_end), which lie inside of the map, and what follows.
  template <int Pixels, int Registers, class V>
  void pixels(int64_t n, int64_t out_row, int64_t first, int64_t c, int64_t ky, int64_t ky_end, int64_t kx, int64_t kx_end) const {
    constexpr int64_t kWidth = sizeof(V) / sizeof(float);
    const int64_t step = s.stride_x * s.channels, row = n * s.height + out_row * s.stride_y - s.top;
    V sum[Pixels][Registers];
#pragma GCC unroll 4
    for (int i = 0; i < Pixels; ++i)
#pragma GCC unroll 2
      for (int j = 0; j < Registers; ++j) sum[i][j] = V{};
    for (; ky < ky_end; ++ky) {
      const float* from = x + ((row + ky) * s.width + first * s.stride_x - s.left + kx) * s.channels + c;
      const float* taps = filters + (ky * s.kernel + kx) * s.channels + c;
      for (int64_t k = kx; k < kx_end; ++k, from += s.channels, taps += s.channels) {
        V tap[Registers];
#pragma GCC unroll 2
        for (int j = 0; j < Registers; ++j) tap[j] = load<V>(taps + j * kWidth);
#pragma GCC unroll 4
        for (int i = 0; i < Pixels; ++i)
#pragma GCC unroll 2
          for (int j = 0; j < Registers; ++j) sum[i][j] += load<V>(from + i * step + j * kWidth) * tap[j];
      }
    }
    const int64_t at = ((n * s.out_height + out_row) * s.out_width + first) * s.channels + c;
    const auto [scale, shift, other, after] = finish;
    const auto* residual = static_cast<const float*>(other);
#pragma GCC unroll 2
    for (int j = 0; j < Registers; ++j) {
      const int64_t k = j * kWidth;
      const V factor = scale ? load<V>(scale + c + k) : V{} + 1.0f, more = shift ? load<V>(shift + c + k) : V{};
#pragma GCC unroll 4
      for (int i = 0; i < Pixels; ++i) {
        V value = sum[i][j] * factor + more;
        if (residual) value += load<V>(residual + at + i * s.channels + k);
        store(y + at + i * s.channels + k, activated(value, after));
      }
    }
  }

  // Output pixels of a row whose taps all lie inside of the map.
  int64_t first_inside() const { return std::min(s.out_width, (s.left + s.stride_x - 1) / s.stride_x); }
  int64_t last_inside() const {
    const int64_t room = s.width + s.left - s.kernel;
    return std::max(first_inside(), std::min(s.out_width, room < 0 ? 0 : room / s.stride_x + 1));
  }

  template <int Registers, class V>
  void channels_of_row(int64_t n, int64_t out_row, int64_t c) const {
    const int64_t row = out_row * s.stride_y - s.top;
    const int64_t ky = std::clamp<int64_t>(-row, 0, s.kernel), ky_end = std::clamp<int64_t>(s.height - row, ky, s.kernel);
    const int64_t begin = first_inside(), end = last_inside();
    const auto edge = [&](int64_t i) {
      const int64_t column = i * s.stride_x - s.left, kx = std::clamp<int64_t>(-column, 0, s.kernel);
      pixels<1, Registers, V>(n, out_row, i, c, ky, ky_end, kx, std::clamp<int64_t>(s.width - column, kx, s.kernel));
    };
    for (int64_t i = 0; i < begin; ++i) edge(i);
    int64_t i = begin;
    for (; i + kPixels <= end; i += kPixels) pixels<kPixels, Registers, V>(n, out_row, i, c, ky, ky_end, 0, s.kernel);
    for (; i < end; ++i) pixels<1, Registers, V>(n, out_row, i, c, ky, ky_end, 0, s.kernel);
    for (; i < s.out_width; ++i) edge(i);
  }

  void run() const {
    constexpr int64_t kStep = kRegisters * kLanes;
    const int64_t row_bytes = s.stride_y * s.width * kStep * static_cast<int64_t>(sizeof(float));
    const int64_t steps = (s.channels + kStep - 1) / kStep, enough = 4 * team_threads();
    const int64_t rows = std::clamp<int64_t>(kBandBytes / row_bytes - s.kernel / s.stride_y, 1, s.out_height);
    const int64_t bands = (s.out_height + rows - 1) / rows;
    const int64_t groups = std::min(steps, std::max<int64_t>(1, enough / (s.batch * bands)));
    each(s.batch * bands * groups, [&](int64_t item) {
      const int64_t band = item / groups, n = band / bands, group = item % groups;
      const int64_t begin = s.out_height * (band % bands) / bands, end = s.out_height * (band % bands + 1) / bands;
      const int64_t last = std::min(s.channels, steps * (group + 1) / groups * kStep);
      int64_t c = steps * group / groups * kStep;
      for (; c + kStep <= last; c += kStep)
        for (int64_t row = begin; row < end; ++row) channels_of_row<kRegisters, Lanes>(n, row, c);
      for (; c + kLanes <= last; c += kLanes)
        for (int64_t row = begin; row < end; ++row) channels_of_row<1, Lanes>(n, row, c);
      for (; c < last; ++c)
        for (int64_t row = begin; row < end; ++row) channels_of_row<1, float>(n, row, c);
    });
  }
};

void forward(const DepthwiseShape& s, const float* x, const float* filters, const Finish& finish, float* y) {
  if (s.batch * s.out_height * s.out_width * s.channels > 0) Forward{s, x, filters, finish, y}.run();
}

}  // namespace

void add_depthwise_forward() { depthwise().forward = forward; }

}  // namespace PROJ_ISA
