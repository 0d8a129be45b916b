// The tile registers of AMX, each 16 rows of up to 64 bytes: sums of products of bfloat16 in float32. The instructions are
// written out, because the compiler's own do not say which memory they read.
#pragma once

#include "lanes.h"

namespace PROJ_ISA {

constexpr int64_t kTile = 16;             // rows, and columns of a sum
constexpr int64_t kBlock = 2 * kTile;     // of the sums of four tiles
constexpr int64_t kDepth = 32;            // most numbers a product sums over: what a row holds
constexpr int64_t kTileRow = 64;          // bytes

// Tiles 0 to 3 are sums, by row and then by column of the block; 4 and 5 left factors, [kTile, depth]; 6 and 7 right ones,
// [depth / 2, kTile, 2]. While this exists the thread has them; what is in them before is lost.
class Tiles {
 public:
  explicit Tiles(int64_t depth) {
    struct alignas(64) {
      uint8_t palette = 1, start_row = 0, reserved[14] = {};
      uint16_t row_bytes[16] = {};
      uint8_t rows[16] = {};
    } config;
    for (int i = 0; i < 8; ++i) {
      config.row_bytes[i] = static_cast<uint16_t>(i == 4 || i == 5 ? 2 * depth : kTileRow);
      config.rows[i] = static_cast<uint8_t>(i >= 6 ? depth / 2 : kTile);
    }
    asm volatile("ldtilecfg %0" ::"m"(config));
  }
  ~Tiles() { asm volatile("tilerelease"); }
  Tiles(const Tiles&) = delete;
};

// `stride`: bytes from row to row.
template <int Tile>
inline void tile_load(const void* from, int64_t stride) {
  asm volatile("tileloadd (%0,%1), %%tmm%c2" ::"r"(from), "r"(stride), "i"(Tile) : "memory");
}

template <int Tile>
inline void tile_store(void* to, int64_t stride) {
  asm volatile("tilestored %%tmm%c2, (%0,%1)" ::"r"(to), "r"(stride), "i"(Tile) : "memory");
}

template <int Tile>
inline void tile_zero() {
  asm volatile("tilezero %%tmm%c0" ::"i"(Tile));
}

template <int Sum, int Left, int Right>
inline void tile_product() {
  asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(Sum), "i"(Left), "i"(Right));
}

// The same for the sums of a block of `Rows` by `Columns` tiles.

template <int Rows, int Columns>
inline void block_zero() {
  tile_zero<0>();
  if constexpr (Columns == 2) tile_zero<1>();
  if constexpr (Rows == 2) tile_zero<2>();
  if constexpr (Rows == 2 && Columns == 2) tile_zero<3>();
}

// Sums in memory are [kBlock, kBlock].
template <int Rows, int Columns>
inline void block_load(const float* from) {
  constexpr int64_t stride = kBlock * sizeof(float);
  tile_load<0>(from, stride);
  if constexpr (Columns == 2) tile_load<1>(from + kTile, stride);
  if constexpr (Rows == 2) tile_load<2>(from + kTile * kBlock, stride);
  if constexpr (Rows == 2 && Columns == 2) tile_load<3>(from + kTile * kBlock + kTile, stride);
}

template <int Rows, int Columns>
inline void block_store(float* to) {
  constexpr int64_t stride = kBlock * sizeof(float);
  tile_store<0>(to, stride);
  if constexpr (Columns == 2) tile_store<1>(to + kTile, stride);
  if constexpr (Rows == 2) tile_store<2>(to + kTile * kBlock, stride);
  if constexpr (Rows == 2 && Columns == 2) tile_store<3>(to + kTile * kBlock + kTile, stride);
}

// Where factors are, one tile after the other in steps of a product.
struct Left {
  const Bf16* data;
  int64_t stride;  // bytes from row to row
  int64_t step;    // numbers from product to product
};
struct Right {
  const Bf16* data;  // of the first column of tiles
  int64_t apart;     // numbers from that to the second
  int64_t step;
};

// Adds `products` products for each tile of the block. One load of a tile for each product where there are four: a tile that
// is loaded serves two.
template <int Rows, int Columns>
inline void block_multiply(int64_t products, Left above, Left below, Right right) {
  for (int64_t i = 0; i < products; ++i) {
    tile_load<6>(right.data, kTileRow);
    if constexpr (Columns == 2) tile_load<7>(right.data + right.apart, kTileRow);
    tile_load<4>(above.data, above.stride);
    tile_product<0, 4, 6>();
    if constexpr (Columns == 2) tile_product<1, 4, 7>();
    if constexpr (Rows == 2) {
      tile_load<5>(below.data, below.stride);
      tile_product<2, 5, 6>();
      if constexpr (Columns == 2) tile_product<3, 5, 7>();
      below.data += below.step;
    }
    above.data += above.step;
    right.data += right.step;
  }
}

// f(Rows, Columns), as constants, for the numbers of tiles that so many rows and columns of a block take.
template <class F>
inline void with_block(int64_t rows, int64_t columns, F&& f) {
  if (rows > kTile) return columns > kTile ? f(std::integral_constant<int, 2>{}, std::integral_constant<int, 2>{})
                                           : f(std::integral_constant<int, 2>{}, std::integral_constant<int, 1>{});
  columns > kTile ? f(std::integral_constant<int, 1>{}, std::integral_constant<int, 2>{})
                  : f(std::integral_constant<int, 1>{}, std::integral_constant<int, 1>{});
}

}  // namespace PROJ_ISA
