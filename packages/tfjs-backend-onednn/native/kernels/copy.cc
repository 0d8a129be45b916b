// Moving elements: transpose, slice, reverse, tile and broadcast are one strided copy; pad, concat and split beside it.
#include <cstring>

#include "kernels.h"

namespace PROJ_ISA {
namespace {

constexpr int kMaxDims = 2 * kMaxRank;  // tile doubles the rank

struct Walk {
  int rank = 0;
  int64_t dims[kMaxDims], strides[kMaxDims];
};

// Numbers: offset, rank, dims..., strides.... Dimensions of 1 go, neighbours that continue each other become one.
Walk walk_of(const Call& call) {
  const int rank = static_cast<int>(call.integer(1));
  Walk w;
  for (int i = 0; i < rank; ++i) {
    const int64_t size = call.integer(2 + i), stride = call.integer(2 + rank + i);
    if (size == 1) continue;
    if (w.rank > 0 && w.strides[w.rank - 1] == stride * size) {
      w.dims[w.rank - 1] *= size;
      w.strides[w.rank - 1] = stride;
    } else {
      w.dims[w.rank] = size;
      w.strides[w.rank++] = stride;
    }
  }
  if (w.rank == 0) {
    w.dims[0] = 1;
    w.strides[0] = 1;
    w.rank = 1;
  }
  return w;
}

template <class T>
inline void copy_row(const T* x, int64_t stride, T* y, int64_t n) {
  if (stride == 1) memcpy(y, x, static_cast<size_t>(n) * sizeof(T));
  else if (stride == 0) std::fill(y, y + n, *x);
  else for (int64_t i = 0; i < n; ++i) y[i] = x[i * stride];
}

template <class T>
void copy_rows(const T* x, T* y, const Walk& w, int64_t total) {
  const int64_t n = w.dims[w.rank - 1], stride = w.strides[w.rank - 1];
  parallel(total, kGrain, [&](int64_t begin, int64_t end) {
    while (begin < end) {
      int64_t index = begin / n;
      const int64_t offset = begin % n, count = std::min(end - begin, n - offset);
      const T* from = x + offset * stride;
      for (int i = w.rank - 2; i >= 0; --i) {
        from += index % w.dims[i] * w.strides[i];
        index /= w.dims[i];
      }
      copy_row(from, stride, y + begin, count);
      begin += count;
    }
  });
}

// Where the input's contiguous dimension `k` is not the output's: square tiles, so that both sides use whole cache lines.
template <class T>
void copy_tiles(const T* x, T* y, const Walk& w, int k, int64_t total) {
  constexpr int64_t kTile = 32;
  const int last = w.rank - 1;
  int64_t out_strides[kMaxDims];
  out_strides[last] = 1;
  for (int i = last - 1; i >= 0; --i) out_strides[i] = out_strides[i + 1] * w.dims[i + 1];
  const int64_t rows = w.dims[k], columns = w.dims[last], row_stride = out_strides[k], column_stride = w.strides[last];
  const int64_t row_tiles = (rows + kTile - 1) / kTile, column_tiles = (columns + kTile - 1) / kTile;
  const int64_t planes = total / (rows * columns), per_plane = row_tiles * column_tiles;
  parallel(planes * per_plane, grain_of(std::min(rows * columns, kTile * kTile)), [&](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; ++item) {
      int64_t plane = item / per_plane;
      const int64_t tile = item % per_plane, r0 = tile / column_tiles * kTile, c0 = tile % column_tiles * kTile;
      const T* from = x;
      T* to = y;
      for (int i = last - 1; i >= 0; --i) {
        if (i == k) continue;
        from += plane % w.dims[i] * w.strides[i];
        to += plane % w.dims[i] * out_strides[i];
        plane /= w.dims[i];
      }
      const int64_t r1 = std::min(rows, r0 + kTile), c1 = std::min(columns, c0 + kTile);
      for (int64_t r = r0; r < r1; ++r)
        for (int64_t c = c0; c < c1; ++c) to[r * row_stride + c] = from[r + c * column_stride];
    }
  });
}

template <class T>
void strided(const Call& call) {
  const int64_t total = call[1].size();
  if (total == 0) return;
  const Walk w = walk_of(call);
  const T* x = call[0].as<const T>() + call.integer(0);
  T* y = call[1].as<T>();
  const int last = w.rank - 1;
  if (w.strides[last] != 1 && w.strides[last] != 0)
    for (int k = 0; k < last; ++k)
      if (w.strides[k] == 1 && w.dims[k] >= 4) return copy_tiles(x, y, w, k, total);
  copy_rows(x, y, w, total);
}

void copy_strided(const Call& call) {
  const int64_t size = type_size(call[0].type);
  if (size == 1) strided<uint8_t>(call);
  else if (size == 2) strided<uint16_t>(call);
  else strided<uint32_t>(call);
}

template <class T>
void pad_with(const Call& call, T value) {
  const Tensor &x = call[0], &y = call[1];
  const int rank = y.rank, last = rank - 1;
  const T* from = x.as<const T>();
  T* to = y.as<T>();
  const int64_t columns = y.dims[last], inside = x.dims[last], left = call.integer(1 + last);
  if (y.size() == 0) return;
  parallel(y.size() / columns, grain_of(columns), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      int64_t index = row, source = 0, stride = 1;
      bool within = true;
      for (int i = last - 1; i >= 0; --i) {
        const int64_t at = index % y.dims[i] - call.integer(1 + i);
        index /= y.dims[i];
        within = within && at >= 0 && at < x.dims[i];
        source += at * stride;
        stride *= x.dims[i];
      }
      T* out = to + row * columns;
      if (!within) {
        std::fill(out, out + columns, value);
        continue;
      }
      std::fill(out, out + left, value);
      if (inside > 0) memcpy(out + left, from + source * inside, static_cast<size_t>(inside) * sizeof(T));
      std::fill(out + left + inside, out + columns, value);
    }
  });
}

