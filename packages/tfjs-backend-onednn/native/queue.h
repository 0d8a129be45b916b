// The compute thread and the queue in front of it, which every environment of the process shares. One thread at a time runs
// calls: the compute thread, or one with a short program that finds nothing to wait for (queue_run).
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "tensor.h"

// What went wrong in a kernel; null when nothing did.
using Failure = std::shared_ptr<const std::string>;

struct Env {
  // Set when the environment ends: its calls that still wait are dropped.
  std::atomic<bool> closing{false};
  // The oldest that JavaScript has not been told, guarded by the queue's lock.
  Failure failure;
};

struct Task {
  Env* env = nullptr;
  Call call;                      // run when call.op is set
  std::function<void()> finish;   // then this, also when the task is dropped (a read must settle)
};

struct OpProfile {
  int64_t calls = 0;
  int64_t nanoseconds = 0;
  double flops = 0;
};

void queue_start(int threads);
int queue_threads();

// Appends and returns at once, unless the queue is full. Returns the task's sequence number (from 1).
uint64_t queue_push(std::unique_ptr<Task> task);
// Several at once, which wakes the compute thread once; they may exceed what else fits.
uint64_t queue_push_all(std::vector<std::unique_ptr<Task>> tasks);
// Runs them on the calling thread where they take less than about a millisecond, none of them needs more than one thread of
// OpenMP, which keeps a team for each thread that calls it, and nothing waits or runs before them. Otherwise does nothing: false.
bool queue_run(const std::vector<std::unique_ptr<Task>>& tasks);
uint64_t queue_submitted();
uint64_t queue_completed();
void queue_wait(uint64_t sequence);

// What a read at this point of the queue has to report.
Failure queue_failure(Env* env);
// JavaScript has been told. In the queue, since reads that were made before it knew must fail as well. Returns as queue_push.
uint64_t queue_forget(Env* env, const Failure& failure);

// The process is about to end, and with it what calls need: returns when none runs. From then on they run only while a thread
// waits for them.
void queue_leave();
// Drops what waits of this environment (null: of all) and returns when nothing of it runs any more.
void queue_abandon(Env* env);

// Profile by operation, indexed as registry().
std::vector<OpProfile> queue_profile();
void queue_reset_profile();

// Memory for the call that is running, only on the thread that runs it; valid until the call ends. 64-byte aligned.
void* scratch(size_t bytes);

// What scratch() gives while it exists is given back at its end, for a call that computes the same several times.
class ScratchScope {
 public:
  ScratchScope();
  ~ScratchScope();
  ScratchScope(const ScratchScope&) = delete;

 private:
  const size_t used_, overflow_;
};
