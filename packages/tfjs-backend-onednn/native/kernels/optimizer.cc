// Optimizer steps with PyTorch's semantics, one pass over a parameter.
#include <cmath>

#include "kernels.h"

namespace PROJ_ISA {
namespace {

struct AdamW {
  float beta1, beta2, rest1, rest2, epsilon, keep, l2, step, root;

  void apply(const float* __restrict p, const float* __restrict g, const float* __restrict m, const float* __restrict v,
             float* __restrict p_out, float* __restrict m_out, float* __restrict v_out, int64_t n) const {
    const AdamW k = *this;
    for (int64_t i = 0; i < n; ++i) {
      const float gradient = g[i] + k.l2 * p[i];
      const float first = k.beta1 * m[i] + k.rest1 * gradient;
      const float second = k.beta2 * v[i] + k.rest2 * gradient * gradient;
      m_out[i] = first;
      v_out[i] = second;
      p_out[i] = p[i] * k.keep - k.step * first / (std::sqrt(second) * k.root + k.epsilon);
    }
  }
};

// variable, gradient, m, v, then the three new ones. Numbers: learning rate, beta1, beta2, epsilon, weight decay,
// 1 - beta1^t, 1 - beta2^t, decoupled.
void adamw(const Call& call) {
  const double rate = call.number(0), decay = call.number(4);
  const bool decoupled = call.integer(7);
  AdamW k;
  k.beta1 = static_cast<float>(call.number(1));
  k.beta2 = static_cast<float>(call.number(2));
  k.rest1 = static_cast<float>(1.0 - call.number(1));
  k.rest2 = static_cast<float>(1.0 - call.number(2));
  k.epsilon = static_cast<float>(call.number(3));
  k.keep = static_cast<float>(decoupled ? 1.0 - rate * decay : 1.0);
  k.l2 = static_cast<float>(decoupled ? 0.0 : decay);
  k.step = static_cast<float>(rate / call.number(5));
  k.root = static_cast<float>(1.0 / std::sqrt(call.number(6)));
  parallel(call[0].size(), grain_of(2), [&](int64_t begin, int64_t end) {
    k.apply(call[0].f32() + begin, call[1].f32() + begin, call[2].f32() + begin, call[3].f32() + begin,
            call[4].f32_out() + begin, call[5].f32_out() + begin, call[6].f32_out() + begin, end - begin);
  });
}

struct Sgd {
  float rate, decay, keep, take, direct, along;

  void apply(const float* __restrict p, const float* __restrict g, const float* __restrict buffer,
             float* __restrict p_out, float* __restrict buffer_out, int64_t n) const {
    const Sgd k = *this;
    for (int64_t i = 0; i < n; ++i) {
      const float gradient = g[i] + k.decay * p[i];
      const float next = k.keep * buffer[i] + k.take * gradient;
      buffer_out[i] = next;
      p_out[i] = p[i] - k.rate * (k.direct * gradient + k.along * next);
    }
  }
};

// variable, gradient, momentum buffer?, then the new two. Numbers: learning rate, momentum, dampening, weight decay,
// nesterov, first step (the buffer becomes the gradient).
void sgd(const Call& call) {
  const bool nesterov = call.integer(4), first = call.integer(5) || !call[2].present();
  const float momentum = static_cast<float>(call.number(1));
  Sgd k;
  k.rate = static_cast<float>(call.number(0));
  k.decay = static_cast<float>(call.number(3));
  k.keep = first ? 0.0f : momentum;
  k.take = first ? 1.0f : static_cast<float>(1.0 - call.number(2));
  k.direct = momentum == 0.0f || nesterov ? 1.0f : 0.0f;
  k.along = momentum == 0.0f ? 0.0f : (nesterov ? momentum : 1.0f);
  // On the first step the buffer's place is taken by the variable, which is finite and counts nothing.
  const float* buffer = first ? call[0].f32() : call[2].f32();
  parallel(call[0].size(), grain_of(2), [&](int64_t begin, int64_t end) {
    k.apply(call[0].f32() + begin, call[1].f32() + begin, buffer + begin, call[3].f32_out() + begin,
            call[4].f32_out() + begin, end - begin);
  });
}

}  // namespace

void add_optimizer() { add_ops({{"adamw", adamw}, {"sgd", sgd}}); }

}  // namespace PROJ_ISA
