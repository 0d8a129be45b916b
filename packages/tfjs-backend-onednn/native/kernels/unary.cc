// Elementwise operations of one tensor. Numbers of a call are the operation's parameters.
#include <cmath>

#include "activations.h"
#include "vector_math.h"

namespace PROJ_ISA {
namespace {

template <class In, class Out, class F>
void map(const Call& call, int cost, F&& f) {
  const In* __restrict x = call[0].as<const In>();
  Out* __restrict y = call[1].as<Out>();
  parallel(call[1].size(), grain_of(cost), [=](int64_t begin, int64_t end) {
    const auto local = f;  // on the stack no store to y can change its parameters, so they stay in registers
    for (int64_t i = begin; i < end; ++i) y[i] = local(x[i]);
  });
}

#define PROJ_REAL(name, cost, expression)                                   \
  void name(const Call& call) {                                             \
    map<float, float>(call, cost, [](float x) -> float { return expression; }); \
  }
PROJ_REAL(vector_exp, 2, vexp(x))
PROJ_REAL(vector_log, 2, vlog(x))
PROJ_REAL(vector_tanh, 2, vtanh(x))
PROJ_REAL(square_root, 1, std::sqrt(x))
PROJ_REAL(reciprocal_root, 1, 1.0f / std::sqrt(x))
PROJ_REAL(reciprocal, 1, 1.0f / x)
PROJ_REAL(floor_, 1, std::floor(x))
PROJ_REAL(ceil_, 1, std::ceil(x))
PROJ_REAL(round_, 1, std::nearbyint(x))
PROJ_REAL(relu6, 1, x < 0 ? 0.0f : (x > 6.0f ? 6.0f : x))
PROJ_REAL(elu, 2, x >= 0 ? x : vexp(x) - 1.0f)
PROJ_REAL(selu, 2, x >= 0 ? 1.0507009873554804934f * x : 1.7580993408473768599f * (vexp(x) - 1.0f))
PROJ_REAL(log1p_, 16, std::log1p(x))
PROJ_REAL(expm1_, 16, std::expm1(x))
PROJ_REAL(sin_, 16, std::sin(x))
PROJ_REAL(cos_, 16, std::cos(x))
// in double: single precision is a last digit off where the tangent is large
PROJ_REAL(tan_, 16, static_cast<float>(std::tan(static_cast<double>(x))))
PROJ_REAL(asin_, 16, std::asin(x))
PROJ_REAL(acos_, 16, std::acos(x))
PROJ_REAL(atan_, 16, std::atan(x))
PROJ_REAL(sinh_, 16, std::sinh(x))
PROJ_REAL(cosh_, 16, std::cosh(x))
PROJ_REAL(asinh_, 16, std::asinh(x))
PROJ_REAL(acosh_, 16, std::acosh(x))
PROJ_REAL(atanh_, 16, std::atanh(x))
PROJ_REAL(erf_, 16, std::erf(x))
// log(1 + exp(x)) without overflow
PROJ_REAL(softplus, 16, (x > 0 ? x : 0.0f) + std::log1p(vexp(x < 0 ? x : -x)))
#undef PROJ_REAL

#define PROJ_TEST(name, expression)                                                                       \
  void name(const Call& call) {                                                                           \
    map<float, uint8_t>(call, 1, [](float x) -> uint8_t { return static_cast<uint8_t>(expression); });    \
  }
PROJ_TEST(is_nan, x != x)
PROJ_TEST(is_infinite, std::fabs(x) == std::numeric_limits<float>::infinity())
PROJ_TEST(is_finite, std::fabs(x) < std::numeric_limits<float>::infinity())
#undef PROJ_TEST

inline int32_t wrap(int64_t x) { return static_cast<int32_t>(static_cast<uint32_t>(x)); }

#define PROJ_NUMBER(name, on_float, on_int)                                            \
  void name(const Call& call) {                                                        \
    if (call[0].type == Type::f32)                                                     \
      map<float, float>(call, 1, [](float x) -> float { return on_float; });           \
    else                                                                               \
      map<int32_t, int32_t>(call, 1, [](int32_t x) -> int32_t { return on_int; });     \
  }
PROJ_NUMBER(absolute, std::fabs(x), wrap(x < 0 ? -int64_t{x} : x))
PROJ_NUMBER(negate, -x, wrap(-int64_t{x}))
PROJ_NUMBER(square, x * x, wrap(int64_t{x} * x))
PROJ_NUMBER(sign, x > 0 ? 1.0f : (x < 0 ? -1.0f : 0.0f), (x > 0) - (x < 0))
#undef PROJ_NUMBER

#define PROJ_REAL_BF16(name, cost, expression)                                         \
  void name(const Call& call) {                                                        \
    const auto f = [](float x) -> float { return expression; };                        \
    call[0].type == Type::bf16 ? map<Bf16, Bf16>(call, cost, f) : map<float, float>(call, cost, f); \
  }
PROJ_REAL_BF16(vector_sigmoid, 2, vsigmoid(x))
PROJ_REAL_BF16(vector_silu, 3, silu(x))
PROJ_REAL_BF16(relu_float, 1, relu(x))
#undef PROJ_REAL_BF16

void relu_(const Call& call) {
  if (call[0].type == Type::i32) map<int32_t, int32_t>(call, 1, [](int32_t x) -> int32_t { return x < 0 ? 0 : x; });
  else relu_float(call);
}

void logical_not(const Call& call) {
  map<uint8_t, uint8_t>(call, 1, [](uint8_t x) -> uint8_t { return x == 0; });
}

// 1 above 0, else alpha; not-a-number stays
void step(const Call& call) {
  const float alpha = static_cast<float>(call.number(0));
  map<float, float>(call, 1, [=](float x) { return x != x ? x : (x > 0 ? 1.0f : alpha); });
}

void leaky_relu(const Call& call) {
  const float alpha = static_cast<float>(call.number(0));
  map<float, float>(call, 1, [=](float x) { return x < 0 ? alpha * x : x; });
}

void clip(const Call& call) {
  if (call[0].type == Type::f32) {
    const float low = static_cast<float>(call.number(0)), high = static_cast<float>(call.number(1));
    map<float, float>(call, 1, [=](float x) { return x > high ? high : (x < low ? low : x); });
  } else {
    const double low = call.number(0), high = call.number(1);
    map<int32_t, int32_t>(call, 1, [=](int32_t x) {
      return wrap(static_cast<int64_t>(x > high ? high : (x < low ? low : x)));
    });
  }
}

// To int32 as a JS Int32Array converts: truncated, modulo 2^32, not-a-number and infinity are 0.
inline int32_t to_int(float x) { return std::fabs(x) < 9.2e18f ? wrap(static_cast<int64_t>(x)) : 0; }

void cast(const Call& call) {
  const Type from = call[0].type, to = call[1].type;
  if (from == Type::f32 && to == Type::bf16) map<float, Bf16>(call, 1, [](float x) { return Bf16(x); });
  else if (from == Type::bf16 && to == Type::f32) map<Bf16, float>(call, 1, [](Bf16 x) -> float { return x; });
  else if (from == Type::bf16) map<uint16_t, uint16_t>(call, 1, [](uint16_t x) { return x; });
  else if (from == Type::f32 && to == Type::i32) map<float, int32_t>(call, 1, to_int);
  else if (from == Type::f32 && to == Type::u8) map<float, uint8_t>(call, 1, [](float x) -> uint8_t { return x != 0; });
  else if (from == Type::i32 && to == Type::f32) map<int32_t, float>(call, 1, [](int32_t x) { return static_cast<float>(x); });
  else if (from == Type::i32 && to == Type::u8) map<int32_t, uint8_t>(call, 1, [](int32_t x) -> uint8_t { return x != 0; });
  else if (from == Type::u8 && to == Type::f32) map<uint8_t, float>(call, 1, [](uint8_t x) { return static_cast<float>(x); });
  else if (from == Type::u8 && to == Type::i32) map<uint8_t, int32_t>(call, 1, [](uint8_t x) { return int32_t{x}; });
  else if (from == Type::u8) map<uint8_t, uint8_t>(call, 1, [](uint8_t x) { return x; });
  else map<uint32_t, uint32_t>(call, 1, [](uint32_t x) { return x; });  // the same type: a copy
}

bool changes_precision(const Call& call) {
  const auto is_float = [](const Tensor& t) { return t.type == Type::f32 || t.type == Type::bf16; };
  return is_float(call[0]) && is_float(call[1]);
}

}  // namespace

void add_unary() {
  add_ops({{"exp", vector_exp}, {"log", vector_log}, {"sigmoid", vector_sigmoid, all_bf16}, {"silu", vector_silu, all_bf16}, {"tanh", vector_tanh},
           {"sqrt", square_root}, {"rsqrt", reciprocal_root}, {"reciprocal", reciprocal}, {"floor", floor_},
           {"ceil", ceil_}, {"round", round_}, {"relu6", relu6}, {"elu", elu}, {"selu", selu}, {"log1p", log1p_},
           {"expm1", expm1_}, {"sin", sin_}, {"cos", cos_}, {"tan", tan_}, {"asin", asin_}, {"acos", acos_},
           {"atan", atan_}, {"sinh", sinh_}, {"cosh", cosh_}, {"asinh", asinh_}, {"acosh", acosh_},
           {"atanh", atanh_}, {"erf", erf_}, {"softplus", softplus}, {"is_nan", is_nan}, {"is_infinite", is_infinite},
           {"is_finite", is_finite}, {"abs", absolute}, {"negate", negate}, {"square", square}, {"relu", relu_, all_bf16},
           {"sign", sign}, {"logical_not", logical_not}, {"step", step}, {"leaky_relu", leaky_relu}, {"clip", clip},
           {"cast", cast, changes_precision}});
}

}  // namespace PROJ_ISA
