#include "pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "queue.h"

namespace {

constexpr size_t kAlign = 64;
constexpr size_t kCommitStep = size_t{64} << 20;
// Blocks below this live in their own region, so that a long-lived scalar does not split the space of activations.
constexpr size_t kSmall = size_t{64} << 10;
enum { kSmallRegion, kLargeRegion };

// Stands beside the memory, not in it: calls that wait in the queue may still write to a block that is free again.
struct Block {
  char* data;
  size_t size;
  Block *before, *after;  // neighbours in memory
  Env* owner;             // of a block in use
  uint64_t free_at;       // tasks submitted when it was freed
  int region;
  bool used;
  uint64_t serial;  // of a block in use
  bool watched;
};

struct BySize {
  bool operator()(const Block* a, const Block* b) const { return a->size != b->size ? a->size < b->size : a->data < b->data; }
};

struct Region {
  char* base = nullptr;
  size_t reserved = 0, committed = 0, top = 0;  // top: end of the last block
  Block* last = nullptr;
  std::set<Block*, BySize> free;
};

struct Pool {
  std::mutex lock;
  Region regions[2];
  std::unordered_map<void*, Block*> used;
  size_t limit = 0;
  PoolStats stats{};
  uint64_t serial = 0;
  std::vector<uint64_t> ended;
  std::atomic<bool> some_ended{false};
};

size_t read_number(const char* path, const std::string& key) {
  std::ifstream file(path);
  std::string word;
  while (file >> word) {
    if (!key.empty() && word != key) continue;
    if (!key.empty()) file >> word;
    return strtoull(word.c_str(), nullptr, 10);
  }
  return 0;
}

size_t memory_limit() {
  if (const char* text = getenv("PROJ_ONEDNN_MEMORY_LIMIT"))
    if (const size_t value = strtoull(text, nullptr, 10)) return value;
  size_t limit = read_number("/proc/meminfo", "MemTotal:") * 1024;
  for (const char* path : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    const size_t value = read_number(path, "");
    if (value > 0 && (limit == 0 || value < limit)) limit = value;
  }
  return limit ? limit : size_t{64} << 30;
}

void reserve(Region& region, size_t bytes) {
  for (; bytes >= kCommitStep; bytes /= 2) {
    void* base = mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) continue;
    region.base = static_cast<char*>(base);
    region.reserved = bytes;
    return;
  }
}

// Never destroyed: the compute thread outlives the destructors that run at process exit.
Pool& pool() {
  static Pool* instance = [] {
    Pool* made = new Pool;
    made->limit = memory_limit();
    const size_t room = std::max(made->limit * 2, size_t{1} << 30);
    reserve(made->regions[kSmallRegion], room / 2);
    reserve(made->regions[kLargeRegion], room);
    return made;
  }();
  return *instance;
}

