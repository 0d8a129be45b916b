#include "../winograd.h"

#include "activations.h"
#include "gemm.h"
#include "winograd_tiles.h"

namespace PROJ_ISA {
namespace {

using Shape = WinogradShape;

constexpr int64_t kApart = 16;  // floats between rows, so that rows of a power of two do not meet in the cache

int64_t panels_of(const Shape& s) { return (s.filters + kColumns - 1) / kColumns; }
int64_t padded_filters(const Shape& s) { return panels_of(s) * kColumns; }
int64_t input_row(const Shape& s) { return s.channels + kApart; }
int64_t output_row(const Shape& s) { return padded_filters(s) + kApart; }

float* floats(int64_t n) { return static_cast<float*>(scratch(static_cast<size_t>(n) * sizeof(float))); }

float* zeros(int64_t n) {
  float* data = floats(n);
  std::fill(data, data + n, 0.0f);
  return data;
}

// The algorithm for tiles of one size and maps of one type. A place is a pixel of a tile; each has a product of its own.
template <class Tile, class Map>
struct Algorithm {
  using Element = Map;
  static constexpr int kOut = Tile::kOut, kSize = Tile::kSize, kPlaces = kSize * kSize;

  const Shape& s;

  struct Position {
    int64_t sample, y, x;  // of a tile's first output pixel
  };

  Position position(int64_t tile) const {
    const int64_t row = tile / s.tile_columns();
    return {row / s.tile_rows(), row % s.tile_rows() * kOut, tile % s.tile_columns() * kOut};
  }

  // A pixel of zeros.
  static const Map* nothing(int64_t channels) { return reinterpret_cast<const Map*>(zeros(channels)); }

  // [places, panels, C, kColumns] of filters [3, 3, C, K] or, for a backward pass, of [3, 3, K, C] with both spatial axes
  // reversed.
  void pack(const float* filters, bool backward, float* packed) const {
    constexpr int64_t kChannels = 8;
    const int64_t channels = s.channels, blocks = (channels + kChannels - 1) / kChannels;
    const int64_t place = panels_of(s) * channels * kColumns;
    parallel(panels_of(s) * blocks, grain_of(kChannels * kColumns * kPlaces), [&](int64_t begin, int64_t end) {
      float taps[9][kChannels][kColumns];
      for (int64_t item = begin; item < end; ++item) {
        const int64_t panel = item / blocks, c0 = item % blocks * kChannels, k0 = panel * kColumns;
        const int64_t width = std::min<int64_t>(kColumns, s.filters - k0), height = std::min(kChannels, channels - c0);
        std::fill(&taps[0][0][0], &taps[0][0][0] + sizeof taps / sizeof(float), 0.0f);
        for (int64_t tap = 0; tap < 9; ++tap)
          for (int64_t c = 0; c < height; ++c)
            for (int64_t k = 0; k < width; ++k)
              taps[tap][c][k] = backward ? filters[((8 - tap) * s.filters + k0 + k) * channels + c0 + c]
                                         : filters[(tap * channels + c0 + c) * s.filters + k0 + k];
        for (int64_t c = 0; c < height; ++c)
          for (int k = 0; k < kColumns; k += kLanes) {
            Lanes g[9], u[kPlaces];
            for (int tap = 0; tap < 9; ++tap) g[tap] = load<Lanes>(&taps[tap][c][k]);
            both_ways<3, kSize>(g, u, Tile::template filter<Lanes>);
            float* to = packed + (panel * channels + c0 + c) * kColumns + k;
            for (int i = 0; i < kPlaces; ++i) store(to + i * place, u[i]);
          }
      }
    });
  }

  // Maps to tiles and back. A place is `plane` floats from the next; pixels beyond the map are `outside`.

