#include "../amx.h"
#include "lanes.h"

namespace PROJ_ISA {
namespace {

template <class Map>
void widen_as(const Tensor& x, int64_t first, int64_t columns, Bf16* widened) {
  const int64_t width = x.dims[2], channels = x.dims[3], row = width * channels;
  const int64_t begin = std::clamp<int64_t>(-first, 0, columns), end = std::clamp<int64_t>(width - first, begin, columns);
  // A row in bfloat16, with as many numbers behind it as the last pixel may read too many.
  auto* rows = static_cast<Bf16*>(scratch(static_cast<size_t>(team_threads() * (row + kStemPixel)) * sizeof(Bf16)));
  const uint64_t mask = ~uint64_t{0} >> 16 * (kStemPixel - channels);
  parallel(x.dims[0] * x.dims[1], grain_of(columns * kStemPixel), [&](int64_t from, int64_t to) {
    Bf16* narrow = rows + team_lane() * (row + kStemPixel);
    std::fill(narrow + row, narrow + row + kStemPixel, Bf16(0.0f));
    for (int64_t i = from; i < to; ++i) {
      const Map* at = x.as<const Map>() + i * row;
      for_lanes(row, [&](int64_t j, auto lanes) { store(narrow + j, load<decltype(lanes)>(at + j)); });
      auto* wide = reinterpret_cast<char*>(widened + i * columns * kStemPixel);
      memset(wide, 0, static_cast<size_t>(columns * kStemPixel) * sizeof(Bf16));
      for (int64_t j = begin; j < end; ++j) {
        uint64_t pixel;
        memcpy(&pixel, narrow + (j + first) * channels, sizeof pixel);
        pixel &= mask;
        memcpy(wide + j * static_cast<int64_t>(sizeof pixel), &pixel, sizeof pixel);
      }
    }
  });
}

void widen(const Tensor& x, int64_t first, int64_t columns, void* widened) {
  static_assert(kStemPixel * sizeof(Bf16) == sizeof(uint64_t));
  if (x.type == Type::bf16) return widen_as<Bf16>(x, first, columns, static_cast<Bf16*>(widened));
  widen_as<float>(x, first, columns, static_cast<Bf16*>(widened));
}

}  // namespace

void add_amx_stem() { amx().widen = widen; }

}  // namespace PROJ_ISA
