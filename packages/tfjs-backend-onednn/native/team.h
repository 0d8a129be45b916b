// The threads that share the work of a call: the one that runs it, and helpers that join it when they are awake. Whoever is free
// takes what is left, so a helper that wakes late, or that the system holds up, leaves its part to the others. After a call
// helpers stay awake for a moment, because the next one mostly follows at once.
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>

// How many there are, with that one. Helpers are started when they are first needed.
void team_start(int threads);
int team_threads();
// Which of them this thread is, in [0, team_threads()); 0 is the one that runs the call.
int team_lane();

// run(body, item) for all items in [0, items), each once, on any thread and in any order; returns when all have ended. What is
// nested runs on its thread alone. Only on the thread that runs the call, and no exception may leave `run`.
void team_run(int64_t items, void (*run)(const void* body, int64_t item), const void* body);

// Each file has its own, since some are compiled for other instruction sets.
namespace {

// f(item) for all items in [0, items), on the threads of the team. The body is passed by address, so that it is compiled once
// and not into every branch.
template <class F>
inline void each(int64_t items, F&& f) {
  using Body = std::remove_reference_t<F>;
  team_run(
      items, [](const void* body, int64_t item) { (*static_cast<const Body*>(body))(item); }, &f);
}

// Splits [0, n) into parts of at least `grain` elements, the fewest that are worth a second thread: f(begin, end), or
// f(begin, end, part) where there is something for each of up to team_threads() parts, so that it does not depend on who was free.
template <class F>
inline void parallel(int64_t n, int64_t grain, F&& f) {
  constexpr bool kNumbered = std::is_invocable_v<F, int64_t, int64_t, int64_t>;
  const int64_t most = kNumbered ? team_threads() : 8 * team_threads();
  const int64_t parts = std::min<int64_t>(most, std::max<int64_t>(1, n / std::max<int64_t>(1, grain)));
  if (n <= 0) return;
  each(parts, [&](int64_t part) {
    const int64_t begin = n * part / parts, end = n * (part + 1) / parts;
    if constexpr (kNumbered) f(begin, end, part);
    else f(begin, end);
  });
}

}  // namespace