  void input(const Map* x, const Map* outside, int64_t tile, float* v, int64_t plane) const {
    const Position at = position(tile);
    const Map* pixels[kPlaces];
    for (int64_t i = 0; i < kSize; ++i)
      for (int64_t j = 0; j < kSize; ++j) {
        const int64_t row = at.y - s.top + i, column = at.x - s.left + j;
        const bool inside = row >= 0 && row < s.height && column >= 0 && column < s.width;
        pixels[kSize * i + j] = inside ? x + ((at.sample * s.height + row) * s.width + column) * s.channels : outside;
      }
    for_lanes(s.channels, [&](int64_t c, auto lanes) {
      using V = decltype(lanes);
      V from[kPlaces], to[kPlaces];
      for (int i = 0; i < kPlaces; ++i) from[i] = load<V>(pixels[i] + c);
      both_ways<kSize, kSize>(from, to, Tile::template input<V>);
      for (int i = 0; i < kPlaces; ++i) store(v + i * plane + c, to[i]);
    });
  }

  template <class Pixel>
  void output_pixels(Pixel* y, Pixel* outside, int64_t tile, Pixel** pixels) const {
    const Position at = position(tile);
    for (int64_t i = 0; i < kOut; ++i)
      for (int64_t j = 0; j < kOut; ++j) {
        const bool inside = at.y + i < s.out_height && at.x + j < s.out_width;
        const int64_t pixel = (at.sample * s.out_height + at.y + i) * s.out_width + at.x + j;
        pixels[kOut * i + j] = inside ? y + pixel * s.filters : outside;
      }
  }

  // Of kColumns filters from k0 on, whose products of one place lie kRows * kColumns floats from those of the next.
  void output(const float* m, int64_t tile, int64_t k0, const Finish& finish, Map* y) const {
    Map* pixels[kOut * kOut];
    output_pixels<Map>(y, nullptr, tile, pixels);
    const Map* residual = static_cast<const Map*>(finish.residual);
    for_lanes(std::min<int64_t>(kColumns, s.filters - k0), [&](int64_t j, auto lanes) {
      using V = decltype(lanes);
      const int64_t k = k0 + j;
      V from[kPlaces], to[kOut * kOut];
      for (int i = 0; i < kPlaces; ++i) from[i] = load<V>(m + i * kRows * kColumns + j);
      both_ways<kSize, kOut>(from, to, Tile::template output<V>);
      for (int i = 0; i < kOut * kOut; ++i) {
        if (!pixels[i]) continue;
        V value = to[i];
        if (finish.scale) value *= load<V>(finish.scale + k);
        if (finish.shift) value += load<V>(finish.shift + k);
        if (residual) value += load<V>(residual + (pixels[i] - y) + k);
        store(pixels[i] + k, activated(value, finish.after));
      }
    });
  }

  void gradient(const Map* dy, const Map* outside, int64_t tile, float* m, int64_t plane) const {
    const Map* pixels[kOut * kOut];
    output_pixels<const Map>(dy, outside, tile, pixels);
    for_lanes(s.filters, [&](int64_t k, auto lanes) {
      using V = decltype(lanes);
      V from[kOut * kOut], to[kPlaces];
      for (int i = 0; i < kOut * kOut; ++i) from[i] = load<V>(pixels[i] + k);
      both_ways<kOut, kSize>(from, to, Tile::template output_gradient<V>);
      for (int i = 0; i < kPlaces; ++i) store(m + i * plane + k, to[i]);
    });
  }

  // Tiles from `first` on, in blocks of up to kRows, whose inputs lie together in `v`: [blocks, places, rows * C and some].
  struct Turn {
    int64_t first, tiles, rows;
    float* v;

    int64_t blocks() const { return (tiles + rows - 1) / rows; }
  };

  int64_t place_size(const Turn& turn) const { return turn.rows * s.channels + kApart; }
  int64_t v_size(int64_t tiles) const {
    return (tiles + kRows) * kPlaces * (s.channels + kApart);
  }

  // Blocks of equal size, since one of a few rows takes as long as a full one.
  Turn turn_of(int64_t first, int64_t tiles, float* v) const {
    const int64_t blocks = (tiles + kRows - 1) / kRows;
    return {first, tiles, (tiles + blocks - 1) / blocks, v};
  }

