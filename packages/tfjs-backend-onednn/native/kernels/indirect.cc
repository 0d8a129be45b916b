#include "../indirect.h"

#include "activations.h"
#include "gemm.h"

namespace PROJ_ISA {
namespace {

using Shape = IndirectShape;

int64_t panels_of(const Shape& s) { return (s.filters + kColumns - 1) / kColumns; }

size_t packed_bytes(const Shape& s) {
  return static_cast<size_t>(panels_of(s) * s.taps() * s.channels * kColumns) * sizeof(float);
}

// [panels, taps, C, kColumns]
void pack(const Shape& s, const float* filters, bool transposed, float* packed) {
  const int64_t taps = s.taps(), channels = s.channels;
  parallel(panels_of(s) * taps, grain_of(channels * kColumns), [&](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; ++item) {
      const int64_t tap = item % taps, k0 = item / taps * kColumns, width = std::min<int64_t>(kColumns, s.filters - k0);
      float* to = packed + item * channels * kColumns;
      if (width < kColumns) std::fill(to, to + channels * kColumns, 0.0f);
      const float* from = filters + tap * channels * s.filters + (transposed ? k0 * channels : k0);
      for (int64_t c = 0; c < channels; ++c, to += kColumns)
        for (int64_t k = 0; k < width; ++k) to[k] = transposed ? from[k * channels + c] : from[c * s.filters + k];
    }
  });
}

// Pixels of the result which the same taps reach, because they lie `divisor` apart.
struct Lattice {
  int64_t y, x;  // of the first
  int64_t rows, columns;
  int64_t taps[2][64];  // numbers of the taps along y and along x, ended by -1
};

constexpr int64_t kBlocks = 8;  // of kRows pixels, for which a panel of filters is read once

template <class Map>
struct Convolution {
  const Shape& s;
  const Map *x, *nothing;
  const float* packed;
  const Finish& finish;
  Map* y;

  // For kRows pixels: by tap where they read, and where they write.
  struct Block {
    int64_t rows = 0, taps = 0;
    const Map** from;    // [taps, kRows]
    int64_t* tap;        // [taps]
    int64_t to[kRows];
  };

  // Where a tap of an axis reads for a pixel, -1 outside.
  static int64_t place(const Shape::Axis& axis, int64_t pixel, int64_t tap) {
    const int64_t at = pixel * axis.step + axis.first + tap * axis.tap_step;
    return at < 0 || at >= axis.size * axis.divisor ? -1 : axis.divisor == 1 ? at : at / axis.divisor;
  }

  void gather(const Lattice& lattice, int64_t first, int64_t rows, Block& block) const {
    block.rows = rows;
    const Map* base[kRows];
    int64_t py[kRows], px[kRows];
    int64_t column = first % lattice.columns, row = first / lattice.columns, sample = row / lattice.rows;
    row %= lattice.rows;
    for (int64_t i = 0; i < block.rows; ++i) {
      py[i] = lattice.y + row * s.y.divisor;
      px[i] = lattice.x + column * s.x.divisor;
      base[i] = x + sample * s.y.size * s.x.size * s.channels;
      block.to[i] = ((sample * s.y.out_size + py[i]) * s.x.out_size + px[i]) * s.filters;
      if (++column < lattice.columns) continue;
      column = 0;
      if (++row < lattice.rows) continue;
      row = 0;
      ++sample;
    }
    block.taps = 0;
    for (const int64_t* ky = lattice.taps[0]; *ky >= 0; ++ky) {
      const Map* line[kRows];
      for (int64_t i = 0; i < block.rows; ++i) {
        const int64_t at = place(s.y, py[i], *ky);
        line[i] = at < 0 ? nullptr : base[i] + at * s.x.size * s.channels;
      }
      for (const int64_t* kx = lattice.taps[1]; *kx >= 0; ++kx) {
        const Map** from = block.from + block.taps * kRows;
        bool reads = false;
        for (int64_t i = 0; i < block.rows; ++i) {
          const int64_t at = line[i] ? place(s.x, px[i], *kx) : -1;
          reads |= at >= 0;
          from[i] = at < 0 ? nothing : line[i] + at * s.channels;
        }
        if (reads) block.tap[block.taps++] = *ky * s.x.taps + *kx;
      }
    }
  }

  template <int Rows>
  void product(const Block& block, int64_t panel) const {
    Lanes sum[Rows][2];
    clear(sum);
    const float* filters = packed + panel * s.taps() * s.channels * kColumns;
    for (int64_t t = 0; t < block.taps; ++t) {
      const float* b = filters + block.tap[t] * s.channels * kColumns;
      const Map* from[Rows];
#pragma GCC unroll 12
      for (int i = 0; i < Rows; ++i) from[i] = block.from[t * kRows + i];
      for (int64_t c = 0; c < s.channels; ++c, b += kColumns)
        add_products(sum, b, [&](int i) -> float { return from[i][c]; });
    }
    const int64_t k = panel * kColumns, width = std::min<int64_t>(kColumns, s.filters - k);
    if (width == kColumns) {
#pragma GCC unroll 12
      for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 2
        for (int j = 0; j < 2; ++j) write<Lanes>(sum[i][j], block.to[i], k + j * kLanes);
      return;
    }
    for (int i = 0; i < Rows; ++i) {
      float values[kColumns];
#pragma GCC unroll 2
      for (int j = 0; j < 2; ++j) store(values + j * kLanes, sum[i][j]);
      for (int64_t j = 0; j < width; ++j) write<float>(values[j], block.to[i], k + j);
    }
  }

