// A map that is added to the result of a convolution by oneDNN.
#include "conv.h"
#include "onednn.h"

bool adds_maps(const Call& call, const Tensor& x, const Tensor& filters) {
  for (const int number : {kTop, kBottom, kLeft, kRight})
    if (call.integer(number) != 0) return false;
  return dnnl_get_effective_cpu_isa() >= dnnl_cpu_isa_avx2 && filters.dims[0] == 1 && filters.dims[1] == 1 && x.dims[3] >= 8;
}

void add_residual(const Tensor& residual, bool relu, const Tensor& y) {
  struct Sum {
    dnnl::primitive primitive;
    dnn::Desc scratch;
  };
  static auto* sums = new dnn::Cache<Sum>;
  const auto flat = [](const Tensor& map) { return dnn::strided({1, map.size()}, {map.size(), 1}, dnn::precision(map)); };
  const dnn::Desc out = flat(y), map = flat(residual);
  Sum& sum = sums->get({y.size(), relu, static_cast<int64_t>(y.type), static_cast<int64_t>(residual.type)}, [&] {
    const auto pd = dnn::sum(out, map, out, dnn::attributes(relu ? Activation::relu : Activation::linear));
    return Sum{dnnl::binary(pd), pd.scratchpad_desc()};
  });
  std::unordered_map<int, dnnl::memory> arguments{{DNNL_ARG_SRC_0, dnn::wrap(out, y.data)},
                                                  {DNNL_ARG_SRC_1, dnn::wrap(map, residual.data)},
                                                  {DNNL_ARG_DST, dnn::wrap(out, y.data)}};
  if (const size_t bytes = sum.scratch.get_size())
    arguments.insert({DNNL_ARG_SCRATCHPAD, dnn::wrap(sum.scratch, scratch(bytes))});
  sum.primitive.execute(onednn_stream(), arguments);
}