  void inputs(const Turn& turn, const Map* x, const Map* outside, int64_t begin, int64_t end) const {
    for (int64_t t = begin; t < end; ++t) {
      float* block = turn.v + t / turn.rows * kPlaces * place_size(turn);
      input(x, outside, turn.first + t, block + t % turn.rows * s.channels, place_size(turn));
    }
  }

  // Of one panel of filters and blocks from `begin` on: the products of all places, which stay in the first-level cache, and
  // what they stand for.
  void outputs(const Turn& turn, const float* packed, int64_t panel, int64_t begin, int64_t end, const Finish& finish,
               Map* y) const {
    constexpr int64_t kTogether = kPlaces > 16 ? 1 : 2;  // for which filters are read once
    const int64_t filters = s.channels * kColumns, panels = panels_of(s);
    float m[kTogether][kPlaces][kRows * kColumns];
    for (int64_t first = begin; first < end; first += kTogether) {
      const int64_t last = std::min(end, first + kTogether);
      for (int64_t place = 0; place < kPlaces; ++place)
        for (int64_t block = first; block < last; ++block) {
          const int64_t rows = std::min(turn.rows, turn.tiles - block * turn.rows);
          const Factor v{turn.v + (block * kPlaces + place) * place_size(turn), s.channels, 1};
          panel_product(rows, s.channels, v, packed + (place * panels + panel) * filters, kColumns, m[block - first][place],
                        kColumns, false);
        }
      for (int64_t block = first; block < last; ++block)
        for (int64_t t = block * turn.rows; t < std::min(turn.tiles, (block + 1) * turn.rows); ++t)
          output(m[block - first][0] + t % turn.rows * kColumns, turn.first + t, panel * kColumns, finish, y);
    }
  }

  void forward(const Map* x, const float* packed, const Finish& finish, Map* y) const {
    constexpr int64_t kShared = 512 << 10, kTurn = 256 << 10, kFewest = 24;
    const Map* outside = nothing(s.channels);
    const int64_t panels = panels_of(s), tiles = s.tiles(), threads = team_threads();
    const int64_t bytes = kPlaces * (s.channels + kApart) * static_cast<int64_t>(sizeof(float));
    if (tiles * bytes < kShared) {  // All threads take part in the same turn.
      const Turn turn = turn_of(0, tiles, floats(v_size(tiles)));
      parallel(tiles, grain_of(kPlaces * s.channels), [&](int64_t begin, int64_t end) { inputs(turn, x, outside, begin, end); });
      const int64_t blocks = turn.blocks();
      parallel(panels * blocks, grain_of(turn.rows * kPlaces * s.channels), [&](int64_t begin, int64_t end) {
        for (int64_t item = begin; item < end;) {
          const int64_t panel = item / blocks, count = std::min(end, (panel + 1) * blocks) - item;
          outputs(turn, packed, panel, item % blocks, item % blocks + count, finish, y);
          item += count;
        }
      });
      return;
    }
    // The inputs of a turn should stay in the second-level cache, yet each turn reads all filters. As many for each thread,
    // and none without a tile.
    const int64_t wanted = std::min((tiles * bytes + kTurn - 1) / kTurn, (tiles + kFewest - 1) / kFewest);
    const int64_t turns = std::min(tiles, (wanted + threads - 1) / threads * threads);
    const int64_t most = (tiles + turns - 1) / turns;
    const int64_t size = v_size(most);
    float* work = floats(threads * size);
    each(turns, [&](int64_t i) {
      const int64_t first = tiles * i / turns, count = tiles * (i + 1) / turns - first;
      const Turn turn = turn_of(first, count, work + team_lane() * size);
      inputs(turn, x, outside, 0, count);
      for (int64_t panel = 0; panel < panels; ++panel) outputs(turn, packed, panel, 0, turn.blocks(), finish, y);
    });
  }