  template <class V>
  void write(V value, int64_t pixel, int64_t k) const {
    if (finish.scale) value *= load<V>(finish.scale + k);
    if (finish.shift) value += load<V>(finish.shift + k);
    if (finish.residual) value += load<V>(static_cast<const Map*>(finish.residual) + pixel + k);
    store(y + pixel + k, activated(value, finish.after));
  }

  template <int Rows>
  void product_of(const Block& block, int64_t panel) const {
    if constexpr (Rows > 0) {
      if (block.rows == Rows) return product<Rows>(block, panel);
      product_of<Rows - 1>(block, panel);
    }
  }

  void run(const Lattice& lattice) const {
    const int64_t pixels = s.batch * lattice.rows * lattice.columns, panels = panels_of(s), taps = s.taps();
    const int64_t all_blocks = (pixels + kRows - 1) / kRows, chunks = (all_blocks + kBlocks - 1) / kBlocks;
    // Of few pixels threads share the panels as well.
    const int64_t enough = 2 * team_threads();
    const int64_t groups = std::min(panels, chunks < enough ? (enough + chunks - 1) / chunks : 1);
    const size_t per_thread = static_cast<size_t>(kBlocks * taps * (kRows + 1)) * sizeof(int64_t);
    char* lists = static_cast<char*>(scratch(per_thread * static_cast<size_t>(team_threads())));
    each(chunks * groups, [&](int64_t i) {
      const int64_t chunk = i / groups, group = i % groups;
      auto* tap = reinterpret_cast<int64_t*>(lists + per_thread * static_cast<size_t>(team_lane()));
      auto* from = reinterpret_cast<const Map**>(tap + kBlocks * taps);
      Block blocks[kBlocks];
      int64_t count = 0;
      for (int64_t block = chunk * kBlocks; block < std::min(all_blocks, (chunk + 1) * kBlocks); ++block, ++count) {
        blocks[count].tap = tap + count * taps;
        blocks[count].from = from + count * taps * kRows;
        // Blocks of equal size, since one of a few pixels takes as long as a full one.
        const int64_t first = pixels * block / all_blocks;
        gather(lattice, first, pixels * (block + 1) / all_blocks - first, blocks[count]);
      }
      for (int64_t panel = panels * group / groups; panel < panels * (group + 1) / groups; ++panel)
        for (int64_t b = 0; b < count; ++b) product_of<kRows>(blocks[b], panel);
    });
  }
};

// Those taps of an axis that lie over whole pixels from `first` on.
void taps_from(const Shape::Axis& axis, int64_t first, int64_t* taps) {
  for (int64_t tap = 0; tap < axis.taps; ++tap)
    if ((first * axis.step + axis.first + tap * axis.tap_step) % axis.divisor == 0) *taps++ = tap;
  *taps = -1;
}

template <class Map>
void run_as(const Shape& s, const Tensor& x, const float* packed, const Finish& finish, const Tensor& y) {
  auto* nothing = static_cast<Map*>(scratch(static_cast<size_t>(s.channels) * sizeof(Map)));
  std::fill(nothing, nothing + s.channels, Map(0.0f));
  const Convolution<Map> convolution{s, x.as<const Map>(), nothing, packed, finish, y.as<Map>()};
  Lattice lattice;
  for (lattice.y = 0; lattice.y < std::min(s.y.divisor, s.y.out_size); ++lattice.y)
    for (lattice.x = 0; lattice.x < std::min(s.x.divisor, s.x.out_size); ++lattice.x) {
      lattice.rows = (s.y.out_size - lattice.y + s.y.divisor - 1) / s.y.divisor;
      lattice.columns = (s.x.out_size - lattice.x + s.x.divisor - 1) / s.x.divisor;
      taps_from(s.y, lattice.y, lattice.taps[0]);
      taps_from(s.x, lattice.x, lattice.taps[1]);
      convolution.run(lattice);
    }
}

void run(const Shape& s, const Tensor& x, const float* packed, const Finish& finish, const Tensor& y) {
  if (x.type == Type::f32) return run_as<float>(s, x, packed, finish, y);
  run_as<Bf16>(s, x, packed, finish, y);
}

}  // namespace

void add_indirect() { indirect() = {packed_bytes, pack, run}; }

}  // namespace PROJ_ISA
