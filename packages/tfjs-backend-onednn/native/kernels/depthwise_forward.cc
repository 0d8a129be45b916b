#include "../depthwise.h"
#include "activations.h"

namespace PROJ_ISA {
namespace {

constexpr int64_t kPixels = 8;    // whose sums are in registers
constexpr int64_t kTogether = 4;  // registers of channels that are read at a time
constexpr int64_t kStep = kTogether * kLanes;

// `Kernel` and `Stride`: sides of the filters and steps along a row, or 0 for any. Of a band of rows of a picture some channels
// are gone through at a time: rows of the input, with their border and without the other channels, lie in a ring, which stays in
// the first-level cache.
template <int Kernel, int Stride>
struct Forward {
  const DepthwiseShape& s;
  const float *x, *filters;
  const bool flipped;
  const Finish finish;
  float* y;

  int64_t kernel() const { return Kernel ? Kernel : s.kernel; }
  int64_t columns() const { return (s.out_width - 1) * s.stride_x + kernel(); }
  int64_t row_size() const { return columns() * std::min(kStep, s.channels); }
  // Of a thread: the ring and filters.
  int64_t lane_size() const { return kernel() * row_size() + kernel() * kernel() * kStep; }

  template <int Together, class V>
  struct Channels {
    static constexpr int64_t kOne = sizeof(V) / sizeof(float), kWidth = Together * kOne;
    const Forward& f;
    const int64_t n, c;
    const float* const zeros;  // a row
    float *const ring, *const taps;

    Channels(const Forward& forward, int64_t picture, int64_t first, const float* nothing, float* lane)
        : f(forward), n(picture), c(first), zeros(nothing), ring(lane), taps(lane + f.kernel() * f.row_size()) {
      const int64_t count = f.kernel() * f.kernel();
      for (int64_t i = 0; i < count; ++i)
        copy(f.filters + (f.flipped ? count - 1 - i : i) * f.s.channels + c, taps + i * kWidth);
    }

    static void copy(const float* from, float* to) {
      for (int j = 0; j < Together; ++j) store(to + j * kOne, load<V>(from + j * kOne));
    }

    float* place(int64_t row) const { return ring + row % f.kernel() * f.row_size(); }

    void read(int64_t row) const {
      const DepthwiseShape& s = f.s;
      float* to = place(row);
      const int64_t begin = std::min(s.left, f.columns()), end = std::clamp<int64_t>(s.width + s.left, begin, f.columns());
      const float* from = f.x + (n * s.height + row) * s.width * s.channels + c;
      std::fill(to, to + begin * kWidth, 0.0f);
      for (int64_t i = begin; i < end; ++i, from += s.channels) copy(from, to + i * kWidth);
      std::fill(to + end * kWidth, to + f.columns() * kWidth, 0.0f);
    }

    void rows(int64_t begin, int64_t end) const {
      const DepthwiseShape& s = f.s;
      int64_t ready = 0;  // rows before that are in the ring, or have been
      for (int64_t out = begin; out < end; ++out) {
        const int64_t first = out * s.stride_y - s.top;
        const float* lines[kMostKernel];
        for (ready = std::max({ready, first, int64_t{0}}); ready < std::min(first + f.kernel(), s.height); ++ready) read(ready);
        for (int64_t i = 0; i < f.kernel(); ++i)
          lines[i] = first + i < 0 || first + i >= s.height ? zeros : place(first + i);
        const int64_t at = (n * s.out_height + out) * s.out_width, blocks = (s.out_width + kPixels - 1) / kPixels;
        for (int64_t block = 0; block < blocks; ++block) {
          const int64_t pixel = s.out_width * block / blocks, count = s.out_width * (block + 1) / blocks - pixel;
          for (int64_t part = 0; part < kWidth; part += kOne)
            pixels_of<kPixels>(count, lines, pixel, part, (at + pixel) * s.channels + c + part);
        }
      }
    }

    template <int Pixels>
    void pixels_of(int64_t count, const float* const* lines, int64_t first, int64_t part, int64_t at) const {
      if constexpr (Pixels > 0) {
        if (count == Pixels) return pixels<Pixels>(lines, first, part, at);
        pixels_of<Pixels - 1>(count, lines, first, part, at);
      }
    }

