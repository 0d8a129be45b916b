// Activations and their gradients, of a float or of a register of them.
#pragma once

#include "../finish.h"
#include "lanes.h"

namespace PROJ_ISA {

// Not-a-number comes through both, as tfjs has it.
template <class V>
inline V relu(V x) { return x < V{} ? V{} : x; }
// Gradient of relu from its output, where tfjs multiplies dy by a step.
template <class V>
inline V relu_grad(V dy, V y) { return y > V{} ? dy : (y != y ? y : dy * 0.0f); }

// 1 / (1 + e^-x) within 3.2 units in the last place; below -87.3, where it is less than 2^-125, perhaps 0. By ln 2 in two parts
// (Cody and Waite) and the polynomial of its degree that is nearest to e^-r where |r| < ln 2 / 2, within 3.1e-9 of it.
template <class V>
inline V quick_sigmoid(V x) {
  using Bits = std::conditional_t<std::is_same_v<V, float>, uint32_t, LaneBits>;
  // Beyond -88.4 the exponent of e^-x becomes 128, which makes it infinite. Not-a-number comes through.
  const V greatest = V{} + 87.0f, least = V{} - 89.0f;
  V c = x > greatest ? greatest : x;
  c = c < least ? least : c;
  // 1.5 * 2^23: adding it rounds to an integer, which its lowest bits then are. With the exponent of 1, that of a power of 2.
  const float magic = 12582912.0f + 127.0f;
  const V shifted = c * -1.44269504088896341f + magic;
  const V n = shifted - magic;
  const V r = (c + n * 0.693359375f) - n * 2.12194440e-4f, square = r * r;
  const V high = square * 1.38145406e-3f + (r * -8.36874545e-3f + 4.1668389e-2f), low = r * -1.66665211e-1f + 4.9999994e-1f;
  const V p = (high * square + low) * square + (1.0f - r);
  Bits exponent;
  memcpy(&exponent, &shifted, sizeof exponent);
  exponent <<= 23;
  V power;
  memcpy(&power, &exponent, sizeof power);
  return 1.0f / (p * power + 1.0f);
}

template <class V>
inline V silu(V x) { return quick_sigmoid(x) * x; }
// Gradient of silu from its input.
template <class V>
inline V silu_grad(V dy, V x) {
  const V s = quick_sigmoid(x);
  return dy * (x * (s - s * s) + s);
}

// What follows a convolution. A ReLU makes 0 of what is not a number.
template <class V>
inline V activated(V x, After after) {
  if (after == After::silu) return silu(x);
  return after == After::relu ? (x > 0.0f ? x : V{}) : x;
}

}  // namespace PROJ_ISA
