// Gradients of filters by the tile instructions of AMX. Sums run over pixels and pictures: for each tap of the filter a product
// of the output's gradient, rows to columns, with the map beside it. A number of a place is picture and then pixel of a row,
// pictures innermost, so that every tap is the same product with another start.
#include <vector>

#include "../amx.h"
#include "tiles.h"
#include "transpose.h"

namespace PROJ_ISA {
namespace {

using Shape = AmxShape;

constexpr int64_t kMostPictures = 32;         // at a time
constexpr int64_t kTurnBytes = 1 << 20;       // of factors, to stay in a core's second-level cache

int64_t parts(int64_t all, int64_t some) { return (all + some - 1) / some; }

// to[j] = {a[j], b[j]} for 16 numbers, of which the last are 0 where there are only n.
void interleave(const Bf16* a, const Bf16* b, int64_t n, uint32_t* to) {
  if (n < kTile) std::fill(to, to + kTile, 0u);
  int64_t j = 0;
  for (; j + kLanes <= std::min(n, kTile); j += kLanes) {
    const auto wide = [&](const Bf16* from) {
      return __builtin_convertvector(*reinterpret_cast<const HalfBitsInMemory*>(from + j), LaneBits);
    };
    *reinterpret_cast<LaneBitsInMemory*>(to + j) = wide(a) | wide(b) << 16;
  }
  for (; j < std::min(n, kTile); ++j) to[j] = a[j].bits | uint32_t{b[j].bits} << 16;
}

struct Gradient {
  const Shape& s;
  const Bf16 *x, *dy;

  // Where a tap along x reads: in columns of one remainder by the step, so many behind the output's.
  struct Shift {
    int64_t remainder, columns;
  };

  int64_t pictures;                 // at a time, an even number
  std::vector<int64_t> remainders;  // those that taps read
  std::vector<Shift> shifts;        // by tap; `remainder` is an index
  int64_t first_column;             // of the output, by all shifts the first that is read
  int64_t columns;                  // read from each remainder
  int64_t chunks;                   // of kDepth places of a row
  int64_t length;                   // pairs of places of a row of the map, with zeros behind the last column
  int64_t tiles_k, tiles_c;         // 16 channels of the output, of the map

  Gradient(const Shape& shape, const Bf16* map, const Bf16* gradient) : s(shape), x(map), dy(gradient) {
    const int64_t some = parts(s.batch, parts(s.batch, kMostPictures));
    pictures = some + some % 2;
    first_column = 0;
    int64_t last = 0;
    for (int64_t tap = 0; tap < s.x.taps; ++tap) {
      const int64_t at = s.x.first + tap * s.x.tap_step, remainder = (at % s.x.step + s.x.step) % s.x.step;
      const auto found = std::find(remainders.begin(), remainders.end(), remainder);
      shifts.push_back({found - remainders.begin(), (at - remainder) / s.x.step});
      if (found == remainders.end()) remainders.push_back(remainder);
      first_column = tap ? std::min(first_column, shifts.back().columns) : shifts.back().columns;
      last = tap ? std::max(last, shifts.back().columns) : shifts.back().columns;
    }
    columns = s.x.out_size + last - first_column;
    chunks = parts(s.x.out_size * pictures, kDepth);
    length = columns * pictures / 2 + kTile;
    tiles_k = 2 * parts(s.filters, kBlock);
    tiles_c = 2 * parts(s.channels, kBlock);
  }

  // Numbers in a row: of the map [remainders, tiles_c, length, 16, 2], of the gradient [tiles_k, chunks, 16, kDepth].
  int64_t map_row() const { return static_cast<int64_t>(remainders.size()) * tiles_c * length * 2 * kTile; }
  int64_t gradient_row() const { return tiles_k * chunks * kTile * kDepth; }

  int64_t source_row(int64_t row, int64_t tap) const { return row * s.y.step + s.y.first + tap * s.y.tap_step; }

  // Rows [begin, end) of the output, and the rows of the map from `first` to `last` that they read, for some pictures.
  struct Turn {
    int64_t picture, begin, end, first, last;
    Bf16 *map, *gradient;
  };

