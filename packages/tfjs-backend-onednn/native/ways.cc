// Convolutions as operations: which way each call takes, out of those in conv.h.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <limits>
#include <utility>

#include "conv.h"
#include "fastest.h"
#include "onednn.h"
#include "queue.h"
#include "registry.h"

namespace {

constexpr std::pair<const char*, Way> kWays[] = {
    {"onednn", Way::onednn}, {"direct", Way::direct}, {"indirect", Way::indirect}, {"winograd", Way::winograd}, {"amx", Way::amx}};

Way way = Way::fastest;

// While it exists, calls take a way.
class Taking {
 public:
  explicit Taking(Way taken) : before_(std::exchange(way, taken)) {}
  ~Taking() { way = before_; }
  Taking(const Taking&) = delete;

 private:
  const Way before_;
};

// What a call multiplies and sums up, whichever of them it makes from the others.
struct Maps {
  const Tensor &in, &filters, &out;
};
Maps forward_maps(const Call& call) { return {call[0], call[1], call.tensors.back()}; }
Maps backward_data_maps(const Call& call) { return {call[0], call[1], call[2]}; }
Maps backward_weights_maps(const Call& call) { return {call[0], call[2], call[1]}; }

template <Maps (*kMaps)(const Call&)>
bool by_amx(const Call& call) {
  const auto [in, filters, out] = kMaps(call);
  return kMaps == backward_data_maps ? amx_serves_backward_data(call, in, out) : amx_serves(call, in, filters, out);
}

// What a training step makes anew each time is timed too: packed filters. What oneDNN cannot do takes forever.
double seconds(void (*compute)(const Call&), const Call& call, Way taken) {
  const Taking it(taken);
  const ScratchScope scope;
  Call once = call;
  for (Tensor& tensor : once.tensors) tensor.serial = 0;
  const auto begin = std::chrono::steady_clock::now();
  try {
    compute(once);
  } catch (const dnnl::error&) {
    return std::numeric_limits<double>::infinity();
  }
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// Where AMX serves, nothing but trying tells which is the fastest.
template <int kKind, void (*kCompute)(const Call&), Maps (*kMaps)(const Call&)>
void run(const Call& call) {
  if (way != Way::fastest || !by_amx<kMaps>(call)) return kCompute(call);
  const auto [in, filters, out] = kMaps(call);
  static auto* fastest = new Fastest;
  std::vector<Way> candidates{Way::amx, Way::onednn};
  if (winograd_serves(call, in, filters, out)) candidates.push_back(Way::winograd);
  const auto time = [&](size_t i) { return seconds(kCompute, call, candidates[i]); };
  const size_t best = fastest->of(key_of(kKind, call), candidates.size(), time);
  const Taking it(candidates[best]);
  kCompute(call);
}

// The outputs of the convolution, each a product with as many inputs as the filter covers.
template <Maps (*kMaps)(const Call&)>
double flops(const Call& call) {
  const auto [in, filters, out] = kMaps(call);
  // In a gradient of inputs `in` is the convolution's output.
  const Tensor& outputs = kMaps == backward_data_maps ? in : out;
  const int64_t inputs = call.integer(kDepthwise) ? 1 : filters.dims[2];
  return 2.0 * static_cast<double>(outputs.size() * filters.dims[0] * filters.dims[1] * inputs);
}

// Of the tensors only the maps, of which there are kFirst before the others and kLast behind them.
template <size_t kFirst, size_t kLast, Maps (*kMaps)(const Call&)>
bool takes_bf16(const Call& call) {
  for (size_t i = kFirst; i + kLast < call.tensors.size(); ++i)
    if (call[i].present() && call[i].type == Type::bf16) return false;
  return has_bf16_products() || ((way == Way::fastest || way == Way::amx) && by_amx<kMaps>(call));
}

}  // namespace

std::vector<const char*> ways() {
  std::vector<const char*> names;
  for (const auto& [name, forced] : kWays) names.push_back(name);
  return names;
}

void force_way(const char* wanted) {
  for (const auto& [name, forced] : kWays)
    if (!strcmp(wanted, name)) way = forced;
}

Way chosen_way() { return way; }

bool outruns_onednn(const Call& call, const Finish& finish) {
  return is_small(call) || (!finish.is_nothing() && !has_avx512());
}

bool own_forward(const Call& call, const Tensor& x, const Tensor& filters, const Finish& finish, const Tensor& y) {
  return depthwise_forward(call, x, filters, finish, y) || amx_forward(call, x, filters, finish, y) ||
         winograd_forward(call, x, filters, finish, y) || indirect_forward(call, x, filters, finish, y) ||
         direct_forward(call, x, filters, finish, y);
}

bool own_backward_data(const Call& call, const Tensor& dy, const Tensor& filters, const Tensor& dx) {
  return depthwise_backward_data(call, dy, filters, dx) || amx_backward_data(call, dy, filters, dx) ||
         winograd_backward_data(call, dy, filters, dx) || indirect_backward_data(call, dy, filters, dx) ||
         direct_backward_data(call, dy, filters, dx);
}

bool own_backward_weights(const Call& call, const Tensor& x, const Tensor& dy, const Tensor& dw) {
  return depthwise_backward_weights(call, x, dy, dw) || amx_backward_weights(call, x, dy, dw) ||
         winograd_backward_weights(call, x, dy, dw) || direct_backward_weights(call, x, dy, dw);
}

void add_conv() {
  add_ops({{"conv2d", run<0, conv2d, forward_maps>, takes_bf16<1, 1, forward_maps>, true, flops<forward_maps>},
           {"conv2d_norm", run<1, conv2d_norm, forward_maps>, takes_bf16<1, 2, forward_maps>, true, flops<forward_maps>},
           {"conv2d_backward_data", run<2, conv2d_backward_data, backward_data_maps>,
            takes_bf16<1, 1, backward_data_maps>, false, flops<backward_data_maps>},
           {"conv2d_backward_weights", run<3, conv2d_backward_weights, backward_weights_maps>,
            takes_bf16<2, 0, backward_weights_maps>, false, flops<backward_weights_maps>}});
}
