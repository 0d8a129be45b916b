// Which of some ways to compute the same is the fastest, by trying.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <vector>

// Remembers it by key. The process's first call with a key decides for all others, which so have the same rounding errors.
class Fastest {
 public:
  using Key = std::vector<int64_t>;

  // The number of the fastest of `ways`. `seconds(i)` runs one and tells how long that took: all once to warm up, then in
  // turns, because what else the machine does slows some runs down; the shortest run of each counts, of equals the first.
  template <class Seconds>
  size_t of(const Key& key, size_t ways, Seconds&& seconds) {
    const auto found = chosen_.find(key);
    if (found != chosen_.end()) return found->second;
    std::vector<double> shortest(ways, std::numeric_limits<double>::infinity());
    for (int round = 0; round <= kRounds; ++round)
      for (size_t i = 0; i < ways; ++i) {
        const double time = seconds(i);
        if (round > 0 && time < shortest[i]) shortest[i] = time;
      }
    size_t best = 0;
    for (size_t i = 1; i < ways; ++i)
      if (shortest[i] < shortest[best]) best = i;
    return chosen_[key] = best;
  }

 private:
  static constexpr int kRounds = 2;  // that count
  std::map<Key, size_t> chosen_;
};
