#include "registry.h"

#include <cstring>

#include "tensor.h"

namespace {

struct Isa {
  const char* name;
  bool supported;
  void (*add)();
};

}  // namespace

std::vector<Op>& registry() {
  static std::vector<Op>* ops = new std::vector<Op>;
  return *ops;
}

void add_ops(std::initializer_list<Op> ops) { registry().insert(registry().end(), ops); }

const char* register_all(const char* wanted) {
  __builtin_cpu_init();
  [[maybe_unused]] const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  [[maybe_unused]] const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  const Isa levels[] = {
#ifdef PROJ_HAS_avx512
      {"avx512", avx512, avx512::add_kernels},
#endif
#ifdef PROJ_HAS_avx2
      {"avx2", avx2, avx2::add_kernels},
#endif
      {"baseline", true, baseline::add_kernels}};
  const Isa* chosen = nullptr;
  for (const Isa& level : levels) {
    if (!level.supported) continue;
    if (!chosen) chosen = &level;
    if (wanted && strcmp(wanted, level.name) == 0) chosen = &level;
  }
  registry().clear();  // of an attempt that failed
  chosen->add();
  add_conv();
  add_matmul();
  return chosen->name;
}

std::string describe(const Call& call) {
  std::string text = call.op ? call.op->name : "call";
  for (const Tensor& tensor : call.tensors) {
    if (!tensor.present()) continue;
    text += " [";
    for (int i = 0; i < tensor.rank; ++i) text += (i ? "," : "") + std::to_string(tensor.dims[i]);
    text += "]";
  }
  return text;
}