// Numbers: value, then the elements before x in each dimension.
void pad(const Call& call) {
  switch (call[0].type) {
    case Type::f32: return pad_with<float>(call, static_cast<float>(call.number(0)));
    case Type::i32: return pad_with<int32_t>(call, static_cast<int32_t>(call.integer(0)));
    case Type::bf16: return pad_with<Bf16>(call, Bf16(static_cast<float>(call.number(0))));
    case Type::u8: return pad_with<uint8_t>(call, static_cast<uint8_t>(call.integer(0)));
  }
}

// Inputs and at last the output, all [outer, ...]; number: outer.
void concat(const Call& call) {
  const int64_t outer = call.integer(0);
  const size_t count = call.tensors.size() - 1;
  const Tensor& y = call[count];
  if (y.size() == 0) return;
  const int64_t width = y.bytes() / outer;
  int64_t offset = 0;
  for (size_t i = 0; i < count; ++i) {
    const int64_t bytes = call[i].bytes() / outer;
    const char* from = call[i].as<const char>();
    char* to = y.as<char>() + offset;
    if (bytes > 0)
      parallel(outer, grain_of(bytes / 4), [&](int64_t begin, int64_t end) {
        for (int64_t o = begin; o < end; ++o) memcpy(to + o * width, from + o * bytes, static_cast<size_t>(bytes));
      });
    offset += bytes;
  }
}

// The input, then the outputs, all [outer, ...]; number: outer.
void split(const Call& call) {
  const int64_t outer = call.integer(0);
  const Tensor& x = call[0];
  if (x.size() == 0) return;
  const int64_t width = x.bytes() / outer;
  int64_t offset = 0;
  for (size_t i = 1; i < call.tensors.size(); ++i) {
    const int64_t bytes = call[i].bytes() / outer;
    const char* from = x.as<const char>() + offset;
    char* to = call[i].as<char>();
    if (bytes > 0)
      parallel(outer, grain_of(bytes / 4), [&](int64_t begin, int64_t end) {
        for (int64_t o = begin; o < end; ++o) memcpy(to + o * bytes, from + o * width, static_cast<size_t>(bytes));
      });
    offset += bytes;
  }
}

template <class T>
void fill_with(const Tensor& y, T value) {
  T* out = y.as<T>();
  parallel(y.size(), kGrain, [&](int64_t begin, int64_t end) { std::fill(out + begin, out + end, value); });
}

void fill(const Call& call) {
  const Tensor& y = call[0];
  if (y.type == Type::f32) fill_with(y, static_cast<float>(call.number(0)));
  else if (y.type == Type::i32) fill_with(y, static_cast<int32_t>(call.integer(0)));
  else fill_with(y, static_cast<uint8_t>(call.integer(0)));
}

}  // namespace

void add_copy() {
  add_ops({{"copy_strided", copy_strided, all_bf16},
           {"pad", pad, all_bf16},
           {"concat", concat, all_bf16},
           {"split", split, all_bf16},
           {"fill", fill}});
}

}  // namespace PROJ_ISA