// Whole pages of a block go back to the operating system; what is in them is lost.
void give_back(const Block& block) {
  constexpr uintptr_t page = 4096;
  const uintptr_t begin = (reinterpret_cast<uintptr_t>(block.data) + page - 1) & ~(page - 1);
  const uintptr_t end = reinterpret_cast<uintptr_t>(block.data + block.size) & ~(page - 1);
  if (end > begin) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

// A free block at the end of a region no longer counts towards the limit, once no call in the queue uses it.
void lower_tops(Pool& p) {
  const uint64_t completed = queue_completed();
  for (Region& region : p.regions) {
    Block* last = region.last;
    if (!last || last->used || last->free_at > completed) continue;
    give_back(*last);
    region.free.erase(last);
    region.top -= last->size;
    region.last = last->before;
    if (region.last) region.last->after = nullptr;
    delete last;
  }
}

Block* grow(Pool& p, int index, size_t size) {
  Region& region = p.regions[index];
  const auto exceeds = [&] { return p.regions[0].top + p.regions[1].top + size > p.limit; };
  if (exceeds()) lower_tops(p);
  if (exceeds() || region.top + size > region.reserved) return nullptr;
  if (region.top + size > region.committed) {
    const size_t end = (region.top + size + kCommitStep - 1) / kCommitStep * kCommitStep;
    const size_t bytes = std::min(region.reserved, end) - region.committed;
    char* from = region.base + region.committed;
    if (mprotect(from, bytes, PROT_READ | PROT_WRITE) != 0) return nullptr;
    if (index == kLargeRegion) madvise(from, bytes, MADV_HUGEPAGE);
    region.committed += bytes;
  }
  Block* block = new Block{region.base + region.top, size, region.last, nullptr, nullptr, 0, index, false, 0, false};
  if (region.last) region.last->after = block;
  region.last = block;
  region.top += size;
  p.stats.high_water = std::max(p.stats.high_water, static_cast<int64_t>(p.regions[0].top + p.regions[1].top));
  return block;
}

// Cuts `block` to `size` and makes the rest a free block, unless that would be a splinter.
void split(Region& region, Block* block, size_t size) {
  const size_t rest = block->size - size;
  if (rest < (block->region == kLargeRegion ? kSmall / 4 : kAlign)) return;
  Block* tail = new Block{block->data + size, rest, block, block->after, nullptr, block->free_at, block->region, false,
                          0, false};
  if (tail->after) tail->after->before = tail;
  else region.last = tail;
  block->after = tail;
  block->size = size;
  region.free.insert(tail);
}

// Joins `block` with the free block behind it.
void absorb(Region& region, Block* block, Block* next) {
  block->size += next->size;
  block->free_at = std::max(block->free_at, next->free_at);
  block->after = next->after;
  if (block->after) block->after->before = block;
  else region.last = block;
  delete next;
}

void release(Pool& p, Block* block) {
  p.stats.live_bytes -= static_cast<int64_t>(block->size);
  p.stats.live_blocks -= 1;
  Region& region = p.regions[block->region];
  block->used = false;
  if (block->watched) {
    p.ended.push_back(block->serial);
    p.some_ended = true;
  }
  block->free_at = queue_submitted();
  if (Block* next = block->after; next && !next->used) {
    region.free.erase(next);
    absorb(region, block, next);
  }
  if (Block* before = block->before; before && !before->used) {
    region.free.erase(before);
    absorb(region, before, block);
    block = before;
  }
  region.free.insert(block);
}

void* allocate(Pool& p, Env* owner, size_t bytes, bool idle) {
  const size_t size = std::max(kAlign, (bytes + kAlign - 1) / kAlign * kAlign);
  const int index = size >= kSmall ? kLargeRegion : kSmallRegion;
  std::lock_guard<std::mutex> guard(p.lock);
  Region& region = p.regions[index];
  Block probe{};
  probe.size = size;
  Block* block = nullptr;
  const uint64_t completed = idle ? queue_completed() : 0;
  for (auto it = region.free.lower_bound(&probe); it != region.free.end(); ++it) {
    if (idle && (*it)->free_at > completed) continue;
    block = *it;
    region.free.erase(it);
    split(region, block, size);
    break;
  }
  if (!block) block = grow(p, index, size);
  if (!block) return nullptr;
  block->used = true;
  block->owner = owner;
  block->serial = ++p.serial;
  block->watched = false;
  p.used.emplace(block->data, block);
  p.stats.live_bytes += static_cast<int64_t>(block->size);
  p.stats.live_blocks += 1;
  p.stats.peak_live_bytes = std::max(p.stats.peak_live_bytes, p.stats.live_bytes);
  return block->data;
}

}  // namespace

void* pool_allocate(Env* owner, size_t bytes, bool idle) {
  Pool& p = pool();
  if (bytes > p.limit) return nullptr;
  if (void* data = allocate(p, owner, bytes, idle)) return data;
  // What only calls in the queue still use is free once they have run.
  queue_wait(queue_submitted());
  return allocate(p, owner, bytes, idle);
}

void pool_free(void* data) {
  Pool& p = pool();
  std::lock_guard<std::mutex> guard(p.lock);
  const auto found = p.used.find(data);
  if (found == p.used.end()) return;
  Block* block = found->second;
  p.used.erase(found);
  release(p, block);
}

void pool_free_all(Env* owner) {
  Pool& p = pool();
  std::lock_guard<std::mutex> guard(p.lock);
  for (auto it = p.used.begin(); it != p.used.end();) {
    Block* block = it->second;
    if (block->owner != owner) {
      ++it;
      continue;
    }
    it = p.used.erase(it);
    release(p, block);
  }
}

uint64_t pool_serial(void* data) {
  Pool& p = pool();
  std::lock_guard<std::mutex> guard(p.lock);
  const auto found = p.used.find(data);
  return found == p.used.end() ? 0 : found->second->serial;
}

bool pool_watch(void* data, uint64_t serial) {
  Pool& p = pool();
  std::lock_guard<std::mutex> guard(p.lock);
  const auto found = p.used.find(data);
  if (found == p.used.end() || found->second->serial != serial) return false;
  return found->second->watched = true;
}

std::vector<uint64_t> pool_take_ended() {
  Pool& p = pool();
  if (!p.some_ended) return {};
  std::lock_guard<std::mutex> guard(p.lock);
  p.some_ended = false;
  return std::exchange(p.ended, {});
}

void pool_trim() {
  Pool& p = pool();
  queue_wait(queue_submitted());
  std::lock_guard<std::mutex> guard(p.lock);
  const uint64_t completed = queue_completed();
  // But for what has been freed since by another environment, whose calls may still read it.
  for (Region& region : p.regions)
    for (const Block* block : region.free)
      if (block->free_at <= completed) give_back(*block);
}

void pool_reset_peak() {
  Pool& p = pool();
  std::lock_guard<std::mutex> guard(p.lock);
  p.stats.peak_live_bytes = p.stats.live_bytes;
}

PoolStats pool_stats() {
  Pool& p = pool();
  std::lock_guard<std::mutex> guard(p.lock);
  return p.stats;
}
