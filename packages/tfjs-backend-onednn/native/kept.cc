#include "kept.h"

#include <atomic>
#include <cstdlib>
#include <map>
#include <utility>

#include "pool.h"

namespace {

std::atomic<int64_t> bytes{0};

struct Copy {
  void* data = nullptr;  // after the first use of the weights still none
  size_t size = 0;

  Copy() = default;
  Copy(const Copy&) = delete;
  ~Copy() {
    free(data);
    bytes -= static_cast<int64_t>(size);
  }

  bool allocate(size_t wanted) {
    if (posix_memalign(&data, 64, wanted) != 0) return false;
    size = wanted;
    bytes += static_cast<int64_t>(size);
    return true;
  }
};

// By the weights' buffer, then by layout.
std::map<std::pair<uint64_t, uint64_t>, Copy>& copies() {
  static auto* instance = new std::map<std::pair<uint64_t, uint64_t>, Copy>;
  return *instance;
}

}  // namespace

uint64_t next_layout() {
  static uint64_t last = 0;
  return ++last;
}

const void* packed(const Tensor& weights, uint64_t layout, size_t bytes,
                   const std::function<void(const void* weights, void* packed)>& pack) {
  const auto for_now = [&] {
    void* target = scratch(bytes);
    pack(weights.data, target);
    return target;
  };
  if (weights.serial == 0) return for_now();
  const std::pair<uint64_t, uint64_t> key{weights.serial, layout};
  const auto found = copies().find(key);
  if (found == copies().end()) {
    if (pool_watch(weights.data, weights.serial)) copies().try_emplace(key);
    return for_now();
  }
  Copy& copy = found->second;
  if (!copy.data) {
    if (!copy.allocate(bytes)) return for_now();
    pack(weights.data, copy.data);
  }
  return copy.data;
}

const void* reordered(const Tensor& weights, const dnn::Reorder& reorder, uint64_t layout) {
  if (!reorder.needed) return weights.data;
  return packed(weights, layout, reorder.to.get_size(), [&](const void* from, void* to) { reorder.run(from, to); });
}

void drop_ended() {
  for (const uint64_t serial : pool_take_ended())
    copies().erase(copies().lower_bound({serial, 0}), copies().lower_bound({serial + 1, 0}));
}

int64_t kept_bytes() { return bytes; }
