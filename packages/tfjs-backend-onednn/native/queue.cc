#include "queue.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <new>
#include <thread>

#include "kept.h"
#include "signals.h"
#include "team.h"

namespace {

constexpr uint64_t kMaxPending = 16384;
constexpr int kSpin = 200;

struct Queue {
  std::mutex lock;
  std::condition_variable work, done;
  std::deque<std::unique_ptr<Task>> tasks;
  std::atomic<uint64_t> submitted{0}, completed{0};
  bool asleep = false;
  int waiters = 0;
  bool leaving = false;
  Env* running = nullptr;
  bool busy = false;
  int threads = 1;
  std::vector<OpProfile> profile;

  bool has_work() const { return !busy && !tasks.empty() && (!leaving || waiters > 0); }

  // Until `ready`, with the lock held.
  template <class F>
  void wait(std::unique_lock<std::mutex>& guard, F&& ready) {
    waiters += 1;
    if (asleep && has_work()) work.notify_one();
    done.wait(guard, ready);
    waiters -= 1;
  }
};

// Never destroyed: the compute thread outlives the destructors that run at process exit.
Queue& queue() {
  static Queue* instance = new Queue;
  return *instance;
}

struct Scratch {
  char* data = nullptr;
  size_t capacity = 0, used = 0;
  std::vector<void*> overflow;
};
Scratch arena;

void* aligned(size_t bytes) {
  void* data = nullptr;
  if (posix_memalign(&data, 64, bytes) != 0) throw std::bad_alloc();
  return data;
}

void reset_scratch() {
  if (!arena.overflow.empty()) {
    for (void* data : arena.overflow) free(data);
    arena.overflow.clear();
    free(arena.data);
    arena.data = nullptr;
    arena.capacity = 0;
    const size_t wanted = arena.used + arena.used / 8;
    arena.data = static_cast<char*>(aligned(wanted));
    arena.capacity = wanted;
  }
  arena.used = 0;
}

void run(Queue& q, Task& task) {
  std::string error;
  const auto begin = std::chrono::steady_clock::now();
  try {
    run_op(task.call);
  } catch (const std::bad_alloc&) {
    error = "not enough memory";
  } catch (const std::exception& e) {
    error = e.what();
  } catch (...) {
    error = "unknown exception";
  }
  try {
    reset_scratch();
  } catch (...) {
  }
  drop_ended();
  const auto end = std::chrono::steady_clock::now();
  std::lock_guard<std::mutex> guard(q.lock);
  OpProfile& profile = q.profile[task.call.op - registry().data()];
  profile.calls += 1;
  profile.nanoseconds += std::chrono::duration_cast<std::chrono::nanoseconds>(end - begin).count();
  if (task.call.op->flops) profile.flops += task.call.op->flops(task.call);
  if (!error.empty() && !task.env->failure)
    task.env->failure = std::make_shared<const std::string>(describe(task.call) + ": " + error);
}

// About a millisecond of two cores, memory counting as much as is computed while it is moved.
constexpr double kQuickWork = 1e8, kFlopsOfAByte = 4;

bool is_quick(const std::vector<std::unique_ptr<Task>>& tasks) {
  double work = 0;
  for (const auto& task : tasks) {
    const Call& call = task->call;
    if (call.op->flops) {
      if (!is_small(call)) return false;
      work += call.op->flops(call);
    }
    if (call.op->steps) work += call.op->steps(call);
    for (const Tensor& tensor : call.tensors)
      if (tensor.present()) work += kFlopsOfAByte * static_cast<double>(tensor.bytes());
  }
  return work <= kQuickWork;
}

// With the lock held.
void end_of_work(Queue& q, uint64_t tasks) {
  q.busy = false;
  q.running = nullptr;
  q.completed.fetch_add(tasks);
  if (q.waiters > 0 || q.leaving) q.done.notify_all();
}

void loop() {
  Queue& q = queue();
  const NoSignals none;
  omp_set_num_threads(q.threads);
  omp_set_dynamic(0);
  std::unique_lock<std::mutex> guard(q.lock);
  for (;;) {
    for (int i = 0; !q.has_work() && i < kSpin; ++i) {
      guard.unlock();
      __builtin_ia32_pause();
      guard.lock();
    }
    while (!q.has_work()) {
      q.asleep = true;
      q.work.wait(guard);
      q.asleep = false;
    }
    std::unique_ptr<Task> task = std::move(q.tasks.front());
    q.tasks.pop_front();
    q.running = task->env;
    q.busy = true;
    const bool dropped = task->env && task->env->closing;
    guard.unlock();
    if (task->call.op && !dropped) run(q, *task);
    if (task->finish) task->finish();
    task.reset();
    guard.lock();
    end_of_work(q, 1);
  }
}

}  // namespace

