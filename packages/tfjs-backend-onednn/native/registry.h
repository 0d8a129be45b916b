// Which operations exist. Vector kernels are compiled once for each instruction set (PROJ_ISA is the namespace) and the best
// the machine has is registered; oneDNN chooses for itself, within what `wanted` allows.
#pragma once

namespace avx512 { void add_kernels(); }
namespace avx2 { void add_kernels(); }
namespace baseline { void add_kernels(); }

void add_conv();
void add_matmul();

// Fills registry(). `wanted` (may be null) forces an instruction set where the machine has it: amx, avx512_bf16, avx512,
// avx2 or baseline. Returns the one chosen.
const char* register_all(const char* wanted);
