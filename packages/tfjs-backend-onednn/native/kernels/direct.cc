#include "../direct.h"

#include "activations.h"
#include "band.h"
#include "gemm.h"

namespace PROJ_ISA {
namespace {

using Shape = IndirectShape;

// Of the pixels that one thread takes at a time through all filters: they should stay in the second-level cache.
constexpr int64_t kPixelBytes = 128 << 10;
constexpr int64_t kMostPixels = 32 * kRows;

struct Convolution {
  const Shape& s;
  const float *x, *packed;
  const Finish finish;
  float* y;

  // Bands of `rows` rows of the result, whose input has a border of its own where the map has one; for filters of one pixel runs
  // of `pixels` of all pictures. `groups`: into how many parts the panels of filters are divided.
  int64_t rows = 0, pixels = 0, chunks = 0, groups = 1;

  int64_t panels() const { return (s.filters + kColumns - 1) / kColumns; }
  int64_t depth() const { return s.x.taps * s.channels; }
  bool is_pointwise() const { return s.taps() == 1; }
  int64_t all_pixels() const { return s.batch * s.y.out_size * s.x.out_size; }
  int64_t bands() const { return (s.y.out_size + rows - 1) / rows; }
  // Columns and rows that the pixels of a band reach.
  int64_t band_width() const { return (s.x.out_size - 1) * s.x.step + s.x.taps; }
  int64_t band_height() const { return (rows - 1) * s.y.step + s.y.taps; }
  int64_t band_size() const { return is_pointwise() ? 0 : band_height() * band_width() * s.channels; }

  void plan() {
    const int64_t enough = 4 * team_threads();
    if (is_pointwise()) {
      pixels = std::clamp<int64_t>(kPixelBytes / (s.channels * 4) / kRows * kRows, 4 * kRows, kMostPixels);
      chunks = (all_pixels() + pixels - 1) / pixels;
      if (chunks < enough) groups = std::min(panels(), (enough + chunks - 1) / chunks);
      pixels = (all_pixels() + chunks - 1) / chunks;
      return;
    }
    const int64_t row_bytes = s.y.step * band_width() * s.channels * 4;
    rows = std::clamp<int64_t>(std::min(kPixelBytes / row_bytes, kMostPixels / s.x.out_size), 1, s.y.out_size);
    while (rows > 1 && s.batch * bands() < enough) rows = (rows + 1) / 2;
    rows = (s.y.out_size + bands() - 1) / bands();
    pixels = rows * s.x.out_size;
    chunks = s.batch * bands();
  }

  // What a thread works with: where the pixels of a chunk begin, and a band.
  int64_t lane_bytes() const {
    return (pixels * static_cast<int64_t>(sizeof(float*)) + band_size() * static_cast<int64_t>(sizeof(float)) + 63) / 64 * 64;
  }

  // Fills `from` with the pixels of a chunk; returns how many, and the first of the result.
  int64_t gather(int64_t chunk, const float** from, float* band, int64_t& first) const {
    if (is_pointwise()) {
      first = chunk * pixels;
      const int64_t count = std::min(pixels, all_pixels() - first);
      int64_t column = first % s.x.out_size, row = first / s.x.out_size;
      for (int64_t i = 0; i < count; ++i) {
        const int64_t picture = row / s.y.out_size;
        const int64_t at = (picture * s.y.size + row % s.y.out_size * s.y.step) * s.x.size + column * s.x.step;
        from[i] = x + at * s.channels;
        if (++column == s.x.out_size) column = 0, ++row;
      }
      return count;
    }
    const int64_t picture = chunk / bands(), begin = chunk % bands() * rows;
    const int64_t count = std::min(rows, s.y.out_size - begin);
    copy_band(s, x, picture, begin, count, band);
    for (int64_t r = 0; r < count; ++r)
      for (int64_t c = 0; c < s.x.out_size; ++c) *from++ = band + (r * s.y.step * band_width() + c * s.x.step) * s.channels;
    first = (picture * s.y.out_size + begin) * s.x.out_size;
    return count * s.x.out_size;
  }

  // Panels of filters from `panel` on, `Columns` registers wide, for `Rows` pixels, the first of them number `pixel` of the result.
  template <int Rows, int Columns>
  void product(const float* const* from, int64_t pixel, int64_t panel, int64_t end) const {
    const float* a[Rows];
#pragma GCC unroll 12
    for (int i = 0; i < Rows; ++i) a[i] = from[i];
    const int64_t row = band_width() * s.channels, length = depth(), taps = s.y.taps;
    const float* b = packed + panel * s.taps() * s.channels * kColumns;
    for (; panel < end; ++panel) {
      Lanes sum[Rows][Columns];
      clear(sum);
      for (int64_t ky = 0, at = 0; ky < taps; ++ky, at += row)
        for (int64_t p = at; p < at + length; ++p, b += kColumns)
          add_products(sum, b, [&](int i) { return a[i][p]; });
      const int64_t k = panel * kColumns, at = pixel * s.filters + k;
      const bool whole = s.filters - k >= Columns * kLanes;
      if (whole && !finish.is_nothing()) finish_block<Rows, Columns>(sum, at, k);
      float values[Rows * Columns * kLanes];
      float* to = whole ? y + at : values;
      const int64_t width = whole ? s.filters : Columns * kLanes;
#pragma GCC unroll 12
      for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 2
        for (int j = 0; j < Columns; ++j) store(to + i * width + j * kLanes, sum[i][j]);
      if (!whole) finish_rows(values, Rows, width, at, k);
    }
  }

