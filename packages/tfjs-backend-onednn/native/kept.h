// Copies of weights in the layout that a primitive wants, kept as long as the weights live. A prediction then reorders no
// weights, which for one picture takes longer than to compute with them. Weights are kept at their second use: those of a
// training step have only one. Only on the thread that runs the call.
#pragma once

#include <cstdint>
#include <functional>

#include "onednn.h"
#include "tensor.h"

// A name for a layout, never given twice.
uint64_t next_layout();

// The `bytes` that `pack` makes of `weights`; `layout` names what that is. For this call, or kept.
const void* packed(const Tensor& weights, uint64_t layout, size_t bytes,
                   const std::function<void(const void* weights, void* packed)>& pack);

// The same by a reorder; the weights themselves where none is needed.
const void* reordered(const Tensor& weights, const dnn::Reorder& reorder, uint64_t layout);

// Gives up the copies of weights that live no more.
void drop_ended();

// Bytes in copies, for any thread.
int64_t kept_bytes();
