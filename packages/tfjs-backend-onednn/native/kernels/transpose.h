// Squares of 32-bit numbers, rows to columns.
#pragma once

#include "lanes.h"

namespace PROJ_ISA {

typedef int32_t LaneNumbers __attribute__((vector_size(kRegister)));
typedef uint32_t LaneBitsInMemory __attribute__((vector_size(kRegister), aligned(4), may_alias));

// Of kLanes registers: exchanges, for Distance and then all larger powers of two, what lies so far right of the diagonal of
// a square of twice that side with what lies as far below it.
template <int Distance>
inline void transpose_lanes(LaneBits* v) {
  if constexpr (Distance < kLanes) {
    LaneNumbers above, below;
    for (int j = 0; j < kLanes; ++j) {
      above[j] = j & Distance ? kLanes + j - Distance : j;
      below[j] = j & Distance ? kLanes + j : j + Distance;
    }
    for (int i = 0; i < kLanes; ++i) {
      if (i & Distance) continue;
      const LaneBits a = v[i], b = v[i + Distance];
      v[i] = __builtin_shuffle(a, b, above);
      v[i + Distance] = __builtin_shuffle(a, b, below);
    }
    transpose_lanes<2 * Distance>(v);
  }
}

// to[j, i] = from[i, j] for 16 rows of `from` and `columns` of its 16 columns; strides in numbers from row to row.
inline void transpose16(const void* from, int64_t from_stride, void* to, int64_t to_stride, int64_t columns = 16) {
  const auto* source = static_cast<const char*>(from);
  auto* target = static_cast<char*>(to);
  for (int64_t i = 0; i < 16; i += kLanes)
    for (int64_t j = 0; j < columns; j += kLanes) {
      LaneBits v[kLanes];
      for (int64_t k = 0; k < kLanes; ++k)
        v[k] = *reinterpret_cast<const LaneBitsInMemory*>(source + 4 * ((i + k) * from_stride + j));
      transpose_lanes<1>(v);
      for (int64_t k = 0; k < std::min<int64_t>(kLanes, columns - j); ++k)
        *reinterpret_cast<LaneBitsInMemory*>(target + 4 * ((j + k) * to_stride + i)) = v[k];
    }
}

}  // namespace PROJ_ISA