  // What follows sums, which are in registers.
  template <int Rows, int Columns>
  inline void finish_block(Lanes (&sum)[Rows][Columns], int64_t at, int64_t k) const {
    const auto [scale, shift, other, after] = finish;
    const auto* residual = static_cast<const float*>(other);
#pragma GCC unroll 2
    for (int j = 0; j < Columns; ++j) {
      const int64_t c = k + j * kLanes;
      const Lanes factor = scale ? load<Lanes>(scale + c) : Lanes{} + 1.0f, more = shift ? load<Lanes>(shift + c) : Lanes{};
#pragma GCC unroll 12
      for (int i = 0; i < Rows; ++i) {
        Lanes value = sum[i][j] * factor + more;
        if (residual) value += load<Lanes>(residual + at + i * s.filters + j * kLanes);
        sum[i][j] = activated(value, after);
      }
    }
  }

  // The same of rows of sums that are `width` numbers, of which the map has fewer.
  __attribute__((noinline)) void finish_rows(const float* sums, int64_t rows, int64_t width, int64_t at, int64_t k) const {
    const auto [scale, shift, other, after] = finish;
    const auto* residual = static_cast<const float*>(other);
    const int64_t filters = s.filters, columns = std::min(width, filters - k);
    for (int64_t i = 0; i < rows; ++i, sums += width, at += filters)
      for_lanes(columns, [=](int64_t j, auto lanes) {
        using V = decltype(lanes);
        V value = load<V>(sums + j);
        if (scale) value *= load<V>(scale + k + j);
        if (shift) value += load<V>(shift + k + j);
        if (residual) value += load<V>(residual + at + j);
        store(y + at + j, activated(value, after));
      });
  }

  template <int Rows, int Columns>
  void product_of(int64_t count, const float* const* from, int64_t pixel, int64_t panel, int64_t end) const {
    if constexpr (Rows > 0) {
      if (count == Rows) return product<Rows, Columns>(from, pixel, panel, end);
      product_of<Rows - 1, Columns>(count, from, pixel, panel, end);
    }
  }

  // Some panels of filters for all pixels of a chunk, in blocks of equal size, since one of a few pixels takes as long as a full
  // one: all panels for each block where they stay in the first-level cache, otherwise all blocks for each panel.
  void panels_of(int64_t count, const float* const* from, int64_t first, int64_t begin, int64_t end) const {
    constexpr int64_t kNearBytes = 24 << 10;
    const int64_t blocks = (count + kRows - 1) / kRows, wide = (s.filters + kLanes - 1) / kColumns;  // the last may be half as wide
    const int64_t panel_bytes = s.taps() * s.channels * kColumns * 4;
    const int64_t together = (end - begin) * panel_bytes <= kNearBytes ? end - begin : 1;
    for (int64_t panel = begin; panel < end; panel += together)
      for (int64_t block = 0; block < blocks; ++block) {
        const int64_t pixel = count * block / blocks, rows = count * (block + 1) / blocks - pixel, last = panel + together;
        product_of<kRows, 2>(rows, from + pixel, first + pixel, panel, std::min(wide, last));
        if (last > wide) product_of<kRows, 1>(rows, from + pixel, first + pixel, wide, last);
      }
  }

  void run() {
    plan();
    char* memory = static_cast<char*>(scratch(static_cast<size_t>(lane_bytes() * team_threads())));
    each(chunks * groups, [&](int64_t item) {
      const int64_t chunk = item / groups, group = item % groups;
      auto** from = reinterpret_cast<const float**>(memory + lane_bytes() * team_lane());
      int64_t first;
      const int64_t count = gather(chunk, from, reinterpret_cast<float*>(from + pixels), first);
      panels_of(count, from, first, panels() * group / groups, panels() * (group + 1) / groups);
    });
  }
};

void run(const Shape& s, const float* x, const float* packed, const Finish& finish, float* y) {
  if (s.batch * s.y.out_size * s.x.out_size * s.filters > 0) Convolution{s, x, packed, finish, y}.run();
}

}  // namespace

void add_direct() { direct().run = run; }

}  // namespace PROJ_ISA