  bool reads(const Turn& turn, int64_t row) const {
    for (int64_t i = turn.begin; i < turn.end; ++i)
      for (int64_t tap = 0; tap < s.y.taps; ++tap)
        if (source_row(i, tap) == row) return true;
    return false;
  }

  // Pairs of pictures of one column, or what is behind the last.
  void lay_out_map(const Turn& turn, const Bf16* zeros, int64_t row, size_t remainder, int64_t column) const {
    auto* to = reinterpret_cast<uint32_t*>(turn.map + (row - turn.first) * map_row());
    to += static_cast<int64_t>(remainder) * tiles_c * length * kTile + column * pictures / 2 * kTile;
    const int64_t pairs = column < columns ? pictures / 2 : kTile;
    const int64_t at = (column + first_column) * s.x.step + remainders[remainder];
    const bool inside = column < columns && at >= 0 && at < s.x.size;
    for (int64_t pair = 0; pair < pairs; ++pair) {
      const auto pixel = [&](int64_t n) {
        return inside && n < s.batch ? x + ((n * s.y.size + row) * s.x.size + at) * s.pitch : zeros;
      };
      const Bf16 *a = pixel(turn.picture + 2 * pair), *b = pixel(turn.picture + 2 * pair + 1);
      for (int64_t tile = 0; tile < tiles_c; ++tile) {
        const int64_t c = std::min(tile * kTile, s.channels);
        interleave(a + c, b + c, s.channels - c, to + (tile * length + pair) * kTile);
      }
    }
  }

  void lay_out_gradient(const Turn& turn, const Bf16* zeros, int64_t row, int64_t chunk) const {
    alignas(64) uint32_t pairs[kTile][kTile];  // by place and channel
    const Bf16* from[kDepth];
    for (int64_t i = 0; i < kDepth; ++i) {
      const int64_t place = chunk * kDepth + i, column = place / pictures, n = turn.picture + place % pictures;
      const bool inside = column < s.x.out_size && n < s.batch;
      from[i] = inside ? dy + ((n * s.y.out_size + row) * s.x.out_size + column) * s.filters : zeros;
    }
    for (int64_t tile = 0; tile < tiles_k; ++tile) {
      const int64_t k = std::min(tile * kTile, s.filters);
      for (int64_t i = 0; i < kTile; ++i) interleave(from[2 * i] + k, from[2 * i + 1] + k, s.filters - k, pairs[i]);
      Bf16* to = turn.gradient + (row - turn.begin) * gradient_row() + (tile * chunks + chunk) * kTile * kDepth;
      transpose16(pairs, kTile, to, kTile);
    }
  }

  // Adds to the sums [32 filters, 32 channels] of a tap.
  template <int Rows, int Columns>
  void product(const Turn& turn, int64_t tap, int64_t block_k, int64_t block_c, bool is_first, float* sums) const {
    const Shift& shift = shifts[static_cast<size_t>(tap % s.x.taps)];
    is_first ? block_zero<Rows, Columns>() : block_load<Rows, Columns>(sums);
    for (int64_t row = turn.begin; row < turn.end; ++row) {
      const int64_t from = source_row(row, tap / s.x.taps);
      if (from < 0 || from >= s.y.size) continue;
      const Bf16* above = turn.gradient + (row - turn.begin) * gradient_row() + 2 * block_k * chunks * kTile * kDepth;
      const Bf16* map = turn.map + (from - turn.first) * map_row() +
                        (shift.remainder * tiles_c + 2 * block_c) * length * 2 * kTile +
                        (shift.columns - first_column) * pictures * kTile;
      constexpr int64_t step = kTile * kDepth;
      block_multiply<Rows, Columns>(chunks, {above, kTileRow, step}, {above + chunks * step, kTileRow, step},
                                    {map, length * 2 * kTile, step});
    }
    block_store<Rows, Columns>(sums);
  }

  // dw [C, K] of a tap from sums [K, C].
  void finish(const float* sums, int64_t tap, int64_t block_k, int64_t block_c, float* dw) const {
    alignas(64) float turned[kBlock][kBlock];
    for (int64_t i = 0; i < kBlock; i += kTile)
      for (int64_t j = 0; j < kBlock; j += kTile) transpose16(sums + i * kBlock + j, kBlock, &turned[j][i], kBlock);
    const int64_t k0 = block_k * kBlock, c0 = block_c * kBlock, width = std::min(kBlock, s.filters - k0);
    for (int64_t c = 0; c < std::min(kBlock, s.channels - c0); ++c)
      memcpy(dw + (tap * s.channels + c0 + c) * s.filters + k0, turned[c], static_cast<size_t>(width) * sizeof(float));
  }

