// Pooling over NHWC; channels are the vector dimension.
#include <limits>

#include "kernels.h"

namespace PROJ_ISA {
namespace {

struct Window {
  int64_t batch, in_h, in_w, channels, out_h, out_w;
  int64_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, top, left;

  // Numbers: kernel, stride and dilation by height and width, top, left.
  Window(const Call& call, const Tensor& in, const Tensor& out)
      : batch(in.dims[0]), in_h(in.dims[1]), in_w(in.dims[2]), channels(in.dims[3]), out_h(out.dims[1]),
        out_w(out.dims[2]), kernel_h(call.integer(0)), kernel_w(call.integer(1)), stride_h(call.integer(2)),
        stride_w(call.integer(3)), dilation_h(call.integer(4)), dilation_w(call.integer(5)), top(call.integer(6)),
        left(call.integer(7)) {}

  // Calls f(offset of the input pixel, index in the window) for the pixels under an output pixel.
  template <class F>
  void each(int64_t oh, int64_t ow, F&& f) const {
    for (int64_t kh = 0; kh < kernel_h; ++kh) {
      const int64_t h = oh * stride_h - top + kh * dilation_h;
      if (h < 0 || h >= in_h) continue;
      for (int64_t kw = 0; kw < kernel_w; ++kw) {
        const int64_t w = ow * stride_w - left + kw * dilation_w;
        if (w < 0 || w >= in_w) continue;
        f((h * in_w + w) * channels, kh * kernel_w + kw);
      }
    }
  }

  int64_t grain() const { return grain_of(out_w * channels * kernel_h * kernel_w); }
};

constexpr int64_t kChunk = 64;

template <int64_t kChannels>
using Channels = std::integral_constant<int64_t, kChannels>;

// Calls f(row of outputs, column, first channel, channels) for stretches of kChunk channels, and what is left of them; the
// number of channels is a constant where it can be, which lets the compiler keep them in registers.
template <class F>
void over_outputs(const Window& p, F&& f) {
  parallel(p.batch * p.out_h, p.grain(), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row)
      for (int64_t ow = 0; ow < p.out_w; ++ow) {
        int64_t c = 0;
        for (; c + kChunk <= p.channels; c += kChunk) f(row, ow, c, Channels<kChunk>());
        for (; c + 16 <= p.channels; c += 16) f(row, ow, c, Channels<16>());
        if (c < p.channels) f(row, ow, c, p.channels - c);
      }
  });
}

struct Largest {
  static constexpr float kStart = -std::numeric_limits<float>::infinity();
  static float take(float best, float value) { return value > best ? value : best; }
  static float end(float best, int64_t) { return best; }
};

struct Mean {
  static constexpr float kStart = 0.0f;
  static float take(float sum, float value) { return sum + value; }
  // Of the pixels there are: at the border fewer than the window has.
  static float end(float sum, int64_t count) { return sum / static_cast<float>(count); }
};

// x, y
template <class Reduce, class T>
void pool_of(const Call& call) {
  const Window p(call, call[0], call[1]);
  const T* x = call[0].as<const T>();
  T* y = call[1].as<T>();
  over_outputs(p, [=](int64_t row, int64_t ow, int64_t c0, auto n) {
    const T* image = x + row / p.out_h * p.in_h * p.in_w * p.channels + c0;
    T* out = y + (row * p.out_w + ow) * p.channels + c0;
    float value[kChunk];
    std::fill(value, value + n, Reduce::kStart);
    int64_t count = 0;
    p.each(row % p.out_h, ow, [&](int64_t at, int64_t) {
      const T* in = image + at;
      for (int64_t c = 0; c < n; ++c) value[c] = Reduce::take(value[c], in[c]);
      ++count;
    });
    for (int64_t c = 0; c < n; ++c) out[c] = Reduce::end(value[c], count);
  });
}

template <class Reduce>
void pool(const Call& call) {
  call[0].type == Type::bf16 ? pool_of<Reduce, Bf16>(call) : pool_of<Reduce, float>(call);
}

