#include "../amx.h"

#include "activations.h"
#include "amx_blocks.h"
#include "transpose.h"

namespace PROJ_ISA {
namespace {

using Shape = AmxShape;

constexpr int64_t kAtOnce = 8;                    // blocks for which a panel of filters is read once
constexpr int64_t kPanelsBytes = 1 << 20;         // of filters, to stay in a core's second-level cache
constexpr int64_t kCopiedBytes = 256 << 10;       // of pixels, likewise

// A panel is what kBlock filters need.
int64_t panels_of(const Shape& s) { return (s.filters + kBlock - 1) / kBlock; }
int64_t panel_size(const Shape& s) { return s.taps() * s.channels * kBlock; }

size_t packed_bytes(const Shape& s) { return static_cast<size_t>(panels_of(s) * panel_size(s)) * sizeof(Bf16); }

// [panels, taps, C / depth, 2, depth / 2, 16, 2]: the right factors in the order in which they are loaded, zeros behind the
// last filter.
void pack(const Shape& s, const float* filters, bool transposed, void* packed) {
  const int64_t taps = s.taps(), channels = s.channels, depth = amx_depth(channels), columns = 2 * panels_of(s);
  const int64_t steps = channels / depth, tile = kTile * depth;
  parallel(columns * taps, grain_of(channels * kTile), [&](int64_t begin, int64_t end) {
    // By filter, or by channel: what lies side by side in the filters.
    alignas(64) Bf16 rows[kDepth][kDepth];
    alignas(64) uint32_t pairs[kTile][kTile];
    for (int64_t item = begin; item < end; ++item) {
      const int64_t column = item / taps, tap = item % taps, k0 = column * kTile;
      memset(static_cast<void*>(rows), 0, sizeof rows);
      const int64_t width = std::clamp<int64_t>(s.filters - k0, 0, kTile);
      auto* to = static_cast<Bf16*>(packed) + (column / 2) * panel_size(s) + tap * channels * kBlock + column % 2 * tile;
      for (int64_t step = 0; step < steps; ++step, to += 2 * tile) {
        const int64_t c0 = step * depth;
        if (transposed) {
          for (int64_t k = 0; k < width; ++k) {
            const float* from = filters + (tap * s.filters + k0 + k) * channels + c0;
            for_lanes(depth, [&](int64_t c, auto lanes) { store(rows[k] + c, load<decltype(lanes)>(from + c)); });
          }
          transpose16(rows, kDepth / 2, to, kTile, depth / 2);
          continue;
        }
        for (int64_t c = 0; c < depth; ++c) {
          const float* from = filters + (tap * channels + c0 + c) * s.filters + k0;
          for_lanes(width, [&](int64_t k, auto lanes) { store(rows[c] + k, load<decltype(lanes)>(from + k)); });
        }
        for (int64_t c = 0; c < depth; c += 2)
          for (int64_t k = 0; k < kTile; ++k) pairs[c / 2][k] = rows[c][k].bits | uint32_t{rows[c + 1][k].bits} << 16;
        memcpy(static_cast<void*>(to), pairs, static_cast<size_t>(tile) * sizeof(Bf16));
      }
    }
  });
}

struct Convolution {
  const Shape& s;
  const Bf16 *x, *zeros, *packed;
  const Finish& finish;
  Bf16* y;
  const int64_t depth = amx_depth(s.channels);

  template <int Rows, int Columns>
  void product(const Block& block, int64_t panel) const {
    const int64_t tile = kTile * depth, steps = s.channels / depth;
    const Bf16* filters = packed + panel * panel_size(s);
    block_zero<Rows, Columns>();
    for (int64_t t = 0; t < block.taps; ++t) {
      const Block::Tap& tap = block.list[t];
      const Right right{filters + tap.number * s.channels * kBlock, tile, 2 * tile};
      block_multiply<Rows, Columns>(steps, tap.rows[0], tap.rows[1], right);
    }
    alignas(64) float sums[kBlock * kBlock];
    block_store<Rows, Columns>(sums);
    write(sums, block, panel * kBlock);
  }

