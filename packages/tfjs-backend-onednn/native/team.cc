#include "team.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace {

// How long a helper waits for the next job before it sleeps: first without a pause, then letting others run in between.
constexpr int kPauses = 200;
constexpr std::chrono::microseconds kAwake{200};

void pause() { __builtin_ia32_pause(); }

// Items that one thread begins with; others help when they have done theirs. The same thread so mostly gets the same part of a map,
// which may be in its cache.
struct alignas(64) Share {
  std::atomic<int64_t> next{0};
  int64_t end = 0;
};

struct Team {
  int threads = 1;
  bool started = false;

  // The job. Helpers read it after they have entered it, and it changes only when none is inside.
  void (*run)(const void* body, int64_t item) = nullptr;
  const void* body = nullptr;
  std::vector<Share> shares;
  // Odd while a job may be entered.
  alignas(64) std::atomic<uint64_t> turn{0};
  alignas(64) std::atomic<int> inside{0};

  std::mutex lock;
  std::condition_variable wake;
  std::atomic<int> sleeping{0};

  bool is_open(uint64_t last) const {
    const uint64_t now = turn.load();
    return now % 2 == 1 && now != last;
  }

  void work(int lane) {
    for (int i = 0; i < threads; ++i) {
      Share& share = shares[static_cast<size_t>((lane + i) % threads)];
      for (int64_t item; (item = share.next.fetch_add(1)) < share.end;) run(body, item);
    }
  }

  // Either this sees that the turn is over, or the one that runs the call sees that somebody is inside.
  void join(int lane, uint64_t opened) {
    inside.fetch_add(1);
    if (turn.load() == opened) work(lane);
    inside.fetch_sub(1);
  }

  void await(uint64_t last) {
    for (int i = 0; i < kPauses; ++i) {
      if (is_open(last)) return;
      pause();
    }
    const auto end = std::chrono::steady_clock::now() + kAwake;
    while (std::chrono::steady_clock::now() < end) {
      if (is_open(last)) return;
      sched_yield();
    }
    std::unique_lock<std::mutex> guard(lock);
    sleeping.fetch_add(1);
    wake.wait(guard, [&] { return is_open(last); });
    sleeping.fetch_sub(1);
  }

  // Ends with the process.
  [[noreturn]] void help(int lane);

  void start() {
    shares = std::vector<Share>(static_cast<size_t>(threads));
    started = true;
    try {
      for (int lane = 1; lane < threads; ++lane) std::thread([this, lane] { help(lane); }).detach();
    } catch (const std::system_error&) {
      // The system has no more threads; those there are do the work.
    }
  }

  void wake_helpers(int64_t wanted) {
    wanted = std::min<int64_t>(wanted, sleeping.load());
    if (wanted <= 0) return;
    const std::lock_guard<std::mutex> guard(lock);
    for (int64_t i = 0; i < wanted; ++i) wake.notify_one();
  }
};

// Never destroyed: helpers outlive the destructors that run at process exit.
Team& team() {
  static auto* instance = new Team;
  return *instance;
}

thread_local int lane_of_thread = 0;

void Team::help(int lane) {
  lane_of_thread = lane;
  for (uint64_t last = 0;;) {
    await(last);
    last = turn.load();
    if (last % 2 == 1) join(lane, last);
  }
}

}  // namespace

void team_start(int threads) { team().threads = std::max(1, threads); }
int team_threads() { return team().threads; }
int team_lane() { return lane_of_thread; }

void team_run(int64_t items, void (*run)(const void* body, int64_t item), const void* body) {
  Team& t = team();
  // Nested, on whichever thread.
  const bool is_under_way = lane_of_thread != 0 || t.turn.load() % 2 == 1;
  if (items <= 1 || t.threads == 1 || is_under_way) {
    for (int64_t item = 0; item < items; ++item) run(body, item);
    return;
  }
  if (!t.started) t.start();
  t.run = run;
  t.body = body;
  for (int lane = 0; lane < t.threads; ++lane) {
    t.shares[static_cast<size_t>(lane)].next.store(items * lane / t.threads);
    t.shares[static_cast<size_t>(lane)].end = items * (lane + 1) / t.threads;
  }
  t.turn.fetch_add(1);
  t.wake_helpers(items - 1);
  t.work(0);
  t.turn.fetch_add(1);
  for (int i = 0; t.inside.load() > 0; ++i) i < kPauses * 10 ? pause() : static_cast<void>(sched_yield());
}
