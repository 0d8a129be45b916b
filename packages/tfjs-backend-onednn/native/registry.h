// Which operations exist. Vector kernels are compiled once for each instruction set (PROJ_ISA is the namespace) and the best
// the machine has is registered; oneDNN chooses for itself, within what `wanted` allows.
#pragma once

#include <vector>

namespace avx512 { void add_kernels(); }
namespace avx2 { void add_kernels(); }
namespace baseline { void add_kernels(); }

void add_conv();
void add_matmul();

// The instruction sets that this machine runs and that the addon is compiled for, out of amx, avx512_bf16, avx512, avx2 and
// baseline; the best first.
std::vector<const char*> instruction_sets();
// Fills registry() with the kernels of the best of them, or of `wanted` (may be null), which must be one. Returns its name.
const char* register_all(const char* wanted);
