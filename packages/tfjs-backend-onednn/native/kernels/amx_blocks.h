// Where the rows of tiles lie in a map: for two tiles of 16 pixels of the result the pixels under each tap of the filter.
#pragma once

#include <vector>

#include "../amx.h"
#include "tiles.h"

namespace PROJ_ISA {

// The pixels of a result that the same taps reach, y by y and x by x.
struct PixelClass {
  std::vector<int64_t> y, x;
  std::vector<int64_t> taps_y, taps_x;

  int64_t pixels() const { return static_cast<int64_t>(y.size() * x.size()); }
};

// Where a tap of an axis reads for a pixel; -1 outside of the map or, by a stride, nowhere.
inline int64_t source_of(const IndirectShape::Axis& axis, int64_t pixel, int64_t tap) {
  const int64_t at = pixel * axis.step + axis.first + tap * axis.tap_step;
  return at < 0 || at >= axis.size * axis.divisor || at % axis.divisor != 0 ? -1 : at / axis.divisor;
}

// The pixels of an axis by the taps that reach them: inside of the map if `inside`, otherwise outside of it too.
inline std::vector<std::pair<std::vector<int64_t>, std::vector<int64_t>>> classes_of(const IndirectShape::Axis& axis, bool inside) {
  std::vector<std::pair<std::vector<int64_t>, std::vector<int64_t>>> classes;  // pixels, taps
  std::vector<int64_t> taps;
  for (int64_t i = 0; i < axis.out_size; ++i) {
    taps.clear();
    for (int64_t tap = 0; tap < axis.taps; ++tap) {
      const bool whole = (i * axis.step + axis.first + tap * axis.tap_step) % axis.divisor == 0;
      if (inside ? source_of(axis, i, tap) >= 0 : whole) taps.push_back(tap);
    }
    const auto found = std::find_if(classes.begin(), classes.end(), [&](const auto& c) { return c.second == taps; });
    if (found != classes.end()) found->first.push_back(i);
    else classes.push_back({{i}, taps});
  }
  return classes;
}

inline std::vector<PixelClass> pixel_classes(const IndirectShape& s, bool inside) {
  std::vector<PixelClass> classes;
  const auto columns = classes_of(s.x, inside);
  for (const auto& [y, taps_y] : classes_of(s.y, inside))
    for (const auto& [x, taps_x] : columns) classes.push_back({y, x, taps_y, taps_x});
  return classes;
}

// Two tiles of rows.
struct Block {
  struct Tap {
    int64_t number;
    Left rows[2];
  };
  Tap* list;  // room for all taps
  int64_t taps;
  int64_t pixels;      // how many rows there are: none in the second tile where they are no more than 16
  int64_t to[kBlock];  // numbers of the pixels of the result
};

// Blocks of 16 pictures at a pixel and the same pictures at the next. A block's pixels are of one class, so that a tap
// reaches both or neither.
class PictureBlocks {
 public:
  // Of the first `pictures` pictures, a multiple of 16.
  PictureBlocks(const AmxShape& s, int64_t pictures, int64_t depth)
      : s_(s), depth_(depth), batches_(pictures / kTile), classes_(pixel_classes(s, true)) {
    for (const PixelClass& c : classes_)
      for (int64_t pixel = 0; pixel < c.pixels(); pixel += 2) pairs_.push_back({&c, pixel});
  }

  int64_t count() const { return batches_ * static_cast<int64_t>(pairs_.size()); }
  // Bytes that fill() takes for a block beside its list.
  int64_t copied_bytes() const { return 0; }

  void fill(int64_t index, const Bf16* x, const Bf16*, char*, Block& block) const {
    const int64_t pairs = static_cast<int64_t>(pairs_.size()), first = index / pairs * kTile;
    const auto& [c, pixel] = pairs_[static_cast<size_t>(index % pairs)];
    const int64_t stride = s_.y.size * s_.x.size * s_.pitch, width = static_cast<int64_t>(c->x.size());
    const int64_t halves = std::min<int64_t>(2, c->pixels() - pixel);
    int64_t py[2], px[2];
    for (int64_t h = 0; h < halves; ++h) {
      py[h] = c->y[static_cast<size_t>((pixel + h) / width)], px[h] = c->x[static_cast<size_t>((pixel + h) % width)];
      for (int64_t i = 0; i < kTile; ++i) block.to[h * kTile + i] = ((first + i) * s_.y.out_size + py[h]) * s_.x.out_size + px[h];
    }
    block.pixels = halves * kTile;
    block.taps = 0;
    for (const int64_t ky : c->taps_y)
      for (const int64_t kx : c->taps_x) {
        Block::Tap& tap = block.list[block.taps++];
        tap.number = ky * s_.x.taps + kx;
        for (int64_t h = 0; h < halves; ++h) {
          const int64_t at = source_of(s_.y, py[h], ky) * s_.x.size + source_of(s_.x, px[h], kx);
          tap.rows[h] = {x + first * stride + at * s_.pitch, stride * static_cast<int64_t>(sizeof(Bf16)), depth_};
        }
      }
  }

