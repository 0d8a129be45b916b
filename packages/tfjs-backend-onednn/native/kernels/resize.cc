// Resizing of NHWC pictures as tfjs has it.
#include <cmath>

#include "kernels.h"

namespace PROJ_ISA {
namespace {

// Numbers: scale by height and width (input pixels for one output pixel), half-pixel centres.
struct Axis {
  double scale;
  bool half;
  int64_t size;

  struct At {
    int64_t low, high;
    float fraction;
  };
  At at(int64_t i) const {
    const double source = half ? (static_cast<double>(i) + 0.5) * scale - 0.5 : static_cast<double>(i) * scale;
    const int64_t low = std::max<int64_t>(0, static_cast<int64_t>(std::floor(source)));
    return {low, std::min<int64_t>(size - 1, static_cast<int64_t>(std::ceil(source))),
            static_cast<float>(source - static_cast<double>(low))};
  }
};

void resize_bilinear(const Call& call) {
  const Tensor &x = call[0], &y = call[1];
  const Axis vertical{call.number(0), call.integer(2) != 0, x.dims[1]}, horizontal{call.number(1), call.integer(2) != 0, x.dims[2]};
  const int64_t height = y.dims[1], width = y.dims[2], channels = y.dims[3];
  parallel(y.dims[0] * height, grain_of(width * channels), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const Axis::At v = vertical.at(row % height);
      const float* image = x.f32() + row / height * x.dims[1] * x.dims[2] * channels;
      const float *top = image + v.low * x.dims[2] * channels, *bottom = image + v.high * x.dims[2] * channels;
      float* out = y.f32_out() + row * width * channels;
      for (int64_t w = 0; w < width; ++w, out += channels) {
        const Axis::At h = horizontal.at(w);
        const int64_t left = h.low * channels, right = h.high * channels;
        for (int64_t c = 0; c < channels; ++c) {
          const float above = top[left + c] + (top[right + c] - top[left + c]) * h.fraction;
          const float below = bottom[left + c] + (bottom[right + c] - bottom[left + c]) * h.fraction;
          out[c] = above + (below - above) * v.fraction;
        }
      }
    }
  });
}

// dy, dx. Numbers: scale by height and width.
void resize_bilinear_grad(const Call& call) {
  const Tensor &dy = call[0], &dx = call[1];
  const Axis vertical{call.number(0), false, dx.dims[1]}, horizontal{call.number(1), false, dx.dims[2]};
  const int64_t height = dy.dims[1], width = dy.dims[2], channels = dy.dims[3], picture = dx.dims[1] * dx.dims[2] * channels;
  parallel(dy.dims[0], 1, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      float* target = dx.f32_out() + b * picture;
      std::fill(target, target + picture, 0.0f);
      const float* g = dy.f32() + b * height * width * channels;
      for (int64_t r = 0; r < height; ++r) {
        const Axis::At v = vertical.at(r);
        for (int64_t w = 0; w < width; ++w, g += channels) {
          const Axis::At h = horizontal.at(w);
          float *a = target + (v.low * dx.dims[2] + h.low) * channels, *b2 = target + (v.low * dx.dims[2] + h.high) * channels;
          float *c2 = target + (v.high * dx.dims[2] + h.low) * channels, *d = target + (v.high * dx.dims[2] + h.high) * channels;
          const float up = 1.0f - v.fraction, leftward = 1.0f - h.fraction;
          for (int64_t c = 0; c < channels; ++c) a[c] += g[c] * up * leftward;
          for (int64_t c = 0; c < channels; ++c) b2[c] += g[c] * up * h.fraction;
          for (int64_t c = 0; c < channels; ++c) c2[c] += g[c] * v.fraction * leftward;
          for (int64_t c = 0; c < channels; ++c) d[c] += g[c] * v.fraction * h.fraction;
        }
      }
    }
  });
}

}  // namespace

void add_resize() { add_ops({{"resize_bilinear", resize_bilinear}, {"resize_bilinear_grad", resize_bilinear_grad}}); }

}  // namespace PROJ_ISA
