// Memory of tensors. One reservation of address space serves all blocks: a freed block joins its free neighbours, and an
// allocation takes the smallest free block that fits, so memory is shared between all shapes of a step.
//
// Allocation is ordered by the queue, not by time: a block that JavaScript frees may still be used by calls that wait in
// the queue, yet a call that is enqueued later may take it at once, since calls run in order. Only a thread that touches
// memory itself (an upload) must get a block whose last user has run: `idle`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

struct Env;  // one Node environment (main thread or a worker)

struct PoolStats {
  int64_t live_bytes;      // in blocks handed out
  int64_t live_blocks;
  int64_t high_water;      // bytes of the reservation ever used
  int64_t peak_live_bytes;  // since pool_reset_peak
};

// Null when the machine's memory (or PROJ_ONEDNN_MEMORY_LIMIT, in bytes) is used up, also after all calls in the queue have run.
void* pool_allocate(Env* owner, size_t bytes, bool idle);
void pool_free(void* data);
void pool_free_all(Env* owner);
// A number that no other buffer has ever had.
uint64_t pool_serial(void* data);
// Whether that buffer still lives; if so, pool_take_ended will tell when it no longer does.
bool pool_watch(void* data, uint64_t serial);
// The buffers under watch that have been freed since the last call.
std::vector<uint64_t> pool_take_ended();
// Gives free pages back to the operating system.
void pool_trim();
PoolStats pool_stats();
void pool_reset_peak();