void queue_start(int threads) {
  Queue& q = queue();
  std::lock_guard<std::mutex> guard(q.lock);
  q.threads = threads;
  team_start(threads);
  q.profile.resize(registry().size());
  std::thread(loop).detach();
}

int queue_threads() { return queue().threads; }
uint64_t queue_submitted() { return queue().submitted.load(); }
uint64_t queue_completed() { return queue().completed.load(); }

namespace {

// With the lock held.
void await_room(Queue& q, std::unique_lock<std::mutex>& guard) {
  if (q.tasks.size() < kMaxPending) return;
  q.wait(guard, [&] { return q.tasks.size() < kMaxPending; });
}

uint64_t append(Queue& q, std::unique_ptr<Task> task) {
  q.tasks.push_back(std::move(task));
  return q.submitted.fetch_add(1) + 1;
}

}  // namespace

uint64_t queue_push(std::unique_ptr<Task> task) {
  Queue& q = queue();
  std::unique_lock<std::mutex> guard(q.lock);
  await_room(q, guard);
  const uint64_t sequence = append(q, std::move(task));
  if (q.asleep) q.work.notify_one();
  return sequence;
}

uint64_t queue_push_all(std::vector<std::unique_ptr<Task>> tasks) {
  Queue& q = queue();
  std::unique_lock<std::mutex> guard(q.lock);
  await_room(q, guard);
  uint64_t sequence = q.submitted;
  for (auto& task : tasks) sequence = append(q, std::move(task));
  if (q.asleep) q.work.notify_one();
  return sequence;
}

bool queue_run(const std::vector<std::unique_ptr<Task>>& tasks) {
  Queue& q = queue();
  if (!is_quick(tasks)) return false;
  {
    std::lock_guard<std::mutex> guard(q.lock);
    if (!q.tasks.empty() || q.busy || q.leaving) return false;
    q.busy = true;
    q.running = tasks.front()->env;
    q.submitted.fetch_add(tasks.size());
  }
  // Whatever happens: everybody else waits for the end.
  struct AtEnd {
    Queue& q;
    const uint64_t tasks;
    ~AtEnd() {
      std::lock_guard<std::mutex> guard(q.lock);
      end_of_work(q, tasks);
      if (q.asleep && q.has_work()) q.work.notify_one();
    }
  } at_end{q, tasks.size()};
  const NoSignals none;
  for (const auto& task : tasks) run(q, *task);
  return true;
}

void queue_wait(uint64_t sequence) {
  Queue& q = queue();
  if (q.completed.load() >= sequence) return;
  std::unique_lock<std::mutex> guard(q.lock);
  q.wait(guard, [&] { return q.completed.load() >= sequence; });
}

Failure queue_failure(Env* env) {
  std::lock_guard<std::mutex> guard(queue().lock);
  return env->failure;
}

uint64_t queue_forget(Env* env, const Failure& failure) {
  auto task = std::make_unique<Task>();
  task->env = env;
  task->finish = [=] {
    std::lock_guard<std::mutex> guard(queue().lock);
    if (env->failure == failure) env->failure.reset();
  };
  return queue_push(std::move(task));
}

void queue_leave() {
  Queue& q = queue();
  std::unique_lock<std::mutex> guard(q.lock);
  q.leaving = true;
  q.done.wait(guard, [&] { return !q.busy; });
}

void queue_abandon(Env* env) {
  Queue& q = queue();
  std::unique_lock<std::mutex> guard(q.lock);
  for (auto& task : q.tasks) {
    if (env && task->env != env) continue;
    task->call.op = nullptr;
    // At process exit nobody is left to hear of it.
    if (!env) task->finish = nullptr;
  }
  q.wait(guard, [&] { return !q.busy || (env && q.running != env); });
}

std::vector<OpProfile> queue_profile() {
  std::lock_guard<std::mutex> guard(queue().lock);
  return queue().profile;
}

void queue_reset_profile() {
  std::lock_guard<std::mutex> guard(queue().lock);
  for (OpProfile& profile : queue().profile) profile = {};
}

void* scratch(size_t bytes) {
  bytes = (bytes + 63) & ~size_t{63};
  void* data;
  if (arena.used + bytes <= arena.capacity) {
    data = arena.data + arena.used;
  } else {
    data = aligned(bytes);
    arena.overflow.push_back(data);
  }
  arena.used += bytes;
  return data;
}

ScratchScope::ScratchScope() : used_(arena.used), overflow_(arena.overflow.size()) {}

ScratchScope::~ScratchScope() {
  for (; arena.overflow.size() > overflow_; arena.overflow.pop_back()) free(arena.overflow.back());
  arena.used = used_;
}
