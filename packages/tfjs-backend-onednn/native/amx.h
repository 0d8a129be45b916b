// Convolutions of maps in bfloat16 and their gradients by the tile instructions of AMX, without im2col: the rows of a tile are
// pixels of 16 pictures, or of one, that lie at equal distances, and so are loaded from where they are. Sums are f32. Results
// do not depend on the number of threads.
#pragma once

#include <cstddef>
#include <cstdint>

#include "finish.h"
#include "indirect.h"
#include "tensor.h"

// Whether this process has the tile registers, for products of bfloat16. The system is asked at the first call.
bool tiles_granted();

// Over how many channels of a map a product of tiles sums: the largest even number up to 32 that divides them, so that none
// reads beside its pixel. 0 where that would leave most of a tile empty.
inline int64_t amx_depth(int64_t channels) {
  for (int64_t depth = 32; depth >= 8; depth -= 2)
    if (channels % depth == 0) return depth;
  return 0;
}

// Pixels of the map lie `pitch` numbers apart. Where that is less than the channels, these are numbers of the next pixels too.
struct AmxShape : IndirectShape {
  int64_t pitch;
};

struct Amx {
  // Bytes of the filters in the order in which they are read.
  size_t (*packed_bytes)(const AmxShape&);
  // Of filters [KH, KW, C, K] or, transposed, [KH, KW, K, C].
  void (*pack)(const AmxShape&, const float* filters, bool transposed, void* packed);
  // The channels have an amx_depth.
  void (*run)(const AmxShape&, const void* x, const void* packed, const Finish&, void* y);
  // The gradient [KH, KW, C, K] of the filters; the shape is that of the convolution. A pixel that is not finite may make
  // not-a-number of the gradient of taps that do not reach it, at the ends of a row.
  void (*backward_weights)(const AmxShape&, const void* x, const void* dy, float* dw);
  // Columns from `first` on of a map of up to kStemPixel channels, f32 or bf16, as [batch, height, columns, kStemPixel] with
  // zeros beside the map and behind the last channel.
  void (*widen)(const Tensor& x, int64_t first, int64_t columns, void* widened);
};

constexpr int64_t kStemPixel = 4;

// Those of the instruction set that register_all chose.
Amx& amx();