  void write(const float* sums, const Block& block, int64_t k) const {
    const int64_t pixels = block.pixels, filters = s.filters;
    const auto* residual = static_cast<const Bf16*>(finish.residual);
    Bf16* const to = y;
    for_lanes(std::min(kBlock, filters - k), [&](int64_t j, auto lanes) {
      using V = decltype(lanes);
      const V scale = finish.scale ? load<V>(finish.scale + k + j) : V{} + 1.0f;
      const V shift = finish.shift ? load<V>(finish.shift + k + j) : V{};
      for (int64_t i = 0; i < pixels; ++i) {
        const int64_t at = block.to[i] * filters + k + j;
        V value = load<V>(sums + i * kBlock + j) * scale + shift;
        if (residual) value += load<V>(residual + at);
        store(to + at, activated(value, finish.after));
      }
    });
  }

  // Threads take some blocks and some panels at a time. Panels are the outer loop: all threads read the same few.
  template <class Blocks>
  void run(const Blocks& blocks) const {
    const int64_t count = blocks.count(), panels = panels_of(s), threads = team_threads();
    if (count == 0) return;
    int64_t some_panels = std::clamp<int64_t>(kPanelsBytes / (panel_size(s) * static_cast<int64_t>(sizeof(Bf16))), 1, panels);
    int64_t some_blocks = std::clamp<int64_t>(kCopiedBytes / std::max<int64_t>(1, blocks.copied_bytes()), 1, kAtOnce);
    const auto parts = [](int64_t all, int64_t some) { return (all + some - 1) / some; };
    const auto too_few = [&] { return parts(count, some_blocks) * parts(panels, some_panels) < 2 * threads && threads > 1; };
    while (some_blocks > 1 && too_few()) some_blocks = (some_blocks + 1) / 2;
    while (some_panels > 1 && too_few()) some_panels = (some_panels + 1) / 2;
    const int64_t list_bytes = parts(s.taps() * static_cast<int64_t>(sizeof(Block::Tap)), kTileRow) * kTileRow;
    const int64_t bytes = list_bytes + blocks.copied_bytes();
    char* memory = static_cast<char*>(scratch(static_cast<size_t>(threads * some_blocks * bytes)));
    const int64_t turns = parts(count, some_blocks), items = turns * parts(panels, some_panels);
    each(items, [&](int64_t item) {
      const Tiles tiles(depth);
      Block ready[kAtOnce];
      const int64_t first = item % turns * some_blocks, last = std::min(count, first + some_blocks);
      for (int64_t b = first; b < last; ++b) {
        char* own = memory + (team_lane() * some_blocks + b - first) * bytes;
        ready[b - first].list = reinterpret_cast<Block::Tap*>(own);
        blocks.fill(b, x, zeros, own + list_bytes, ready[b - first]);
      }
      const int64_t panel = item / turns * some_panels;
      for (int64_t p = panel; p < std::min(panels, panel + some_panels); ++p)
        for (int64_t b = 0; b < last - first; ++b)
          with_block(ready[b].pixels, s.filters - p * kBlock,
                     [&](auto rows, auto columns) { product<rows, columns>(ready[b], p); });
    });
  }
};

// Filters of one pixel in steps of one know no borders: their pictures are one below the other.
Shape as_one_picture(const Shape& s) {
  const auto plain = [](const Shape::Axis& a) {
    return a.taps == 1 && a.step == 1 && a.divisor == 1 && a.first == 0 && a.size == a.out_size;
  };
  if (!plain(s.y) || !plain(s.x)) return s;
  Shape one = s;
  one.batch = 1;
  one.y.size = one.y.out_size = s.batch * s.y.size;
  return one;
}

void run(const Shape& given, const void* x, const void* packed, const Finish& finish, void* y) {
  const Shape s = as_one_picture(given);
  auto* zeros = static_cast<Bf16*>(scratch(static_cast<size_t>(s.channels) * sizeof(Bf16)));
  std::fill(zeros, zeros + s.channels, Bf16(0.0f));
  const Convolution convolution{s,      static_cast<const Bf16*>(x), zeros, static_cast<const Bf16*>(packed),
                                finish, static_cast<Bf16*>(y)};
  const int64_t pictures = s.batch / kTile * kTile;
  if (pictures > 0) convolution.run(PictureBlocks(s, pictures, convolution.depth));
  if (pictures < s.batch) convolution.run(RowBlocks(s, pictures, convolution.depth));
}

}  // namespace

void add_amx() {
  amx().packed_bytes = packed_bytes;
  amx().pack = pack;
  amx().run = run;
}

}  // namespace PROJ_ISA
