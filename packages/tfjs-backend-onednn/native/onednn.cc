#include "onednn.h"

// Engine and stream are never destroyed: the compute thread may hold them while the process exits.
dnnl::engine& onednn_engine() {
  static auto* engine = new dnnl::engine(dnnl::engine::kind::cpu, 0);
  return *engine;
}

dnnl::stream& onednn_stream() {
  static auto* stream = new dnnl::stream(onednn_engine());
  return *stream;
}

bool has_bf16_products() {
  static const bool has = dnnl_get_effective_cpu_isa() >= dnnl_cpu_isa_avx512_core_bf16;
  return has;
}

bool has_amx_products() {
  static const bool has = dnnl_get_effective_cpu_isa() >= dnnl_cpu_isa_avx512_core_amx;
  return has;
}

bool has_avx512() {
  static const bool has = dnnl_get_effective_cpu_isa() >= dnnl_cpu_isa_avx512_core;
  return has;
}

std::string onednn_version() {
  const dnnl_version_t* v = dnnl_version();
  return std::to_string(v->major) + "." + std::to_string(v->minor) + "." + std::to_string(v->patch);
}

void onednn_warm_up() {
  const dnnl::matmul::primitive_desc pd =
      dnn::matmul(dnn::strided({1, 4}, {4, 1}), dnn::strided({4, 4}, {4, 1}), dnn::strided({1, 4}, {4, 1}), nullptr,
                  dnn::attributes());
  const dnnl::matmul primitive(pd);
  onednn_stream().wait();
}
