#pragma once

#include <cstdint>

// From now on the instructions of AMX that native/kernels/tiles.h uses are carried out by a handler of SIGILL on a machine
// that lacks them.
void emulate_tiles();

// How many products of tiles (TDPBF16PS) have been carried out.
uint64_t emulated_products();
