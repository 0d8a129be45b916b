// The choice of the fastest way by given times. Prints what does not hold.
#include "../../native/fastest.h"

#include <cstdio>
#include <stdexcept>
#include <vector>

namespace {

void expect(bool holds, const char* what) {
  if (!holds) printf("%s\n", what);
}

}  // namespace

int main() {
  Fastest fastest;
  std::vector<size_t> runs;
  // Of each way: to warm up, then the times that count.
  const auto by = [&](const std::vector<std::vector<double>>& times) {
    runs.clear();
    return [&, times, made = std::vector<size_t>(times.size())](size_t way) mutable {
      runs.push_back(way);
      return times[way][made[way]++];
    };
  };

  expect(fastest.of({1}, 3, by({{9, 5, 4}, {1, 6, 3}, {9, 2.9, 8}})) == 2, "the shortest run of all but the first counts");
  expect(runs == std::vector<size_t>{0, 1, 2, 0, 1, 2, 0, 1, 2}, "the ways take turns");
  expect(fastest.of({1}, 3, by({{}, {}, {}})) == 2 && runs.empty(), "what was chosen is remembered");
  expect(fastest.of({2}, 2, by({{9, 5, 5}, {1, 5, 5}})) == 0, "of equals the first; another key is another choice");
  expect(fastest.of({1, 1}, 2, by({{9, 5, 5}, {9, 4, 4}})) == 1, "a longer key is another");
  expect(fastest.of({4}, 1, by({{1, 1, 1}})) == 0, "there is nothing to choose from one");

  bool threw = false;
  try {
    fastest.of({3}, 2, [](size_t) -> double { throw std::runtime_error("no memory"); });
  } catch (const std::runtime_error&) {
    threw = true;
  }
  expect(threw && fastest.of({3}, 2, by({{9, 5, 5}, {9, 4, 4}})) == 1, "a way that fails decides nothing");
  printf("done\n");
}
