#include "registry.h"

#include <algorithm>
#include <cstring>

#include "onednn.h"
#include "queue.h"

namespace {

struct Isa {
  const char* name;
  bool supported;
  void (*add)();
  dnnl::cpu_isa onednn;
};

std::vector<Isa> usable() {
  __builtin_cpu_init();
  [[maybe_unused]] const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  [[maybe_unused]] const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  [[maybe_unused]] const bool bf16 = avx512 && __builtin_cpu_supports("avx512bf16");
  [[maybe_unused]] const bool amx = bf16 && __builtin_cpu_supports("amx-bf16") && __builtin_cpu_supports("amx-int8");
  std::vector<Isa> levels{
#ifdef PROJ_HAS_avx512
      {"amx", amx, avx512::add_kernels, dnnl::cpu_isa::avx512_core_amx},
      {"avx512_bf16", bf16, avx512::add_kernels, dnnl::cpu_isa::avx512_core_bf16},
      {"avx512", avx512, avx512::add_kernels, dnnl::cpu_isa::avx512_core_vnni},
#endif
#ifdef PROJ_HAS_avx2
      {"avx2", avx2, avx2::add_kernels, dnnl::cpu_isa::avx2},
#endif
      {"baseline", true, baseline::add_kernels, dnnl::cpu_isa::sse41}};
  levels.erase(std::remove_if(levels.begin(), levels.end(), [](const Isa& level) { return !level.supported; }), levels.end());
  return levels;
}

}  // namespace

std::vector<Op>& registry() {
  static std::vector<Op>* ops = new std::vector<Op>;
  return *ops;
}

void add_ops(std::initializer_list<Op> ops) { registry().insert(registry().end(), ops); }

std::vector<const char*> instruction_sets() {
  std::vector<const char*> names;
  for (const Isa& level : usable()) names.push_back(level.name);
  return names;
}

const char* register_all(const char* wanted) {
  const std::vector<Isa> levels = usable();
  const auto is_wanted = [&](const Isa& level) { return !wanted || strcmp(wanted, level.name) == 0; };
  const Isa& chosen = *std::find_if(levels.begin(), levels.end(), is_wanted);
  registry().clear();  // of an attempt that failed
  chosen.add();
  // Of this process for good; where something else has used oneDNN before, that has settled it.
  if (wanted) dnnl::set_max_cpu_isa(chosen.onednn);
  add_conv();
  add_matmul();
  return chosen.name;
}

constexpr double kFlopsOfOneThread = 1.6e7;

bool is_small(const Call& call) { return call.op->flops && call.op->flops(call) < kFlopsOfOneThread; }

void run_op(const Call& call) {
  const OneThread alone(is_small(call));
  const auto is_bf16 = [](const Tensor& t) { return t.present() && t.type == Type::bf16; };
  const auto& tensors = call.tensors;
  if (std::none_of(tensors.begin(), tensors.end(), is_bf16) || (call.op->takes_bf16 && call.op->takes_bf16(call)))
    return call.op->run(call);
  static const Op cast = *std::find_if(registry().begin(), registry().end(), [](const Op& op) { return !strcmp(op.name, "cast"); });
  const auto convert = [](const Tensor& from, const Tensor& to) {
    Call call;
    call.tensors = {from, to};
    cast.run(call);
  };
  Call wide = call;
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (!is_bf16(tensors[i])) continue;
    wide.tensors[i].type = Type::f32;
    wide.tensors[i].serial = 0;
    wide.tensors[i].data = scratch(static_cast<size_t>(wide.tensors[i].bytes()));
    if (i < call.inputs) convert(tensors[i], wide.tensors[i]);
  }
  call.op->run(wide);
  for (size_t i = call.inputs; i < tensors.size(); ++i)
    if (is_bf16(tensors[i])) convert(wide.tensors[i], tensors[i]);
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