  void run(float* dw) const {
    const int64_t taps = s.taps(), blocks_k = tiles_k / 2, blocks_c = tiles_c / 2, products = blocks_k * blocks_c * taps;
    const int64_t sums_bytes = products * kBlock * kBlock * static_cast<int64_t>(sizeof(float));
    // Each turn reads and writes all sums once, so that there should be no fewer factors than these.
    const int64_t read = std::min(s.y.step, s.y.taps);  // rows of the map for each of the output, but at the ends
    const int64_t row_bytes = (read * map_row() + gradient_row()) * static_cast<int64_t>(sizeof(Bf16));
    const int64_t rows = std::clamp<int64_t>(std::max(kTurnBytes, sums_bytes) / row_bytes, 1, s.y.out_size);
    const int64_t map_rows = std::min(s.y.size, (rows - 1) * s.y.step + (s.y.taps - 1) * s.y.tap_step + 1);

    auto* sums = static_cast<float*>(scratch(static_cast<size_t>(sums_bytes)));
    auto* map = static_cast<Bf16*>(scratch(static_cast<size_t>(map_rows * map_row()) * sizeof(Bf16)));
    auto* gradient = static_cast<Bf16*>(scratch(static_cast<size_t>(rows * gradient_row()) * sizeof(Bf16)));
    const int64_t most = std::max(s.channels, s.filters);
    auto* zeros = static_cast<Bf16*>(scratch(static_cast<size_t>(most) * sizeof(Bf16)));
    std::fill(zeros, zeros + most, Bf16(0.0f));
    const int64_t columns_of_row = static_cast<int64_t>(remainders.size()) * (columns + 1);
    for (int64_t picture = 0; picture < s.batch; picture += pictures)
      for (int64_t begin = 0; begin < s.y.out_size; begin += rows) {
        Turn turn{picture, begin, std::min(begin + rows, s.y.out_size), 0, 0, map, gradient};
        turn.first = std::clamp<int64_t>(source_row(turn.begin, 0), 0, s.y.size);
        turn.last = std::clamp<int64_t>(source_row(turn.end - 1, s.y.taps - 1) + 1, turn.first, s.y.size);
        const int64_t of_map = (turn.last - turn.first) * columns_of_row, of_gradient = (turn.end - turn.begin) * chunks;
        parallel(of_map + of_gradient, 4, [&](int64_t from, int64_t to) {
          for (int64_t i = from; i < std::min(to, of_map); ++i) {
            const int64_t row = turn.first + i / columns_of_row, column = i % columns_of_row;
            if (reads(turn, row)) lay_out_map(turn, zeros, row, static_cast<size_t>(column / (columns + 1)), column % (columns + 1));
          }
          for (int64_t i = std::max(from, of_map) - of_map; i < to - of_map; ++i)
            lay_out_gradient(turn, zeros, turn.begin + i / chunks, i % chunks);
        });
        each(products, [&](int64_t i) {
          const Tiles tiles(kDepth);
          const int64_t tap = i % taps, block_c = i / taps % blocks_c, block_k = i / taps / blocks_c;
          with_block(s.filters - block_k * kBlock, s.channels - block_c * kBlock, [&](auto tall, auto wide) {
            product<tall, wide>(turn, tap, block_k, block_c, picture + begin == 0, sums + i * kBlock * kBlock);
          });
        });
      }
    parallel(products, 1, [&](int64_t from, int64_t to) {
      for (int64_t i = from; i < to; ++i)
        finish(sums + i * kBlock * kBlock, i % taps, i / taps / blocks_c, i / taps % blocks_c, dw);
    });
  }
};

void backward_weights(const Shape& s, const void* x, const void* dy, float* dw) {
  Gradient(s, static_cast<const Bf16*>(x), static_cast<const Bf16*>(dy)).run(dw);
}

}  // namespace

void add_amx_weights() { amx().backward_weights = backward_weights; }

}  // namespace PROJ_ISA
