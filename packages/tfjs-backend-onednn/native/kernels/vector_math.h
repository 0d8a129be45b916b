// Elementary functions in branch-free f32 arithmetic that the compiler vectorises. Errors are below 2 units in the last place
// unless stated; infinities, zeros, denormals and not-a-number come out as the C library has them.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

namespace PROJ_ISA {

inline int32_t bits_of(float x) {
  int32_t i;
  memcpy(&i, &x, sizeof i);
  return i;
}
inline float float_of(int32_t i) {
  float x;
  memcpy(&x, &i, sizeof x);
  return x;
}

// Range reduction by ln 2 in two parts (Cody and Waite), polynomial of Cephes' expf.
inline float vexp(float x) {
  const float clamped = x > 89.0f ? 89.0f : (x < -104.0f ? -104.0f : x);
  const float magic = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  const float n = (clamped * 1.44269504088896341f + magic) - magic;
  float r = clamped - n * 0.693359375f;
  r = r + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  // 2^n in two factors, so that results down to the denormals and up to the largest float are reached.
  const int32_t whole = static_cast<int32_t>(n == n ? n : 0.0f), half = whole >> 1;
  const float scaled = p * float_of((half + 127) << 23) * float_of((whole - half + 127) << 23);
  return x != x ? x : scaled;
}

// Polynomial of Cephes' logf on [sqrt(1/2), sqrt(2)).
inline float vlog(float x) {
  const bool tiny = x < 1.17549435e-38f;
  const int32_t i = bits_of(tiny ? x * 8388608.0f : x);
  // Exponent of x / sqrt(1/2), mantissa in [sqrt(1/2), sqrt(2)).
  const int32_t e = (i - 0x3f3504f3) >> 23;
  const float m = float_of(i - (e << 23)) - 1.0f;
  const float n = static_cast<float>(e) - (tiny ? 23.0f : 0.0f);
  const float z = m * m;
  float p = 7.0376836292e-2f;
  p = p * m - 1.1514610310e-1f;
  p = p * m + 1.1676998740e-1f;
  p = p * m - 1.2420140846e-1f;
  p = p * m + 1.4249322787e-1f;
  p = p * m - 1.6668057665e-1f;
  p = p * m + 2.0000714765e-1f;
  p = p * m - 2.4999993993e-1f;
  p = p * m + 3.3333331174e-1f;
  float y = p * m * z;
  y = y + n * -2.12194440e-4f;
  y = y - 0.5f * z;
  float result = m + y + n * 0.693359375f;
  const float infinity = std::numeric_limits<float>::infinity();
  result = x == infinity ? infinity : result;
  result = x == 0.0f ? -infinity : result;
  return x < 0.0f || x != x ? std::numeric_limits<float>::quiet_NaN() : result;
}

inline float vsigmoid(float x) {
  const float e = vexp(x < 0 ? x : -x);  // in (0, 1]: nothing overflows
  const float y = 1.0f / (1.0f + e);
  return x < 0 ? e * y : y;
}

// Rational approximation, degrees 13 and 6; it reaches 1 at 7.9.
inline float vtanh(float x) {
  const float c = x > 7.90531110763549805f ? 7.90531110763549805f : (x < -7.90531110763549805f ? -7.90531110763549805f : x);
  const float z = c * c;
  float p = -2.76076847742355e-16f;
  p = p * z + 2.00018790482477e-13f;
  p = p * z - 8.60467152213735e-11f;
  p = p * z + 5.12229709037114e-08f;
  p = p * z + 1.48572235717979e-05f;
  p = p * z + 6.37261928875436e-04f;
  p = p * z + 4.89352455891786e-03f;
  p = p * c;
  float q = 1.19825839466702e-06f;
  q = q * z + 1.18534705686654e-04f;
  q = q * z + 2.26843463243900e-03f;
  q = q * z + 4.89352518554385e-03f;
  const float y = p / q;
  const float small = x < 0.0004f && x > -0.0004f ? x : y;
  return x != x ? x : small;
}

}  // namespace PROJ_ISA
