// What JavaScript sees. Calls come through a shared array of doubles, the command buffer, as
// [operation, inputs, outputs, numbers, {pointer, type, rank, dims...}..., numbers...]; the pointers of outputs are written
// back. Pointers fit a double exactly.
#include <napi.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <limits>

#include "conv.h"
#include "kept.h"
#include "onednn.h"
#include "pool.h"
#include "queue.h"
#include "registry.h"

namespace {

constexpr size_t kMaxPendingUploads = size_t{512} << 20;
constexpr size_t kQuickRead = size_t{1} << 20;  // bytes

struct State {
  Env* env = new Env;
  double* commands = nullptr;
  Napi::Reference<Napi::Float64Array> commands_reference;
  Napi::ThreadSafeFunction settle;
  int pending_reads = 0;
  uint64_t last = 0;  // this environment's last task
  // Uploads that calls in the queue may still need, so that JavaScript cannot pile up batches without bound.
  std::deque<std::pair<uint64_t, size_t>> uploads;
  size_t upload_bytes = 0;
};

State& state_of(const Napi::CallbackInfo& info) { return *info.Env().GetInstanceData<State>(); }

double to_number(void* pointer) { return static_cast<double>(reinterpret_cast<uintptr_t>(pointer)); }
void* to_pointer(double number) { return reinterpret_cast<void*>(static_cast<uintptr_t>(number)); }

const char* chosen_isa = nullptr;

template <std::vector<const char*> (*kNames)()>
Napi::Value names(const Napi::CallbackInfo& info) {
  Napi::Array result = Napi::Array::New(info.Env());
  for (const char* name : kNames()) result[result.Length()] = Napi::String::New(info.Env(), name);
  return result;
}

// An option that is a string, or none.
std::string text(const Napi::Object& options, const char* name) {
  const Napi::Value value = options.Get(name);
  return value.IsString() ? value.As<Napi::String>().Utf8Value() : "";
}

Napi::Value init(const Napi::CallbackInfo& info) {
  const Napi::Object options = info[0].As<Napi::Object>();
  static std::once_flag once;
  std::call_once(once, [&] {
    const std::string isa = text(options, "isa");
    chosen_isa = register_all(isa.empty() ? nullptr : isa.c_str());
    force_way(text(options, "convolution").c_str());
    // Makes oneDNN's own globals before the handler below, so that they are destroyed after it has run: those of its first
    // primitive. Others come with later ones, which is why JavaScript calls `leave` first where it can. What throws here is
    // tried again by the next environment that loads the addon.
    onednn_warm_up();
    queue_start(options.Get("threads").As<Napi::Number>().Int32Value());
    atexit([] { queue_abandon(nullptr); });
  });
  Napi::Object result = Napi::Object::New(info.Env());
  Napi::Array names = Napi::Array::New(info.Env());
  for (size_t i = 0; i < registry().size(); ++i) names[i] = Napi::String::New(info.Env(), registry()[i].name);
  result["ops"] = names;
  result["threads"] = Napi::Number::New(info.Env(), queue_threads());
  result["isa"] = Napi::String::New(info.Env(), chosen_isa);
  result["onednn"] = Napi::String::New(info.Env(), onednn_version());
  return result;
}

void leave(const Napi::CallbackInfo&) { queue_leave(); }

void set_commands(const Napi::CallbackInfo& info) {
  State& state = state_of(info);
  Napi::Float64Array commands = info[0].As<Napi::Float64Array>();
  state.commands = commands.Data();
  state.commands_reference = Napi::Reference<Napi::Float64Array>::New(commands, 1);
}

// The memory of a tensor (null where there is none left), and whether its content lasts until it is freed, so that copies of
// it may be kept.
struct Place {
  void* data;
  bool lasts;
};

// Reads the call at `at` and moves that behind it. place(pointer, bytes, is_output) gives the Place for what stands there.
template <class F>
std::unique_ptr<Task> read_call(State& state, double*& at, F&& place) {
  auto task = std::make_unique<Task>();
  task->env = state.env;
  Call& call = task->call;
  call.op = &registry()[static_cast<size_t>(at[0])];
  call.inputs = static_cast<size_t>(at[1]);
  call.tensors.resize(call.inputs + static_cast<size_t>(at[2]));
  const size_t numbers = static_cast<size_t>(at[3]);
  at += 4;
  for (size_t index = 0; index < call.tensors.size(); ++index) {
    Tensor& tensor = call.tensors[index];
    tensor.type = static_cast<Type>(static_cast<int>(at[1]));
    tensor.rank = static_cast<int>(at[2]);
    for (int i = 0; i < tensor.rank; ++i) tensor.dims[i] = static_cast<int64_t>(at[3 + i]);
    if (tensor.rank >= 0) {
      const bool is_output = index >= call.inputs;
      const Place found = place(at[0], static_cast<size_t>(tensor.bytes()), is_output);
      if (!found.data) return nullptr;
      tensor.data = found.data;
      if (found.lasts && call.op->keeps_copies) tensor.serial = pool_serial(tensor.data);
    }
    at += 3 + std::max(0, tensor.rank);
  }
  call.numbers.assign(at, at + numbers);
  at += numbers;
  return task;
}

// Blocks of the pool, freed in the end but for those that JavaScript gets: whatever is thrown on the way.
class Blocks {
 public:
  explicit Blocks(Env* owner) : owner_(owner) {}
  Blocks(const Blocks&) = delete;
  ~Blocks() {
    for (void* block : blocks_) pool_free(block);
  }

