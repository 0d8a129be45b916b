#include "../depthwise.h"
#include "activations.h"

namespace PROJ_ISA {
namespace {

constexpr int64_t kPixels = 4;     // whose sums are in registers
constexpr int64_t kRegisters = 2;  // of channels, for each of them
constexpr int64_t kTogether = 2;   // such channels that are read at a time
constexpr int64_t kStep = kTogether * kRegisters * kLanes;

// `Kernel`: sides of the filters, or 0 for any. Of a band of rows of a picture some channels are gone through at a time: rows of
// the input, with their border and without the other channels, lie in a ring, which stays in the first-level cache.
template <int Kernel>
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

  template <int Together, int Registers, class V>
  struct Channels {
    static constexpr int64_t kOne = sizeof(V) / sizeof(float), kPart = Registers * kOne, kWidth = Together * kPart;
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
      for (int j = 0; j < Together * Registers; ++j) store(to + j * kOne, load<V>(from + j * kOne));
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
          for (int64_t part = 0; part < kWidth; part += kPart)
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
      const int64_t kernel = f.kernel(), step = f.s.stride_x * kWidth;
      V sum[Pixels][Registers];
#pragma GCC unroll 4
      for (int i = 0; i < Pixels; ++i)
#pragma GCC unroll 2
        for (int j = 0; j < Registers; ++j) sum[i][j] = V{};
      const float* tap = taps + part;
#pragma GCC unroll 5
      for (int64_t ky = 0; ky < kernel; ++ky) {
        const float* from = lines[ky] + first * step + part;
#pragma GCC unroll 5
        for (int64_t kx = 0; kx < kernel; ++kx, from += kWidth, tap += kWidth) {
          V factor[Registers];
#pragma GCC unroll 2
          for (int j = 0; j < Registers; ++j) factor[j] = load<V>(tap + j * kOne);
#pragma GCC unroll 4
          for (int i = 0; i < Pixels; ++i)
#pragma GCC unroll 2
            for (int j = 0; j < Registers; ++j) sum[i][j] += load<V>(from + i * step + j * kOne) * factor[j];
        }
      }
      const auto [scale, shift, other, after] = f.finish;
      const auto* residual = static_cast<const float*>(other);
#pragma GCC unroll 2
      for (int j = 0; j < Registers; ++j) {
        const int64_t k = j * kOne, channel = c + part + k;
        const V factor = scale ? load<V>(scale + channel) : V{} + 1.0f, more = shift ? load<V>(shift + channel) : V{};
#pragma GCC unroll 4
        for (int i = 0; i < Pixels; ++i) {
          const int64_t to = at + i * f.s.channels + k;
          V value = sum[i][j] * factor + more;
          if (residual) value += load<V>(residual + to);
          store(f.y + to, activated(value, after));
        }
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
      for (; c + kStep <= last; c += kStep) Channels<kTogether, kRegisters, Lanes>(*this, n, c, zeros, lane).rows(begin, end);
      for (; c + kLanes <= last; c += kLanes) Channels<1, 1, Lanes>(*this, n, c, zeros, lane).rows(begin, end);
      for (; c < last; ++c) Channels<1, 1, float>(*this, n, c, zeros, lane).rows(begin, end);
    });
  }
};

void forward(const DepthwiseShape& s, const float* x, const float* filters, bool flipped, const Finish& finish, float* y) {
  if (s.batch * s.out_height * s.out_width * s.channels == 0) return;
  if (s.kernel == 3) return Forward<3>{s, x, filters, flipped, finish, y}.run();
  if (s.kernel == 5) return Forward<5>{s, x, filters, flipped, finish, y}.run();
  Forward<0>{s, x, filters, flipped, finish, y}.run();
}

}  // namespace

void add_depthwise_forward() { depthwise().forward = forward; }

}  // namespace PROJ_ISA
