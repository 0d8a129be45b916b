#include "../winograd.h"

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

  void output(const float* m, int64_t plane, int64_t tile, const Finish& finish, Map* y) const {
    Map* pixels[kOut * kOut];
    output_pixels<Map>(y, nullptr, tile, pixels);
    const Map* residual = static_cast<const Map*>(finish.residual);
    for_lanes(s.filters, [&](int64_t k, auto lanes) {
      using V = decltype(lanes);
      V from[kPlaces], to[kOut * kOut];
      for (int i = 0; i < kPlaces; ++i) from[i] = load<V>(m + i * plane + k);
      both_ways<kSize, kOut>(from, to, Tile::template output<V>);
      for (int i = 0; i < kOut * kOut; ++i) {
        if (!pixels[i]) continue;
        V value = to[i];
        if (finish.scale) value *= load<V>(finish.scale + k);
        if (finish.shift) value += load<V>(finish.shift + k);
        if (residual) value += load<V>(residual + (pixels[i] - y) + k);
        if (finish.relu) value = value > 0.0f ? value : V{};
        store(pixels[i] + k, value);
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

  // Tiles from `first` on: their inputs and their products, of `plane` tiles.
  struct Turn {
    int64_t first, tiles, plane;
    float *v, *m;
  };

  // What a thread works on should stay in its second-level cache, yet each of its turns reads all filters.
  int64_t tiles_of_a_turn() const {
    constexpr int64_t kCacheBytes = 768 << 10, kFewest = 48;
    const int64_t bytes = kPlaces * (s.channels + padded_filters(s)) * static_cast<int64_t>(sizeof(float));
    const int64_t share = (s.tiles() + omp_get_max_threads() - 1) / omp_get_max_threads();
    return (std::min(std::max(kFewest, kCacheBytes / bytes), share) + kRows - 1) / kRows * kRows;
  }

  void forward(const Map* x, const float* packed, const Finish& finish, Map* y) const {
    const Map* outside = nothing(s.channels);
    const int64_t panels = panels_of(s), tiles = s.tiles();
    const auto inputs = [&](const Turn& turn, int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; ++t)
        input(x, outside, turn.first + t, turn.v + t * input_row(s), turn.plane * input_row(s));
    };
    const auto products = [&](const Turn& turn, int64_t begin, int64_t end) {
      for (int64_t item = begin; item < end; ++item) {
        const int64_t place = item / panels, panel = item % panels;
        const Factor v{turn.v + place * turn.plane * input_row(s), input_row(s), 1};
        float* m = turn.m + place * turn.plane * output_row(s) + panel * kColumns;
        panel_product(turn.tiles, s.channels, v, packed + item * s.channels * kColumns, kColumns, m, output_row(s), false);
      }
    };
    const auto outputs = [&](const Turn& turn, int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; ++t)
        output(turn.m + t * output_row(s), turn.plane * output_row(s), turn.first + t, finish, y);
    };
    const int64_t plane = tiles_of_a_turn(), turns = (tiles + plane - 1) / plane, threads = omp_get_max_threads();
    if (turns < threads) {  // Too few for each to have one: all take part in the same.
      const Turn turn{0, tiles, tiles, floats(kPlaces * tiles * input_row(s)), floats(kPlaces * tiles * output_row(s))};
      parallel(tiles, grain_of(kPlaces * s.channels), [&](int64_t begin, int64_t end) { inputs(turn, begin, end); });
      parallel(kPlaces * panels, grain_of(tiles * s.channels), [&](int64_t begin, int64_t end) { products(turn, begin, end); });
      parallel(tiles, grain_of(kPlaces * s.filters), [&](int64_t begin, int64_t end) { outputs(turn, begin, end); });
      return;
    }
    const int64_t v_size = kPlaces * plane * input_row(s), m_size = kPlaces * plane * output_row(s);
    float* work = floats(threads * (v_size + m_size));
#pragma omp parallel for schedule(dynamic)
    for (int64_t i = 0; i < turns; ++i) {
      float* own = work + omp_get_thread_num() * (v_size + m_size);
      const Turn turn{i * plane, std::min(plane, tiles - i * plane), plane, own, own + v_size};
      inputs(turn, 0, turn.tiles);
      products(turn, 0, kPlaces * panels);
      outputs(turn, 0, turn.tiles);
    }
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
#pragma omp parallel
    for (int64_t first = 0; first < tiles; first += plane) {
      const int64_t count = std::min(plane, tiles - first);
#pragma omp for schedule(dynamic, 8)
      for (int64_t t = 0; t < count; ++t) {
        input(x, outside, first + t, v + t * input_row(s), plane * input_row(s));
        gradient(dy, outside, first + t, m + t * output_row(s), plane * output_row(s));
      }
#pragma omp for schedule(dynamic)
      for (int64_t item = 0; item < kPlaces * blocks; ++item) {
        const int64_t place = item / blocks, c0 = item % blocks * kChannels;
        const Factor transposed{v + place * plane * input_row(s) + c0, 1, input_row(s)};
        const float* factor = m + place * plane * output_row(s);
        float* sums = du + (place * channels + c0) * filters;
        for (int64_t k = 0; k < filters; k += kColumns)
          panel_product(std::min(kChannels, channels - c0), count, transposed, factor + k, output_row(s), sums + k, filters, first > 0);
      }
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
