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

// 1 + e^-x within 2.8 units in the last place where |x| < 17, within 5.5 beyond; infinite below -88.37. By ln 2 (without FMA in two
// parts, after Cody and Waite) and the polynomial with constant 1 and slope -1 that is nearest to e^-r where |r| < ln 2 / 2, within
// 1.1e-7 of it.
template <class V>
inline V one_and_exp_of_minus(V x) {
  using Bits = std::conditional_t<std::is_same_v<V, float>, uint32_t, LaneBits>;
  // Below -88.37 the exponent of e^-x becomes 128, which makes it infinite.
  const V c = at_least(at_most(x, 87.0f), -89.0f);
  // 1.5 * 2^23: adding it rounds to an integer, which its lowest bits then are. With the exponent of 1, that of a power of 2.
  const float magic = 12582912.0f + 127.0f;
  const V shifted = c * -1.44269504088896341f + magic;
  const V n = shifted - magic;
#if defined(__FMA__)
  const V r = c + n * 0.693147180559945309f;
#else
  const V r = (c + n * 0.693359375f) - n * 2.12194440e-4f;
#endif
  const V square = r * r, high = r * -8.31250381e-3f + 4.18903194e-2f, low = r * -0.166671157f + 0.499992311f;
  const V p = (high * square + low) * square + (1.0f - r);
  Bits exponent;
  memcpy(&exponent, &shifted, sizeof exponent);
  exponent <<= 23;
  V power;
  memcpy(&power, &exponent, sizeof power);
  return p * power + 1.0f;
}

// Both within 3.7 units in the last place where |x| < 17, within 6.7 down to -87.3 for the one and to -88.37 for the other; below
// that perhaps 0, where the other is less than 3.8e-37.
template <class V>
inline V quick_sigmoid(V x) { return 1.0f / one_and_exp_of_minus(x); }
template <class V>
inline V silu(V x) { return x / one_and_exp_of_minus(x); }
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
