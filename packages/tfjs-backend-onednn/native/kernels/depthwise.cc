#include "../depthwise.h"

#include "lanes.h"

namespace PROJ_ISA {
namespace {

template <int Kernel, class Map>
struct BackwardWeights {
  const DepthwiseShape& s;
  const Map *x, *dy;
  const Map* nothing;  // a row of the input map with zeros

  // Adds what the output pixels [begin, end) of a row give to each tap of channel c. `rows` are those of the input; `All`
  // taps lie inside of the map, or only those that are asked.
  template <bool All, class V>
  void pixels(const Map* const* rows, const Map* gradient, int64_t begin, int64_t end, V* taps) const {
    V sum[Kernel * Kernel];
    std::copy(taps, taps + Kernel * Kernel, sum);
    for (int64_t i = begin; i < end; ++i) {
      const V d = load<V>(gradient + i * s.channels);
      const int64_t first = i * s.stride_x - s.left;
#pragma GCC unroll 5
      for (int ky = 0; ky < Kernel; ++ky)
#pragma GCC unroll 5
        for (int kx = 0; kx < Kernel; ++kx) {
          if (!All && (first + kx < 0 || first + kx >= s.width)) continue;
          sum[ky * Kernel + kx] += load<V>(rows[ky] + (first + kx) * s.channels) * d;
        }
    }
    std::copy(sum, sum + Kernel * Kernel, taps);
  }

  // Output pixels of a row whose taps all lie inside of the map.
  int64_t first_inside() const { return std::min(s.out_width, (s.left + s.stride_x - 1) / s.stride_x); }
  int64_t last_inside() const {
    const int64_t room = s.width + s.left - Kernel;
    return std::max(first_inside(), std::min(s.out_width, room < 0 ? 0 : room / s.stride_x + 1));
  }

  template <class V>
  void channel(int64_t c, float* dw) const {
    V total[Kernel * Kernel] = {};
    for (int64_t n = 0; n < s.batch; ++n)
      for (int64_t y = 0; y < s.out_height; ++y) {
        const Map* rows[Kernel];
        for (int64_t k = 0; k < Kernel; ++k) {
          const int64_t row = y * s.stride_y - s.top + k;
          rows[k] = (row >= 0 && row < s.height ? x + (n * s.height + row) * s.width * s.channels : nothing) + c;
        }
        const Map* gradient = dy + (n * s.out_height + y) * s.out_width * s.channels + c;
        V taps[Kernel * Kernel] = {};
        pixels<false>(rows, gradient, 0, first_inside(), taps);
        pixels<true>(rows, gradient, first_inside(), last_inside(), taps);
        pixels<false>(rows, gradient, last_inside(), s.out_width, taps);
        for (int i = 0; i < Kernel * Kernel; ++i) total[i] += taps[i];
      }
    for (int i = 0; i < Kernel * Kernel; ++i) store(dw + i * s.channels + c, total[i]);
  }
};

template <int Kernel, class Map>
void backward_weights_of(const DepthwiseShape& s, const Tensor& x, const Tensor& dy, float* dw) {
  const size_t row = static_cast<size_t>(s.width * s.channels) * sizeof(Map);
  const Map* nothing = static_cast<const Map*>(memset(scratch(row), 0, row));
  const BackwardWeights<Kernel, Map> pass{s, x.as<const Map>(), dy.as<const Map>(), nothing};
  const int64_t blocks = (s.channels + kLanes - 1) / kLanes;
  parallel(blocks, grain_of(s.batch * s.out_height * s.out_width * Kernel * Kernel), [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      const int64_t c0 = block * kLanes, c1 = std::min(s.channels, c0 + kLanes);
      if (c1 - c0 == kLanes) pass.template channel<Lanes>(c0, dw);
      else for (int64_t c = c0; c < c1; ++c) pass.template channel<float>(c, dw);
    }
  });
}

void backward_weights(const DepthwiseShape& s, const Tensor& x, const Tensor& dy, float* dw) {
  const bool bf16 = x.type == Type::bf16;
  if (s.kernel == 3) return bf16 ? backward_weights_of<3, Bf16>(s, x, dy, dw) : backward_weights_of<3, float>(s, x, dy, dw);
  return bf16 ? backward_weights_of<5, Bf16>(s, x, dy, dw) : backward_weights_of<5, float>(s, x, dy, dw);
}

}  // namespace

void add_depthwise() { depthwise() = {backward_weights}; }

}  // namespace PROJ_ISA
