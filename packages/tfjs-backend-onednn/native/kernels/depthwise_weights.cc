#include "../depthwise.h"

#include "lanes.h"

namespace PROJ_ISA {
namespace {

// Channels that a thread takes through a picture at once: their pixels are whole cache lines.
constexpr int64_t kChannels = 64;
// Of the rows of the input that stay in the cache while those channels are gone through, one register after the other.
constexpr int64_t kBandBytes = 128 << 10;

template <int Kernel, class Map>
struct BackwardWeights {
  const DepthwiseShape& s;
  const Map *x, *dy;
  const Map* nothing;  // a row of the input map with zeros

  // Adds what the output pixels [begin, end) of a row give to each tap of the filter rows [From, To). `rows` are those of the
  // input; `All` taps lie inside of the map, or only those that are asked.
  template <bool All, int From, int To, class V>
  void pixels(const Map* const* rows, const Map* gradient, int64_t begin, int64_t end, V* taps) const {
    V sum[(To - From) * Kernel];
    std::copy(taps, taps + (To - From) * Kernel, sum);
    for (int64_t i = begin; i < end; ++i) {
      const V d = load<V>(gradient + i * s.channels);
      const int64_t first = i * s.stride_x - s.left;
#pragma GCC unroll 5
      for (int ky = From; ky < To; ++ky)
#pragma GCC unroll 5
        for (int kx = 0; kx < Kernel; ++kx) {
          if (!All && (first + kx < 0 || first + kx >= s.width)) continue;
          sum[(ky - From) * Kernel + kx] += load<V>(rows[ky] + (first + kx) * s.channels) * d;
        }
    }
    std::copy(sum, sum + (To - From) * Kernel, taps);
  }

  // Output pixels of a row whose taps all lie inside of the map.
  int64_t first_inside() const { return std::min(s.out_width, (s.left + s.stride_x - 1) / s.stride_x); }
  int64_t last_inside() const {
    const int64_t room = s.width + s.left - Kernel;
    return std::max(first_inside(), std::min(s.out_width, room < 0 ? 0 : room / s.stride_x + 1));
  }

  // Adds to sums [Kernel, Kernel, C] what the output rows [begin, end) of a picture give to the filter rows [From, To), in the
  // channels that V has from c on. As many sums as registers hold.
  template <int From, int To, class V>
  void filter_rows(int64_t n, int64_t begin, int64_t end, int64_t c, float* sums) const {
    constexpr int kTaps = (To - From) * Kernel;
    float* const at = sums + From * Kernel * s.channels + c;
    V total[kTaps];
    for (int i = 0; i < kTaps; ++i) total[i] = load<V>(at + i * s.channels);
    for (int64_t y = begin; y < end; ++y) {
      const Map* rows[Kernel];
      for (int64_t k = 0; k < Kernel; ++k) {
        const int64_t row = y * s.stride_y - s.top + k;
        rows[k] = (row >= 0 && row < s.height ? x + (n * s.height + row) * s.width * s.channels : nothing) + c;
      }
      const Map* gradient = dy + (n * s.out_height + y) * s.out_width * s.channels + c;
      V taps[kTaps] = {};
      pixels<false, From, To>(rows, gradient, 0, first_inside(), taps);
      pixels<true, From, To>(rows, gradient, first_inside(), last_inside(), taps);
      pixels<false, From, To>(rows, gradient, last_inside(), s.out_width, taps);
      for (int i = 0; i < kTaps; ++i) total[i] += taps[i];
    }
    for (int i = 0; i < kTaps; ++i) store(at + i * s.channels, total[i]);
  }

  // sums [Kernel, Kernel, C] of a picture, of the channels [c0, c1).
  void picture(int64_t n, int64_t c0, int64_t c1, float* sums) const {
    for (int i = 0; i < Kernel * Kernel; ++i) std::fill(sums + i * s.channels + c0, sums + i * s.channels + c1, 0.0f);
    const int64_t row_bytes = s.stride_y * s.width * (c1 - c0) * static_cast<int64_t>(sizeof(Map));
    const int64_t band = std::max<int64_t>(1, kBandBytes / row_bytes);
    for (int64_t y = 0; y < s.out_height; y += band) {
      const int64_t end = std::min(s.out_height, y + band);
      for_lanes(c1 - c0, [&](int64_t i, auto lanes) {
        using V = decltype(lanes);
        filter_rows<0, 3, V>(n, y, end, c0 + i, sums);
        if constexpr (Kernel > 3) filter_rows<3, Kernel, V>(n, y, end, c0 + i, sums);
      });
    }
  }
};

template <int Kernel, class Map>
void backward_weights_of(const DepthwiseShape& s, const Tensor& x, const Tensor& dy, float* dw) {
  const size_t row = static_cast<size_t>(s.width * s.channels) * sizeof(Map);
  const Map* nothing = static_cast<const Map*>(memset(scratch(row), 0, row));
  const BackwardWeights<Kernel, Map> pass{s, x.as<const Map>(), dy.as<const Map>(), nothing};
  const int64_t size = Kernel * Kernel * s.channels, blocks = (s.channels + kChannels - 1) / kChannels;
  float* sums = static_cast<float*>(scratch(static_cast<size_t>(s.batch * size) * sizeof(float)));
  const int64_t cost = s.out_height * s.out_width * std::min(kChannels, s.channels) * Kernel * Kernel / kLanes;
  parallel(s.batch * blocks, grain_of(cost), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t n = i / blocks, c0 = i % blocks * kChannels;
      pass.picture(n, c0, std::min(s.channels, c0 + kChannels), sums + n * size);
    }
  });
  parallel(size, grain_of(s.batch), [&](int64_t begin, int64_t end) {
    std::fill(dw + begin, dw + end, 0.0f);
    for (int64_t n = 0; n < s.batch; ++n)
      for (int64_t i = begin; i < end; ++i) dw[i] += sums[n * size + i];
  });
}

void backward_weights(const DepthwiseShape& s, const Tensor& x, const Tensor& dy, float* dw) {
  const bool bf16 = x.type == Type::bf16;
  if (s.kernel == 3) return bf16 ? backward_weights_of<3, Bf16>(s, x, dy, dw) : backward_weights_of<3, float>(s, x, dy, dw);
  return bf16 ? backward_weights_of<5, Bf16>(s, x, dy, dw) : backward_weights_of<5, float>(s, x, dy, dw);
}

}  // namespace

void add_depthwise_weights() { depthwise().backward_weights = backward_weights; }

}  // namespace PROJ_ISA
