// Elementwise operations of two tensors with broadcasting.
#include <cmath>

#include "kernels.h"
#include "vector_math.h"

namespace PROJ_ISA {
namespace {

// The output as rows of `inner` elements; each input moves through a row with stride 0 or 1, and from row to row by strides
// over the outer dimensions. At least one of the inputs has stride 1.
struct Broadcast {
  int rank = 0;  // of the outer dimensions
  int64_t dims[kMaxRank] = {}, a_strides[kMaxRank] = {}, b_strides[kMaxRank] = {};
  int64_t inner = 1, rows = 1;
  bool a_inner = true, b_inner = true;
};

// Shapes may differ in rank; a dimension of 1 spreads. Neighbouring dimensions in which both inputs spread alike become one.
Broadcast plan(const Tensor& a, const Tensor& b, const Tensor& y) {
  struct Dim {
    int64_t size, a, b;
  } dims[kMaxRank];
  int count = 0;
  int64_t a_stride = 1, b_stride = 1;
  for (int i = 0; i < y.rank; ++i) {  // from the last dimension on
    const int64_t size = y.dims[y.rank - 1 - i];
    const int64_t in_a = i < a.rank ? a.dims[a.rank - 1 - i] : 1, in_b = i < b.rank ? b.dims[b.rank - 1 - i] : 1;
    if (size != 1) {
      const Dim dim{size, in_a == 1 ? 0 : a_stride, in_b == 1 ? 0 : b_stride};
      Dim* last = count ? &dims[count - 1] : nullptr;
      if (last && (dim.a == 0) == (last->a == 0) && (dim.b == 0) == (last->b == 0)) last->size *= size;
      else dims[count++] = dim;
    }
    a_stride *= in_a;
    b_stride *= in_b;
  }
  Broadcast p;
  if (count == 0) return p;
  p.inner = dims[0].size;
  p.a_inner = dims[0].a != 0;
  p.b_inner = dims[0].b != 0;
  for (int i = 1; i < count; ++i) {
    p.dims[p.rank] = dims[i].size;
    p.a_strides[p.rank] = dims[i].a;
    p.b_strides[p.rank] = dims[i].b;
    p.rows *= dims[i].size;
    p.rank += 1;
  }
  return p;
}

template <class T>
inline T value(T x) { return x; }
inline float value(Bf16 x) { return x; }

template <class F, class A, class B, class Out>
inline void row(const Broadcast& p, const A* __restrict a, const B* __restrict b, Out* __restrict y, int64_t n) {
  if (p.a_inner && p.b_inner) {
    for (int64_t i = 0; i < n; ++i) y[i] = F::apply(value(a[i]), value(b[i]));
  } else if (p.a_inner) {
    const auto right = value(*b);
    for (int64_t i = 0; i < n; ++i) y[i] = F::apply(value(a[i]), right);
  } else {
    const auto left = value(*a);
    for (int64_t i = 0; i < n; ++i) y[i] = F::apply(left, value(b[i]));
  }
}

// Where the second input is one short row, as of the colours of a picture, many copies of it make a longer one.
template <class B>
const B* longer_rows(Broadcast& p, const B* b) {
  constexpr int64_t kShort = 64, kCopies = 64;
  if (p.rank != 1 || p.inner >= kShort || p.rows < kCopies || !p.a_inner || !p.b_inner || p.b_strides[0] != 0) return b;
  B* copies = static_cast<B*>(scratch(static_cast<size_t>(p.inner * kCopies) * sizeof(B)));
  for (int64_t i = 0; i < p.inner * kCopies; ++i) copies[i] = b[i % p.inner];
  p.inner *= kCopies;
  p.a_strides[0] *= kCopies;
  p.dims[0] = p.rows = (p.rows + kCopies - 1) / kCopies;
  return copies;
}

template <class F, class A, class Out, class B = A>
void binary(const Call& call) {
  const Tensor &ta = call[0], &tb = call[1], &ty = call[2];
  const int64_t total = ty.size();
  if (total == 0) return;
  Broadcast p = plan(ta, tb, ty);
  const A* a = ta.as<const A>();
  const B* b = longer_rows(p, tb.as<const B>());
  Out* y = ty.as<Out>();
  parallel(total, grain_of(F::cost), [&](int64_t begin, int64_t end) {
    while (begin < end) {
      int64_t index = begin / p.inner, offset = begin % p.inner;
      const int64_t n = std::min(end - begin, p.inner - offset);
      const A* row_a = a + (p.a_inner ? offset : 0);
      const B* row_b = b + (p.b_inner ? offset : 0);
      for (int i = 0; i < p.rank; ++i) {
        const int64_t at = index % p.dims[i];
        index /= p.dims[i];
        row_a += at * p.a_strides[i];
        row_b += at * p.b_strides[i];
      }
      row<F>(p, row_a, row_b, y + begin, n);
      begin += n;
    }
  });
}

// Integers wrap, as a JS Int32Array does.
inline int32_t wrap(int64_t x) { return static_cast<int32_t>(static_cast<uint32_t>(x)); }

template <int Cost = 1>
struct Cheap {
  static constexpr int cost = Cost;
};

struct Add : Cheap<> {
  static float apply(float a, float b) { return a + b; }
  static int32_t apply(int32_t a, int32_t b) { return wrap(int64_t{a} + b); }
};
struct Sub : Cheap<> {
  static float apply(float a, float b) { return a - b; }
  static int32_t apply(int32_t a, int32_t b) { return wrap(int64_t{a} - b); }
};
struct Multiply : Cheap<> {
  static float apply(float a, float b) { return a * b; }
  static int32_t apply(int32_t a, int32_t b) { return wrap(int64_t{a} * b); }
};
struct Divide : Cheap<> {
  static float apply(float a, float b) { return a / b; }
};
// Not-a-number wins, as in Math.max.
struct Maximum : Cheap<> {
  static float apply(float a, float b) { return a != a ? a : (b != b ? b : (a > b ? a : b)); }
  static int32_t apply(int32_t a, int32_t b) { return a > b ? a : b; }
};
struct Minimum : Cheap<> {
  static float apply(float a, float b) { return a != a ? a : (b != b ? b : (a < b ? a : b)); }
  static int32_t apply(int32_t a, int32_t b) { return a < b ? a : b; }
};
struct SquaredDifference : Cheap<> {
  static float apply(float a, float b) { return (a - b) * (a - b); }
  static int32_t apply(int32_t a, int32_t b) { return wrap((int64_t{a} - b) * (int64_t{a} - b)); }
};
struct FloorDiv : Cheap<> {
  static int32_t apply(int32_t a, int32_t b) {
    return b == 0 ? 0 : wrap(static_cast<int64_t>(std::floor(static_cast<double>(a) / b)));
  }
};
struct Mod : Cheap<16> {
  template <class T>
  static T fit(T a, T b, T rest) {
    return (a < 0 && b < 0) || (a >= 0 && b >= 0) ? rest : static_cast<T>(std::fmod(rest + b, b));
  }
  static float apply(float a, float b) { return fit(a, b, std::fmod(a, b)); }
  static int32_t apply(int32_t a, int32_t b) {
    return b == 0 ? 0 : static_cast<int32_t>(fit<double>(a, b, std::fmod(a, b)));
  }
};
struct Pow : Cheap<32> {
  static float apply(float a, float b) { return static_cast<float>(std::pow(static_cast<double>(a), b)); }
};
struct Atan2 : Cheap<32> {
  static float apply(float a, float b) { return std::atan2(a, b); }
};
// x > 0 ? x : alpha x, alpha the second tensor
struct Prelu : Cheap<> {
  static float apply(float x, float alpha) { return x < 0 ? x * alpha : x; }
};
struct ReluGrad : Cheap<> {
  static float apply(float dy, float y) { return relu_grad(dy, y); }
};
struct SiluGrad : Cheap<3> {
  static float apply(float dy, float x) { return silu_grad(dy, x); }
};
// Gradient of elu from its output.
struct EluGrad : Cheap<> {
  static float apply(float dy, float y) { return y >= 0 ? dy : dy * (y + 1.0f); }
};

#define PROJ_COMPARE(Name, operation)                                            \
  struct Name : Cheap<> {                                                        \
    template <class T>                                                           \
    static uint8_t apply(T a, T b) { return static_cast<uint8_t>(operation); }   \
  };
PROJ_COMPARE(Equal, a == b)
PROJ_COMPARE(NotEqual, a != b)
PROJ_COMPARE(Greater, a > b)
PROJ_COMPARE(GreaterEqual, a >= b)
PROJ_COMPARE(Less, a < b)
PROJ_COMPARE(LessEqual, a <= b)
PROJ_COMPARE(LogicalAnd, a && b)
PROJ_COMPARE(LogicalOr, a || b)
#undef PROJ_COMPARE

template <class F>
void arithmetic(const Call& call) {
  if (call[0].type == Type::f32) binary<F, float, float>(call);
  else binary<F, int32_t, int32_t>(call);
}

// With a bf16 output each input may be of either precision.
template <class F>
void arithmetic_bf16(const Call& call) {
  const bool a = call[0].type == Type::bf16, b = call[1].type == Type::bf16;
  if (call[2].type != Type::bf16) arithmetic<F>(call);
  else if (a && b) binary<F, Bf16, Bf16>(call);
  else if (a) binary<F, Bf16, Bf16, float>(call);
  else binary<F, float, Bf16, Bf16>(call);
}

bool gives_bf16(const Call& call) {
  return call[2].type == Type::bf16 && (call[0].type == Type::bf16 || call[1].type == Type::bf16);
}

template <class F>
void real(const Call& call) {
  binary<F, float, float>(call);
}

template <class F>
void gradient(const Call& call) {
  call[0].type == Type::f32 && call[1].type == Type::f32 ? real<F>(call) : arithmetic_bf16<F>(call);
}

template <class F>
void integer(const Call& call) {
  binary<F, int32_t, int32_t>(call);
}

template <class F>
void comparison(const Call& call) {
  if (call[0].type == Type::f32) binary<F, float, uint8_t>(call);
  else if (call[0].type == Type::i32) binary<F, int32_t, uint8_t>(call);
  else binary<F, uint8_t, uint8_t>(call);
}

}  // namespace

void add_binary() {
  add_ops({{"add", arithmetic_bf16<Add>, gives_bf16},
           {"subtract", arithmetic_bf16<Sub>, gives_bf16},
           {"multiply", arithmetic_bf16<Multiply>, gives_bf16},
           {"divide", real<Divide>},
           {"maximum", arithmetic<Maximum>},
           {"minimum", arithmetic<Minimum>},
           {"squared_difference", arithmetic<SquaredDifference>},
           {"floor_divide", integer<FloorDiv>},
           {"modulo", arithmetic<Mod>},
           {"power", real<Pow>},
           {"atan2", real<Atan2>},
           {"prelu", real<Prelu>},
           {"elu_grad", real<EluGrad>},
           {"relu_grad", gradient<ReluGrad>, gives_bf16},
           {"silu_grad", gradient<SiluGrad>, gives_bf16},
           {"equal", comparison<Equal>},
           {"not_equal", comparison<NotEqual>},
           {"greater", comparison<Greater>},
           {"greater_equal", comparison<GreaterEqual>},
           {"less", comparison<Less>},
           {"less_equal", comparison<LessEqual>},
           {"logical_and", comparison<LogicalAnd>},
           {"logical_or", comparison<LogicalOr>}});
}

}  // namespace PROJ_ISA
