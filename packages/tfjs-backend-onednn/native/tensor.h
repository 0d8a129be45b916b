// What a kernel sees of a call: tensors (inputs first, then outputs) and numbers.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

// How elements are stored; the tfjs dtype is JavaScript's business. Bool is stored as u8, float32 as f32 or bf16.
enum class Type : int { f32 = 0, i32 = 1, u8 = 2, bf16 = 3 };

constexpr int kMaxRank = 8;

inline int64_t type_size(Type type) { return type == Type::u8 ? 1 : type == Type::bf16 ? 2 : 4; }

struct Tensor {
  void* data = nullptr;
  Type type = Type::f32;
  int rank = -1;  // -1: an optional input that was not given
  int64_t dims[kMaxRank] = {};
  uint64_t serial = 0;  // pool_serial of its buffer, for operations that keep copies

  bool present() const { return rank >= 0; }
  int64_t size() const {
    int64_t n = 1;
    for (int i = 0; i < rank; ++i) n *= dims[i];
    return n;
  }
  int64_t bytes() const { return size() * type_size(type); }
  template <class T>
  T* as() const { return static_cast<T*>(data); }
  const float* f32() const { return static_cast<const float*>(data); }
  float* f32_out() const { return static_cast<float*>(data); }
};

struct Call;

struct Op {
  const char* name;
  void (*run)(const Call&);
  // Whether it takes this call's bf16 tensors as they are. Where it does not, it is given f32 copies: see run_op.
  bool (*takes_bf16)(const Call&) = nullptr;
  // Whether it keeps copies of inputs in another layout: see kept.h.
  bool keeps_copies = false;
  // Multiplications and additions of the products that the call asks for, padding counted in: the usual measure.
  double (*flops)(const Call&) = nullptr;
  // What else the call computes, where that is not in proportion to its tensors.
  double (*steps)(const Call&) = nullptr;
};

struct Call {
  const Op* op = nullptr;
  std::vector<Tensor> tensors;
  size_t inputs = 0;  // how many of the tensors are
  std::vector<double> numbers;

  const Tensor& operator[](size_t i) const { return tensors[i]; }
  double number(size_t i) const { return numbers[i]; }
  int64_t integer(size_t i) const { return static_cast<int64_t>(numbers[i]); }
};

// Runs the call. Around an operation that does not take its bf16 tensors, inputs are widened to f32 and outputs narrowed.
void run_op(const Call& call);
// Whether oneDNN does a call's products on one thread, in less time than it takes to wake others and to wait for them.
bool is_small(const Call& call);

// "conv2d [128,64,128,3] [3,3,3,32] [128,64,128,32]", for error messages.
std::string describe(const Call& call);

// All operations of the addon, baseline code and the best vector code this machine runs.
std::vector<Op>& registry();
void add_ops(std::initializer_list<Op> ops);