 private:
  const AmxShape& s_;
  const int64_t depth_, batches_;
  const std::vector<PixelClass> classes_;
  std::vector<std::pair<const PixelClass*, int64_t>> pairs_;
};

// Blocks of 32 pixels one after the other, for pictures that are fewer than 16. Where the pixels under a tap do not lie at
// equal distances or some are outside, at borders and ends of rows, they are copied, with zeros for those outside.
class RowBlocks {
 public:
  // Of the pictures from `first` on.
  RowBlocks(const AmxShape& s, int64_t first, int64_t depth)
      : s_(s), first_(first), depth_(depth), classes_(pixel_classes(s, false)) {
    for (const PixelClass& c : classes_)
      for (int64_t pixel = 0; pixel < c.pixels() * (s.batch - first); pixel += kBlock) blocks_.push_back({&c, pixel});
  }

  int64_t count() const { return static_cast<int64_t>(blocks_.size()); }
  int64_t copied_bytes() const { return s_.taps() * kBlock * s_.channels * static_cast<int64_t>(sizeof(Bf16)); }

  void fill(int64_t index, const Bf16* x, const Bf16* zeros, char* copies, Block& block) const {
    const auto& [c, begin] = blocks_[static_cast<size_t>(index)];
    const int64_t width = static_cast<int64_t>(c->x.size());
    block.pixels = std::min(kBlock, c->pixels() * (s_.batch - first_) - begin);
    int64_t py[kBlock], px[kBlock];
    const Bf16* picture[kBlock];
    for (int64_t i = 0; i < block.pixels; ++i) {
      const int64_t n = first_ + (begin + i) / c->pixels(), pixel = (begin + i) % c->pixels();
      py[i] = c->y[static_cast<size_t>(pixel / width)], px[i] = c->x[static_cast<size_t>(pixel % width)];
      picture[i] = x + n * s_.y.size * s_.x.size * s_.pitch;
      block.to[i] = (n * s_.y.out_size + py[i]) * s_.x.out_size + px[i];
    }
    auto* free = reinterpret_cast<Bf16*>(copies);
    block.taps = 0;
    for (const int64_t ky : c->taps_y)
      for (const int64_t kx : c->taps_x) {
        const Bf16* from[kBlock] = {};
        bool reads = false;
        for (int64_t i = 0; i < block.pixels; ++i) {
          const int64_t row = source_of(s_.y, py[i], ky), column = source_of(s_.x, px[i], kx);
          if (row < 0 || column < 0) continue;
          from[i] = picture[i] + (row * s_.x.size + column) * s_.pitch;
          reads = true;
        }
        if (!reads) continue;
        Block::Tap& tap = block.list[block.taps++];
        tap.number = ky * s_.x.taps + kx;
        for (int64_t h = 0; h < 2; ++h) tap.rows[h] = rows(from + h * kTile, zeros, free);
      }
  }

 private:
  Left rows(const Bf16* const* from, const Bf16* zeros, Bf16*& free) const {
    const auto bytes = [](const Bf16* a, const Bf16* b) { return reinterpret_cast<const char*>(b) - reinterpret_cast<const char*>(a); };
    const int64_t row = s_.channels * static_cast<int64_t>(sizeof(Bf16));
    if (std::all_of(from, from + kTile, [](const Bf16* p) { return p == nullptr; })) return {zeros, 0, depth_};
    bool equal = from[0] != nullptr;
    for (int64_t i = 1; i < kTile && equal; ++i) equal = from[i] && bytes(from[i - 1], from[i]) == bytes(from[0], from[1]);
    if (equal) return {from[0], bytes(from[0], from[1]), depth_};
    const Left copy{free, row, depth_};
    for (int64_t i = 0; i < kTile; ++i, free += s_.channels)
      memcpy(static_cast<void*>(free), from[i] ? from[i] : zeros, static_cast<size_t>(row));
    return copy;
  }

  const AmxShape& s_;
  const int64_t first_, depth_;
  const std::vector<PixelClass> classes_;
  std::vector<std::pair<const PixelClass*, int64_t>> blocks_;
};

}  // namespace PROJ_ISA
