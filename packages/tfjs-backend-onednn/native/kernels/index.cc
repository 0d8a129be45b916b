// Operations that look up or place elements by index.
#include <cstring>
#include <stdexcept>
#include <string>

#include "kernels.h"

namespace PROJ_ISA {
namespace {

[[noreturn]] void out_of_range(int64_t index, int64_t size) {
  throw std::out_of_range("index " + std::to_string(index) + " is not in [0, " + std::to_string(size - 1) + "]");
}

// x [batch, outer, n, inner], indices [batch, m] -> [batch, outer, m, inner]. Numbers: batch, outer, n, inner, m.
void gather(const Call& call) {
  const int64_t batch = call.integer(0), outer = call.integer(1), n = call.integer(2), m = call.integer(4);
  const int64_t bytes = call.integer(3) * type_size(call[0].type);
  const char* x = call[0].as<const char>();
  const int32_t* indices = call[1].as<const int32_t>();
  char* y = call[2].as<char>();
  if (call[2].size() == 0) return;
  for (int64_t i = 0; i < batch * m; ++i)
    if (indices[i] < 0 || indices[i] >= n) out_of_range(indices[i], n);
  parallel(batch * outer * m, grain_of((bytes + 16) / 4), [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) {
      const int64_t plane = k / m;
      const int64_t from = plane * n + indices[plane / outer * m + k % m];
      memcpy(y + k * bytes, x + from * bytes, static_cast<size_t>(bytes));
    }
  });
}

template <class T>
void one_hot_as(const Call& call) {
  const int64_t depth = call.integer(2), n = call[0].size();
  const T on = static_cast<T>(call.number(0)), off = static_cast<T>(call.number(1));
  const int32_t* x = call[0].as<const int32_t>();
  T* y = call[1].as<T>();
  parallel(n, grain_of(depth), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      std::fill(y + i * depth, y + (i + 1) * depth, off);
      if (x[i] >= 0 && x[i] < depth) y[i * depth + x[i]] = on;
    }
  });
}

// Numbers: on, off, depth.
void one_hot(const Call& call) {
  if (call[1].type == Type::f32) one_hot_as<float>(call);
  else if (call[1].type == Type::i32) one_hot_as<int32_t>(call);
  else one_hot_as<uint8_t>(call);
}

template <class T>
void segment_sum_as(const Call& call) {
  const int64_t segments = call.integer(0), inner = call.integer(1), n = call[1].size();
  const T* x = call[0].as<const T>();
  const int32_t* ids = call[1].as<const int32_t>();
  T* y = call[2].as<T>();
  std::fill(y, y + segments * inner, T{0});
  for (int64_t i = 0; i < n; ++i) {
    if (ids[i] < 0 || ids[i] >= segments) continue;
    T* to = y + ids[i] * inner;
    for (int64_t j = 0; j < inner; ++j) to[j] = static_cast<T>(to[j] + x[i * inner + j]);
  }
}

// x [n, inner], ids [n] -> [segments, inner]; ids outside are left out. Numbers: segments, inner.
void segment_sum(const Call& call) {
  if (call[0].type == Type::f32) segment_sum_as<float>(call);
  else segment_sum_as<int32_t>(call);
}

template <class T>
void select_as(const Call& call) {
  const int64_t width = call.integer(0);
  const uint8_t* condition = call[0].as<const uint8_t>();
  const T *yes = call[1].as<const T>(), *no = call[2].as<const T>();
  T* y = call[3].as<T>();
  if (width == 1) {
    parallel(call[3].size(), kGrain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const T a = yes[i], b = no[i];
        y[i] = condition[i] ? a : b;
      }
    });
    return;
  }
  for (int64_t i = 0; i < call[0].size(); ++i)
    memcpy(y + i * width, (condition[i] ? yes : no) + i * width, static_cast<size_t>(width) * sizeof(T));
}

// condition, then, else; number: elements that one condition decides.
void select(const Call& call) {
  if (type_size(call[1].type) == 1) select_as<uint8_t>(call);
  else select_as<uint32_t>(call);
}

// Numbers: start, step.
void range(const Call& call) {
  const double start = call.number(0), step = call.number(1);
  const int64_t n = call[0].size();
  if (call[0].type == Type::f32)
    for (int64_t i = 0; i < n; ++i) call[0].as<float>()[i] = static_cast<float>(start + static_cast<double>(i) * step);
  else
    for (int64_t i = 0; i < n; ++i)
      call[0].as<int32_t>()[i] = static_cast<int32_t>(start + static_cast<double>(i) * step);
}

}  // namespace

void add_index() {
  add_ops({{"gather", gather}, {"one_hot", one_hot}, {"segment_sum", segment_sum}, {"select", select}, {"range", range}});
}

}  // namespace PROJ_ISA