  // Null when there is no memory left.
  void* add(size_t bytes) {
    blocks_.push_back(nullptr);  // First, since it may throw.
    return blocks_.back() = pool_allocate(owner_, bytes, false);
  }
  // The first of them.
  void give_away(size_t count) {
    blocks_.erase(blocks_.begin(), blocks_.begin() + static_cast<std::ptrdiff_t>(std::min(count, blocks_.size())));
  }

 private:
  Env* owner_;
  std::vector<void*> blocks_;
};

Napi::Value run(const Napi::CallbackInfo& info) {
  State& state = state_of(info);
  double* at = state.commands;
  Blocks outputs(state.env);
  auto task = read_call(state, at, [&](double& pointer, size_t bytes, bool is_output) -> Place {
    if (!is_output) return {to_pointer(pointer), true};
    void* data = outputs.add(bytes);
    pointer = to_number(data);
    return {data, false};
  });
  if (!task) return Napi::Number::New(info.Env(), 1);
  const size_t made = task->call.tensors.size() - task->call.inputs;
  state.last = queue_push(std::move(task));
  outputs.give_away(made);
  return Napi::Number::New(info.Env(), 0);
}

Napi::Value replay(const Napi::CallbackInfo& info) {
  State& state = state_of(info);
  Napi::Float64Array program = info[0].As<Napi::Float64Array>(), slots = info[1].As<Napi::Float64Array>();
  const Napi::Float64Array sizes = info[2].As<Napi::Float64Array>();
  const size_t kept = info[3].As<Napi::Number>().Uint32Value(), given = slots.ElementLength() - sizes.ElementLength();
  double* const slot = slots.Data();
  Blocks made(state.env);
  for (size_t i = given; i < slots.ElementLength(); ++i) {
    void* data = made.add(static_cast<size_t>(sizes[i - given]));
    if (!data) return Napi::Number::New(info.Env(), 1);
    slot[i] = to_number(data);
  }
  std::vector<std::unique_ptr<Task>> tasks;
  double* const end = program.Data() + program.ElementLength();
  for (double* at = program.Data(); at < end;)
    tasks.push_back(read_call(state, at, [&](double pointer, size_t, bool) -> Place {
      if (pointer > 0) return {to_pointer(pointer), true};
      const size_t i = static_cast<size_t>(-1 - pointer);
      return {to_pointer(slot[i]), i < given};  // other slots have one value after the other
    }));
  // What takes less time than the way to the compute thread and back is worth does not go there.
  if (!tasks.empty() && !queue_run(tasks)) state.last = queue_push_all(std::move(tasks));
  made.give_away(kept);
  return Napi::Number::New(info.Env(), 0);
}

template <class From>
void convert(const From* from, int64_t n, Type type, void* to) {
  if (type == Type::f32) {
    float* out = static_cast<float*>(to);
    for (int64_t i = 0; i < n; ++i) out[i] = static_cast<float>(from[i]);
  } else if (type == Type::i32) {
    // As a JS Int32Array does: truncated, modulo 2^32, not-a-number is 0.
    int32_t* out = static_cast<int32_t*>(to);
    for (int64_t i = 0; i < n; ++i) {
      const double x = static_cast<double>(from[i]);
      out[i] = std::fabs(x) < 9.2e18 ? static_cast<int32_t>(static_cast<uint32_t>(static_cast<int64_t>(x))) : 0;
    }
  } else {
    uint8_t* out = static_cast<uint8_t*>(to);
    for (int64_t i = 0; i < n; ++i) out[i] = from[i] != 0;
  }
}

void copy_in(napi_typedarray_type kind, const void* from, int64_t n, Type type, void* to) {
  switch (kind) {
    case napi_float32_array: return convert(static_cast<const float*>(from), n, type, to);
    case napi_float64_array: return convert(static_cast<const double*>(from), n, type, to);
    case napi_int8_array: return convert(static_cast<const int8_t*>(from), n, type, to);
    case napi_int16_array: return convert(static_cast<const int16_t*>(from), n, type, to);
    case napi_int32_array: return convert(static_cast<const int32_t*>(from), n, type, to);
    case napi_uint16_array: return convert(static_cast<const uint16_t*>(from), n, type, to);
    case napi_uint32_array: return convert(static_cast<const uint32_t*>(from), n, type, to);
    default: return convert(static_cast<const uint8_t*>(from), n, type, to);
  }
}

bool same_layout(napi_typedarray_type kind, Type type) {
  return (type == Type::f32 && kind == napi_float32_array) || (type == Type::i32 && kind == napi_int32_array) ||
         (type == Type::u8 && kind == napi_uint8_array);
}

void account_upload(State& state, size_t bytes) {
  auto& uploads = state.uploads;
  const auto forget = [&] {
    while (!uploads.empty() && uploads.front().first <= queue_completed()) {
      state.upload_bytes -= uploads.front().second;
      uploads.pop_front();
    }
  };
  forget();
  while (!uploads.empty() && state.upload_bytes > kMaxPendingUploads) {
    queue_wait(uploads.front().first);
    forget();
  }
  uploads.emplace_back(queue_submitted() + 1, bytes);
  state.upload_bytes += bytes;
}

Napi::Value upload(const Napi::CallbackInfo& info) {
  State& state = state_of(info);
  const Type type = static_cast<Type>(info[1].As<Napi::Number>().Int32Value());
  napi_typedarray_type kind;
  size_t n = 0;
  void* from = nullptr;
  std::vector<double> plain;
  if (info[0].IsTypedArray()) {
    napi_get_typedarray_info(info.Env(), info[0], &kind, &n, &from, nullptr, nullptr);
  } else {
    const Napi::Array list = info[0].As<Napi::Array>();
    n = list.Length();
    for (uint32_t i = 0; i < n; ++i) {
      const Napi::Value value = list[i];
      plain.push_back(value.ToNumber().DoubleValue());
    }
    kind = napi_float64_array;
    from = plain.data();
  }
  const size_t bytes = n * static_cast<size_t>(type_size(type));
  if (bytes > 65536) account_upload(state, bytes);
  void* to = pool_allocate(state.env, bytes, true);
  if (to && n > 0) {
    if (same_layout(kind, type)) memcpy(to, from, bytes);
    else copy_in(kind, from, static_cast<int64_t>(n), type, to);
  }
  return Napi::Number::New(info.Env(), to_number(to));
}

void free_buffer(const Napi::CallbackInfo& info) { pool_free(to_pointer(info[0].As<Napi::Number>().DoubleValue())); }

// Copies a buffer of `type` to a typed array of `bytes`; bf16 becomes f32.
void copy_out(const void* from, Type type, void* to, size_t bytes) {
  if (bytes == 0) return;
  if (type != Type::bf16) {
    memcpy(to, from, bytes);
    return;
  }
  const uint16_t* in = static_cast<const uint16_t*>(from);
  uint32_t* out = static_cast<uint32_t*>(to);
  for (size_t i = 0; i < bytes / sizeof *out; ++i) out[i] = uint32_t{in[i]} << 16;
}

// The message for JavaScript, which from then on is taken to know of the failure.
Napi::Value tell(Napi::Env env, State& state, const Failure& failure) {
  if (!failure) return env.Undefined();
  state.last = queue_forget(state.env, failure);
  return Napi::String::New(env, *failure);
}

Napi::Value read(const Napi::CallbackInfo& info) {
  State& state = state_of(info);
  queue_wait(state.last);
  const Napi::TypedArray target = info[1].As<Napi::TypedArray>();
  void* to = nullptr;
  napi_get_typedarray_info(info.Env(), target, nullptr, nullptr, &to, nullptr, nullptr);
  const Type type = static_cast<Type>(info[2].As<Napi::Number>().Int32Value());
  copy_out(to_pointer(info[0].As<Napi::Number>().DoubleValue()), type, to, target.ByteLength());
  return tell(info.Env(), state, queue_failure(state.env));
}

Napi::Value sync(const Napi::CallbackInfo& info) {
  State& state = state_of(info);
  queue_wait(state.last);
  return tell(info.Env(), state, queue_failure(state.env));
}

// A read that waits its turn in the queue. The target is held by a reference, so its memory stays where it is.
struct PendingRead {
  Napi::Promise::Deferred deferred;
  Napi::Reference<Napi::TypedArray> target;
  Failure failure;  // of a kernel before it in the queue
};

Napi::Value read_async(const Napi::CallbackInfo& info) {
  State& state = state_of(info);
  const Napi::TypedArray target = info[1].As<Napi::TypedArray>();
  void* to = nullptr;
  napi_get_typedarray_info(info.Env(), target, nullptr, nullptr, &to, nullptr, nullptr);
  const size_t bytes = target.ByteLength();
  const Type type = static_cast<Type>(info[2].As<Napi::Number>().Int32Value());
  void* from = to_pointer(info[0].As<Napi::Number>().DoubleValue());
  if (queue_completed() >= state.last && bytes <= kQuickRead && !queue_failure(state.env)) {
    copy_out(from, type, to, bytes);
    return info.Env().Undefined();
  }

  auto* pending = new PendingRead{Napi::Promise::Deferred::New(info.Env()), Napi::Persistent(target), nullptr};
  const Napi::Promise promise = pending->deferred.Promise();
  if (state.pending_reads++ == 0) state.settle.Ref(info.Env());
  auto task = std::make_unique<Task>();
  task->env = state.env;
  Env* env = state.env;
  State* shared = &state;
  Napi::ThreadSafeFunction settle = state.settle;
  task->finish = [=] {
    // The environment is waiting for this thread while it closes, so `to` is still there, but nobody wants the answer.
    if (env->closing) return;
    copy_out(from, type, to, bytes);
    pending->failure = queue_failure(env);
    settle.NonBlockingCall(pending, [shared](Napi::Env js, Napi::Function, PendingRead* read) {
      const std::unique_ptr<PendingRead> owned(read);
      if (--shared->pending_reads == 0) shared->settle.Unref(js);
      read->deferred.Resolve(tell(js, *shared, read->failure));
    });
  };
  state.last = queue_push(std::move(task));
  return promise;
}

Napi::Value memory(const Napi::CallbackInfo& info) {
  const PoolStats stats = pool_stats();
  Napi::Object result = Napi::Object::New(info.Env());
  result["liveBytes"] = Napi::Number::New(info.Env(), static_cast<double>(stats.live_bytes));
  result["liveBuffers"] = Napi::Number::New(info.Env(), static_cast<double>(stats.live_blocks));
  result["highWaterBytes"] = Napi::Number::New(info.Env(), static_cast<double>(stats.high_water));
  result["keptBytes"] = Napi::Number::New(info.Env(), static_cast<double>(kept_bytes()));
  result["peakLiveBytes"] = Napi::Number::New(info.Env(), static_cast<double>(stats.peak_live_bytes));
  return result;
}

void trim(const Napi::CallbackInfo&) { pool_trim(); }

Napi::Value profile(const Napi::CallbackInfo& info) {
  const std::vector<OpProfile> profile = queue_profile();
  Napi::Array result = Napi::Array::New(info.Env());
  uint32_t count = 0;
  for (size_t i = 0; i < profile.size(); ++i) {
    if (profile[i].calls == 0) continue;
    Napi::Object entry = Napi::Object::New(info.Env());
    entry["op"] = Napi::String::New(info.Env(), registry()[i].name);
    entry["calls"] = Napi::Number::New(info.Env(), static_cast<double>(profile[i].calls));
    entry["milliseconds"] = Napi::Number::New(info.Env(), static_cast<double>(profile[i].nanoseconds) / 1e6);
    entry["flops"] = Napi::Number::New(info.Env(), profile[i].flops);
    result[count++] = entry;
  }
  return result;
}

void reset_profile(const Napi::CallbackInfo&) {
  queue_reset_profile();
  pool_reset_peak();
}

void close(void* data) {
  State* state = static_cast<State*>(data);
  state->env->closing = true;
  queue_abandon(state->env);
  pool_free_all(state->env);
}

Napi::Object start(Napi::Env env, Napi::Object exports) {
  State* state = new State;
  env.SetInstanceData<State>(state);
  state->settle = Napi::ThreadSafeFunction::New(
      env, Napi::Function::New(env, [](const Napi::CallbackInfo&) {}), "onednn reads", 0, 1);
  state->settle.Unref(env);
  napi_add_env_cleanup_hook(env, close, state);

  exports["isas"] = Napi::Function::New(env, names<instruction_sets>);
  exports["convolutions"] = Napi::Function::New(env, names<ways>);
  exports["init"] = Napi::Function::New(env, init);
  exports["leave"] = Napi::Function::New(env, leave);
  exports["setCommands"] = Napi::Function::New(env, set_commands);
  exports["run"] = Napi::Function::New(env, run);
  exports["replay"] = Napi::Function::New(env, replay);
  exports["upload"] = Napi::Function::New(env, upload);
  exports["free"] = Napi::Function::New(env, free_buffer);
  exports["read"] = Napi::Function::New(env, read);
  exports["readAsync"] = Napi::Function::New(env, read_async);
  exports["sync"] = Napi::Function::New(env, sync);
  exports["memory"] = Napi::Function::New(env, memory);
  exports["trim"] = Napi::Function::New(env, trim);
  exports["profile"] = Napi::Function::New(env, profile);
  exports["resetProfile"] = Napi::Function::New(env, reset_profile);
  return exports;
}

}  // namespace

NODE_API_MODULE(onednn, start)