    template <int Pixels>
    void pixels(const float* const* lines, int64_t first, int64_t part, int64_t at) const {
      V sum[Pixels];
#pragma GCC unroll 8
      for (int i = 0; i < Pixels; ++i) sum[i] = V{};
      const int64_t kernel = f.kernel(), step = f.s.stride_x * kWidth;
      const float* tap = taps + part;
#pragma GCC unroll 1
      for (int64_t ky = 0; ky < kernel; ++ky, tap += kernel * kWidth) {
        const float* from = lines[ky] + first * step + part;
        if constexpr (Kernel > 0 && Stride > 0) add_row<Pixels>(from, tap, sum);
        else add_any_row<Pixels>(from, tap, step, sum);
      }
      const auto [scale, shift, other, after] = f.finish;
      const auto* residual = static_cast<const float*>(other);
      const int64_t channel = c + part;
      const V factor = scale ? load<V>(scale + channel) : V{} + 1.0f, more = shift ? load<V>(shift + channel) : V{};
#pragma GCC unroll 8
      for (int i = 0; i < Pixels; ++i) {
        const int64_t to = at + i * f.s.channels;
        V value = sum[i] * factor + more;
        if (residual) value += load<V>(residual + to);
        store(f.y + to, activated(value, after));
      }
    }

    // Each input is read once, for all pixels that it counts for.
    template <int Pixels>
    static void add_row(const float* from, const float* tap, V (&sum)[Pixels]) {
      V factor[Kernel > 0 ? Kernel : 1];
#pragma GCC unroll 5
      for (int kx = 0; kx < Kernel; ++kx) factor[kx] = load<V>(tap + kx * kWidth);
#pragma GCC unroll 19
      for (int j = 0; j < (Pixels - 1) * Stride + Kernel; ++j) {
        const V in = load<V>(from + j * kWidth);
#pragma GCC unroll 8
        for (int i = 0; i < Pixels; ++i)
          if (j >= i * Stride && j < i * Stride + Kernel) sum[i] += in * factor[j - i * Stride];
      }
    }

    template <int Pixels>
    void add_any_row(const float* from, const float* tap, int64_t step, V (&sum)[Pixels]) const {
      for (int64_t kx = 0; kx < f.kernel(); ++kx, from += kWidth, tap += kWidth) {
        const V factor = load<V>(tap);
#pragma GCC unroll 8
        for (int i = 0; i < Pixels; ++i) sum[i] += load<V>(from + i * step) * factor;
      }
    }
  };

  void run() const {
    const int64_t steps = (s.channels + kStep - 1) / kStep, enough = 4 * team_threads();
    // Bands begin with reading as many rows again as the filters reach.
    const int64_t most = std::max<int64_t>(1, s.out_height / (2 * kernel()));
    const int64_t bands = std::clamp<int64_t>((enough + s.batch - 1) / s.batch, 1, most);
    const int64_t groups = std::clamp<int64_t>((enough + s.batch * bands - 1) / (s.batch * bands), 1, steps);
    auto* lanes = static_cast<float*>(scratch(static_cast<size_t>(lane_size() * team_threads()) * sizeof(float)));
    auto* zeros = static_cast<float*>(scratch(static_cast<size_t>(row_size()) * sizeof(float)));
    std::fill(zeros, zeros + row_size(), 0.0f);
    each(s.batch * bands * groups, [&](int64_t item) {
      const int64_t band = item / groups, n = band / bands, group = item % groups;
      const int64_t begin = s.out_height * (band % bands) / bands, end = s.out_height * (band % bands + 1) / bands;
      float* lane = lanes + team_lane() * lane_size();
      const int64_t last = std::min(s.channels, steps * (group + 1) / groups * kStep);
      int64_t c = steps * group / groups * kStep;
      for (; c + kStep <= last; c += kStep) Channels<kTogether, Lanes>(*this, n, c, zeros, lane).rows(begin, end);
      for (; c + kLanes <= last; c += kLanes) Channels<1, Lanes>(*this, n, c, zeros, lane).rows(begin, end);
      for (; c < last; ++c) Channels<1, float>(*this, n, c, zeros, lane).rows(begin, end);
    });
  }
};

void forward(const DepthwiseShape& s, const float* x, const float* filters, bool flipped, const Finish& finish, float* y) {
  if (s.batch * s.out_height * s.out_width * s.channels == 0) return;
  const auto run = [&](auto kernel, auto stride) { Forward<kernel(), stride()>{s, x, filters, flipped, finish, y}.run(); };
  const auto any = std::integral_constant<int, 0>{};
  const auto of_kernel = [&](auto kernel) {
    if (s.stride_x == 1) return run(kernel, std::integral_constant<int, 1>{});
    if (s.stride_x == 2) return run(kernel, std::integral_constant<int, 2>{});
    run(any, any);
  };
  if (s.kernel == 3) return of_kernel(std::integral_constant<int, 3>{});
  if (s.kernel == 5) return of_kernel(std::integral_constant<int, 5>{});
  run(any, any);
}

}  // namespace

void add_depthwise_forward() { depthwise().forward = forward; }

}  // namespace PROJ_ISA
