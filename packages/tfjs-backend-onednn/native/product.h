// Products of f32 matrices that share the right one, one after the other on one thread, as the steps of a recurrence need.
#pragma once

#include <cstdint>
#include <vector>

class Product {
 public:
  // For c [m, n] = a [m, k] b, where b is [k, n] or, transposed, comes as [n, k]. It is packed at once, for this call of an
  // operation. `lanes`: how many threads may run products at a time. Only on the thread that runs the call.
  Product(int64_t m, int64_t n, int64_t k, const float* b, bool transposed, int64_t lanes);

  // On any thread, a lane in [0, lanes) on one at a time. False where oneDNN failed: no exception may leave a parallel region.
  bool run(int64_t lane, const float* a, float* c) const noexcept;

 private:
  struct Entry;
  static Entry& entry(int64_t m, int64_t n, int64_t k, bool transposed);

  const Entry& entry_;
  const void* b_;
  std::vector<void*> scratch_;
};