  void backward_weights(const Map* x, const Map* dy, float* dw) const {
    constexpr int64_t kCacheBytes = 4 << 20, kChannels = 4 * kRows;
    const int64_t channels = s.channels, filters = padded_filters(s), tiles = s.tiles();
    // Each turn reads and writes all sums once, so tiles should be no fewer numbers than these.
    const int64_t enough = std::max<int64_t>(kCacheBytes / (kPlaces * sizeof(float)), channels * filters);
    const int64_t plane = std::min(tiles, std::max<int64_t>(1, enough / (channels + filters)));
    const int64_t blocks = (channels + kChannels - 1) / kChannels;
    float* v = floats(kPlaces * plane * input_row(s));
    float* m = zeros(kPlaces * plane * output_row(s));  // Columns behind the last filter stay so.
    float* du = floats(kPlaces * channels * filters);
    const Map* outside = nothing(std::max(channels, s.filters));
    for (int64_t first = 0; first < tiles; first += plane) {
      const int64_t count = std::min(plane, tiles - first);
      parallel(count, 8, [&](int64_t begin, int64_t end) {
        for (int64_t t = begin; t < end; ++t) {
          input(x, outside, first + t, v + t * input_row(s), plane * input_row(s));
          gradient(dy, outside, first + t, m + t * output_row(s), plane * output_row(s));
        }
      });
      each(kPlaces * blocks, [&](int64_t item) {
        const int64_t place = item / blocks, c0 = item % blocks * kChannels;
        const Factor transposed{v + place * plane * input_row(s) + c0, 1, input_row(s)};
        const float* factor = m + place * plane * output_row(s);
        float* sums = du + (place * channels + c0) * filters;
        for (int64_t k = 0; k < filters; k += kColumns)
          panel_product(std::min(kChannels, channels - c0), count, transposed, factor + k, output_row(s), sums + k, filters, first > 0);
      });
    }
    parallel(channels, grain_of(kPlaces * filters), [&](int64_t begin, int64_t end) {
      for (int64_t c = begin; c < end; ++c)
        for_lanes(s.filters, [&](int64_t k, auto lanes) {
          using V = decltype(lanes);
          V from[kPlaces], to[9];
          for (int i = 0; i < kPlaces; ++i) from[i] = load<V>(du + (i * channels + c) * filters + k);
          both_ways<kSize, 3>(from, to, Tile::template filter_gradient<V>);
          for (int i = 0; i < 9; ++i) store(dw + (i * channels + c) * s.filters + k, to[i]);
        });
    });
  }
};

template <class F>
void with_algorithm(const Shape& s, Type map, F&& f) {
  if (map == Type::f32) return f(Algorithm<Tile2, float>{s});
  if (s.tile == 2) return f(Algorithm<Tile2, Bf16>{s});
  f(Algorithm<Tile4, Bf16>{s});
}

size_t packed_bytes(const Shape& s) {
  return static_cast<size_t>((s.tile + 2) * (s.tile + 2) * s.channels * padded_filters(s)) * sizeof(float);
}

void pack(const Shape& s, const float* filters, bool backward, float* packed) {
  // Filters know nothing of the maps.
  if (s.tile == 2) return Algorithm<Tile2, float>{s}.pack(filters, backward, packed);
  Algorithm<Tile4, Bf16>{s}.pack(filters, backward, packed);
}

void forward(const Shape& s, const Tensor& x, const float* packed, const Finish& finish, const Tensor& y) {
  with_algorithm(s, x.type, [&](const auto& algorithm) {
    using Map = typename std::decay_t<decltype(algorithm)>::Element;
    algorithm.forward(x.as<const Map>(), packed, finish, y.as<Map>());
  });
}

void backward_weights(const Shape& s, const Tensor& x, const Tensor& dy, float* dw) {
  with_algorithm(s, x.type, [&](const auto& algorithm) {
    using Map = typename std::decay_t<decltype(algorithm)>::Element;
    algorithm.backward_weights(x.as<const Map>(), dy.as<const Map>(), dw);
  });
}

}  // namespace

void add_winograd() { winograd() = {packed_bytes, pack, forward, backward_weights}; }

}  // namespace PROJ_ISA
