// Random numbers by position: which numbers an element gets follows from the seed and its index alone, so results do not
// depend on the number of threads, and a backward pass makes them again instead of keeping them.
#include "kernels.h"

namespace PROJ_ISA {
namespace {

constexpr int kLanes = 16;
constexpr int64_t kBlock = 4 * kLanes;  // numbers that one call of philox() makes

// Philox4x32-10 (Salmon et al., Parallel random numbers: as easy as 1, 2, 3, SC 2011) for the counters from
// `first` on. Number 16 w + j is word w of counter first + j.
void philox(uint64_t first, uint32_t key0, uint32_t key1, uint32_t* __restrict numbers) {
  uint32_t *a = numbers, *b = a + kLanes, *c = b + kLanes, *d = c + kLanes;
  for (int j = 0; j < kLanes; ++j) {
    const uint64_t counter = first + static_cast<uint64_t>(j);
    a[j] = static_cast<uint32_t>(counter);
    b[j] = static_cast<uint32_t>(counter >> 32);
    c[j] = d[j] = 0;
  }
  for (int round = 0; round < 10; ++round) {
#pragma omp simd
    for (int j = 0; j < kLanes; ++j) {
      const uint64_t p = uint64_t{0xD2511F53} * a[j], q = uint64_t{0xCD9E8D57} * c[j];
      a[j] = static_cast<uint32_t>(q >> 32) ^ b[j] ^ key0;
      b[j] = static_cast<uint32_t>(q);
      c[j] = static_cast<uint32_t>(p >> 32) ^ d[j] ^ key1;
      d[j] = static_cast<uint32_t>(p);
    }
    key0 += 0x9E3779B9;
    key1 += 0xBB67AE85;
  }
}

// x -> y: elements whose number is below rate * 2^32 become 0, the others x / (1 - rate). Numbers: rate, two words of seed.
void dropout(const Call& call) {
  const double rate = call.number(0);
  const uint32_t key0 = static_cast<uint32_t>(call.number(1)), key1 = static_cast<uint32_t>(call.number(2));
  const uint32_t threshold = static_cast<uint32_t>(rate * 4294967296.0);
  const float scale = static_cast<float>(1.0 / (1.0 - rate));
  const int64_t n = call[0].size();
  const float* x = call[0].f32();
  float* y = call[1].f32_out();
  parallel((n + kBlock - 1) / kBlock, grain_of(2 * kBlock), [=](int64_t begin, int64_t end) {
    alignas(64) uint32_t numbers[kBlock];
    for (int64_t block = begin; block < end; ++block) {
      philox(static_cast<uint64_t>(block) * kLanes, key0, key1, numbers);
      const int64_t at = block * kBlock, count = std::min(kBlock, n - at);
      const float* __restrict in = x + at;
      float* __restrict out = y + at;
      // A product, as tfjs has it: what is not finite does not vanish.
      for (int64_t i = 0; i < count; ++i) out[i] = in[i] * (numbers[i] < threshold ? 0.0f : scale);
    }
  });
}

}  // namespace

void add_random() { add_ops({{"dropout", dropout}}); }

}  // namespace PROJ_ISA