// Windows may overlap, so a thread owns whole pictures, or with few pictures whole stripes of channels.
template <class F>
void over_pictures(const Window& p, F&& f) {
  const int64_t threads = team_threads();
  const int64_t stripes = p.batch >= threads ? 1 : std::min(threads, std::max<int64_t>(1, p.channels / 16));
  const int64_t work = p.in_h * p.in_w * p.channels / stripes;
  parallel(p.batch * stripes, grain_of(work), [&](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; ++item) {
      const int64_t stripe = item % stripes;
      f(item / stripes, p.channels * stripe / stripes, p.channels * (stripe + 1) / stripes);
    }
  });
}

// dy, x, dx: each gradient goes to the first largest pixel of its window.
void max_pool_grad(const Call& call) {
  const Window p(call, call[1], call[0]);
  const float *dy = call[0].f32(), *x = call[1].f32();
  float* dx = call[2].f32_out();
  over_pictures(p, [&](int64_t picture, int64_t from, int64_t to) {
    const int64_t size = p.in_h * p.in_w * p.channels;
    const float* image = x + picture * size;
    float* target = dx + picture * size;
    for (int64_t i = 0; i < p.in_h * p.in_w; ++i) std::fill(target + i * p.channels + from, target + i * p.channels + to, 0.0f);
    for (int64_t oh = 0; oh < p.out_h; ++oh)
      for (int64_t ow = 0; ow < p.out_w; ++ow) {
        const float* gradient = dy + ((picture * p.out_h + oh) * p.out_w + ow) * p.channels;
        for (int64_t c0 = from; c0 < to; c0 += kChunk) {
          const int64_t n = std::min(kChunk, to - c0);
          float best[kChunk];
          int32_t where[kChunk];
          for (int64_t c = 0; c < n; ++c) best[c] = -std::numeric_limits<float>::infinity(), where[c] = -1;
          p.each(oh, ow, [&](int64_t at, int64_t index) {
            const float* in = image + at + c0;
            const int32_t id = static_cast<int32_t>(index);
            for (int64_t c = 0; c < n; ++c) {
              const bool better = in[c] > best[c];
              best[c] = better ? in[c] : best[c];
              where[c] = better ? id : where[c];
            }
          });
          p.each(oh, ow, [&](int64_t at, int64_t index) {
            float* out = target + at + c0;
            const int32_t id = static_cast<int32_t>(index);
            for (int64_t c = 0; c < n; ++c) out[c] += where[c] == id ? gradient[c0 + c] : 0.0f;
          });
        }
      }
  });
}

// dy, dx. As tfjs has it, the divisor is the whole window also at the border, where the forward pass counts pixels.
void avg_pool_grad(const Call& call) {
  const Window p(call, call[1], call[0]);
  const float* dy = call[0].f32();
  float* dx = call[1].f32_out();
  const float scale = 1.0f / static_cast<float>(p.kernel_h * p.kernel_w);
  over_pictures(p, [&](int64_t picture, int64_t from, int64_t to) {
    float* target = dx + picture * p.in_h * p.in_w * p.channels;
    for (int64_t i = 0; i < p.in_h * p.in_w; ++i) std::fill(target + i * p.channels + from, target + i * p.channels + to, 0.0f);
    for (int64_t oh = 0; oh < p.out_h; ++oh)
      for (int64_t ow = 0; ow < p.out_w; ++ow) {
        const float* gradient = dy + ((picture * p.out_h + oh) * p.out_w + ow) * p.channels;
        p.each(oh, ow, [&](int64_t at, int64_t) {
          for (int64_t c = from; c < to; ++c) target[at + c] += gradient[c] * scale;
        });
      }
  });
}

// A window for each number of the smaller map, which no input or output is smaller than.
double steps(const Call& call) {
  int64_t outputs = call[0].size();
  for (const Tensor& map : call.tensors) outputs = std::min(outputs, map.size());
  return 2.0 * static_cast<double>(outputs * call.integer(0) * call.integer(1));
}

}  // namespace

void add_pool() {
  add_ops({{"max_pool", pool<Largest>, all_bf16, false, nullptr, steps},
           {"avg_pool", pool<Mean>, all_bf16, false, nullptr, steps},
           {"max_pool_grad", max_pool_grad, nullptr, false, nullptr, steps},
           {"avg_pool_grad", avg_pool_grad, nullptr, false, nullptr, steps}});
}

}  // namespace PROJ_ISA
