#include "kernels.h"

namespace PROJ_ISA {

void add_kernels() {
  add_binary();
  add_unary();
  add_reduce();
  add_copy();
  add_index();
  add_pool();
  add_batchnorm();
  add_gate();
  add_softmax();
  add_optimizer();
  add_resize();
  add_random();
  add_lstm();
  add_winograd();
  add_indirect();
  add_direct();
  add_direct_weights();
  add_depthwise_weights();
  add_depthwise_forward();
  add_amx();
  add_amx_weights();
  add_amx_stem();
}

}  // namespace PROJ_ISA
