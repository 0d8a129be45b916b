#include "product.h"

#include "onednn.h"

namespace {

// Never destroyed: threads of the team outlive what would destroy it.
dnnl::stream& lane_stream() {
  static thread_local auto* stream = new dnnl::stream(onednn_engine());
  return *stream;
}

}  // namespace

struct Product::Entry {
  dnnl::matmul primitive;
  dnn::Desc a, b, c, scratch;
  dnn::Reorder pack;
};

Product::Entry& Product::entry(int64_t m, int64_t n, int64_t k, bool transposed) {
  static auto* cache = new dnn::Cache<Entry>;
  return cache->get({m, n, k, transposed}, [&] {
    Entry e;
    e.a = dnn::strided({m, k}, {k, 1});
    e.c = dnn::strided({m, n}, {n, 1});
    {
      const OneThread planned;
      const auto pd = dnn::matmul(e.a, dnn::any({k, n}), e.c, nullptr, dnn::attributes());
      e.primitive = dnnl::matmul(pd);
      e.b = pd.weights_desc();
      e.scratch = pd.scratchpad_desc();
    }
    e.pack = dnn::Reorder(transposed ? dnn::strided({k, n}, {1, k}) : dnn::strided({k, n}, {n, 1}), e.b);
    return e;
  });
}

Product::Product(int64_t m, int64_t n, int64_t k, const float* b, bool transposed, int64_t lanes)
    : entry_(entry(m, n, k, transposed)), b_(entry_.pack.apply(b)) {
  for (int64_t i = 0; i < lanes; ++i) scratch_.push_back(scratch(entry_.scratch.get_size()));
}

bool Product::run(int64_t lane, const float* a, float* c) const noexcept {
  try {
    const OneThread alone;
    std::unordered_map<int, dnnl::memory> arguments{{DNNL_ARG_SRC, dnn::wrap(entry_.a, a)},
                                                    {DNNL_ARG_WEIGHTS, dnn::wrap(entry_.b, b_)},
                                                    {DNNL_ARG_DST, dnn::wrap(entry_.c, c)}};
    if (entry_.scratch.get_size() > 0)
      arguments.insert({DNNL_ARG_SCRATCHPAD, dnn::wrap(entry_.scratch, scratch_[lane])});
    entry_.primitive.execute(lane_stream(), arguments);
    return true;
  } catch (...) {
    return false;
  }
}
