// Every file of this folder is compiled once for each instruction set; PROJ_ISA names the namespace.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "../team.h"
#include "../tensor.h"

void* scratch(size_t bytes);

namespace PROJ_ISA {

void add_binary();
void add_unary();
void add_reduce();
void add_copy();
void add_index();
void add_pool();
void add_batchnorm();
void add_gate();
void add_softmax();
void add_optimizer();
void add_resize();
void add_random();
void add_lstm();
void add_winograd();
void add_indirect();
void add_direct();
void add_direct_weights();
void add_depthwise_weights();
void add_depthwise_forward();
void add_amx();
void add_amx_weights();
void add_amx_stem();

// A bfloat16 in memory. It is read as the float with the same upper half; a float that is stored is rounded to nearest even,
// not-a-number stays one.
struct Bf16 {
  uint16_t bits;

  Bf16() = default;
  Bf16(float x) {
    uint32_t wide;
    memcpy(&wide, &x, sizeof wide);
    const uint32_t rounded = (wide + 0x7fffu + (wide >> 16 & 1u)) >> 16;
    bits = static_cast<uint16_t>(x != x ? (wide >> 16 | 0x40u) : rounded);
  }
  operator float() const {
    const uint32_t wide = uint32_t{bits} << 16;
    float x;
    memcpy(&x, &wide, sizeof x);
    return x;
  }
};

inline bool all_bf16(const Call& call) {
  for (const Tensor& t : call.tensors)
    if (t.present() && t.type != Type::bf16) return false;
  return true;
}

constexpr int64_t kGrain = 32768;  // cheap elements

// The grain of items that cost as much as `elements` cheap ones; of empty tensors that is none.
inline int64_t grain_of(int64_t elements) {
  return std::max<int64_t>(1, kGrain / std::max<int64_t>(1, elements));
}

}  // namespace PROJ_ISA
