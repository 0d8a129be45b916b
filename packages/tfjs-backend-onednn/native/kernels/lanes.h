// Registers of floats, and maps read into and written from them.
#pragma once

#include <immintrin.h>

#include "kernels.h"

namespace PROJ_ISA {

#if defined(__AVX512F__)
constexpr int kRegister = 64;
#elif defined(__AVX2__)
constexpr int kRegister = 32;
#else
constexpr int kRegister = 16;
#endif
constexpr int kLanes = kRegister / 4;

typedef float Lanes __attribute__((vector_size(kRegister)));
typedef float LanesInMemory __attribute__((vector_size(kRegister), aligned(4), may_alias));
typedef uint32_t LaneBits __attribute__((vector_size(kRegister)));
typedef uint16_t HalfBitsInMemory __attribute__((vector_size(kRegister / 2), aligned(2), may_alias));

// Not more, and not less, than a bound; not-a-number comes through.
inline Lanes at_most(Lanes x, float bound) {
#if defined(__AVX512F__)
  return (Lanes)_mm512_min_ps(_mm512_set1_ps(bound), (__m512)x);
#elif defined(__AVX2__)
  return (Lanes)_mm256_min_ps(_mm256_set1_ps(bound), (__m256)x);
#else
  return (Lanes)_mm_min_ps(_mm_set1_ps(bound), (__m128)x);
#endif
}
inline Lanes at_least(Lanes x, float bound) {
#if defined(__AVX512F__)
  return (Lanes)_mm512_max_ps(_mm512_set1_ps(bound), (__m512)x);
#elif defined(__AVX2__)
  return (Lanes)_mm256_max_ps(_mm256_set1_ps(bound), (__m256)x);
#else
  return (Lanes)_mm_max_ps(_mm_set1_ps(bound), (__m128)x);
#endif
}
inline float at_most(float x, float bound) { return x > bound ? bound : x; }
inline float at_least(float x, float bound) { return x < bound ? bound : x; }

// Calls f(i, V) for all of n numbers, V being Lanes while as many are left and then float.
template <class F>
inline void for_lanes(int64_t n, F&& f) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) f(i, Lanes{});
  for (; i < n; ++i) f(i, float{});
}

template <class V, class Map>
inline V load(const Map* at) {
  if constexpr (std::is_same_v<V, float>) {
    return *at;
  } else if constexpr (std::is_same_v<Map, float>) {
    return *reinterpret_cast<const LanesInMemory*>(at);
  } else {
    return (Lanes)(__builtin_convertvector(*reinterpret_cast<const HalfBitsInMemory*>(at), LaneBits) << 16);
  }
}

// To bf16 by the rule of Bf16.
template <class V, class Map>
inline void store(Map* at, V x) {
  if constexpr (std::is_same_v<V, float>) {
    *at = x;
  } else if constexpr (std::is_same_v<Map, float>) {
    *reinterpret_cast<LanesInMemory*>(at) = x;
  } else {
    const LaneBits wide = (LaneBits)x;
    const LaneBits rounded = (wide + 0x7fffu + (wide >> 16 & 1u)) >> 16;
    const LaneBits bits = x == x ? rounded : (wide >> 16 | 0x40u);
    *reinterpret_cast<HalfBitsInMemory*>(at) = __builtin_convertvector(bits, HalfBitsInMemory);
  }
}

}  // namespace PROJ_ISA
