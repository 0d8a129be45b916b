// What the convolutions of one call have in common, see src/kernels/conv.ts.
#pragma once

#include <cstdint>
#include <vector>

#include "finish.h"
#include "tensor.h"

// Numbers of a call.
enum { kStrideH, kStrideW, kDilationH, kDilationW, kTop, kBottom, kLeft, kRight, kDepthwise };

// The ways to compute; `fastest` leaves it to shapes and instruction set, and to timing where AMX serves.
enum class Way { fastest, onednn, direct, indirect, winograd, amx };

// The words for those that can be forced, which is taking one wherever it is possible.
std::vector<const char*> ways();
// Forces one of them. Before the first call.
void force_way(const char* name);
// The way that the call under way is to take.
Way chosen_way();

// The operations as oneDNN computes them, or one of the ways below where that is the way to take; and a name for a call's shapes.
void conv2d(const Call&);
void conv2d_norm(const Call&);
void conv2d_backward_data(const Call&);
void conv2d_backward_weights(const Call&);
std::vector<int64_t> key_of(int kind, const Call&);

// Each computes its call by its algorithm where that is the way to take, and otherwise does nothing and returns false.
bool winograd_forward(const Call&, const Tensor& x, const Tensor& filters, const Finish&, const Tensor& y);
bool winograd_backward_data(const Call&, const Tensor& dy, const Tensor& filters, const Tensor& dx);
bool winograd_backward_weights(const Call&, const Tensor& x, const Tensor& dy, const Tensor& dw);
bool indirect_forward(const Call&, const Tensor& x, const Tensor& filters, const Finish&, const Tensor& y);
bool indirect_backward_data(const Call&, const Tensor& dy, const Tensor& filters, const Tensor& dx);
bool depthwise_forward(const Call&, const Tensor& x, const Tensor& filters, const Finish&, const Tensor& y);
bool depthwise_backward_data(const Call&, const Tensor& dy, const Tensor& filters, const Tensor& dx);
bool depthwise_backward_weights(const Call&, const Tensor& x, const Tensor& dy, const Tensor& dw);
bool direct_forward(const Call&, const Tensor& x, const Tensor& filters, const Finish&, const Tensor& y);
bool direct_backward_weights(const Call&, const Tensor& x, const Tensor& dy, const Tensor& dw);
bool direct_backward_data(const Call&, const Tensor& dy, const Tensor& filters, const Tensor& dx);
bool amx_forward(const Call&, const Tensor& x, const Tensor& filters, const Finish&, const Tensor& y);
bool amx_backward_data(const Call&, const Tensor& dy, const Tensor& filters, const Tensor& dx);
bool amx_backward_weights(const Call&, const Tensor& x, const Tensor& dy, const Tensor& dw);

// Whether oneDNN may be left to add a map to a convolution: in some shapes, where pixels of padding or maps of one pixel are
// involved or there is no AVX2, oneDNN 2.6 takes other pixels of that map.
bool adds_maps(const Call&, const Tensor& x, const Tensor& filters);
// y = relu?(y + residual)
void add_residual(const Tensor& residual, bool relu, const Tensor& y);

// Whether the kernels for f32 that multiply as oneDNN does, straight from the pixels, are faster than it: where one thread of it
// would do the work, and in what follows the sums; there its newer code, for AVX-512, may be as fast.
bool outruns_onednn(const Call&, const Finish&);

// The first of those above that computes a call.
bool own_forward(const Call&, const Tensor& x, const Tensor& filters, const Finish&, const Tensor& y);
bool own_backward_data(const Call&, const Tensor& dy, const Tensor& filters, const Tensor& dx);
bool own_backward_weights(const Call&, const Tensor& x, const Tensor& dy, const Tensor& dw);

struct IndirectShape;
// A name for what a way packs filters to (see kept.h): the same filters may have been given another shape.
uint64_t layout_of(Way, const IndirectShape&);

// Whether an algorithm can compute a product between two maps and filters, of which the call makes one from the others.
bool winograd_serves(const Call&, const Tensor& x, const Tensor& filters, const Tensor& y);
bool amx_serves(const Call&, const Tensor& x, const Tensor& filters, const Tensor& y);
bool amx_serves_backward_data(const Call&, const Tensor& dy, const Tensor& dx);
