// The transforms of one dimension of Winograd's algorithms (Lavin and Gray, 2016) on numbers or on lanes of them.
#pragma once

#include "kernels.h"

namespace PROJ_ISA {

// F(2, 3)
struct Tile2 {
  static constexpr int kOut = 2, kSize = 4;

  // B^T d
  template <class V>
  static void input(const V* d, V* v) {
    v[0] = d[0] - d[2];
    v[1] = d[1] + d[2];
    v[2] = d[2] - d[1];
    v[3] = d[1] - d[3];
  }
  // G g
  template <class V>
  static void filter(const V* g, V* u) {
    const V ends = 0.5f * (g[0] + g[2]), middle = 0.5f * g[1];
    u[0] = g[0];
    u[1] = ends + middle;
    u[2] = ends - middle;
    u[3] = g[2];
  }
  // A^T m
  template <class V>
  static void output(const V* m, V* y) {
    y[0] = m[0] + m[1] + m[2];
    y[1] = m[1] - m[2] - m[3];
  }
  // A dy
  template <class V>
  static void output_gradient(const V* dy, V* dm) {
    dm[0] = dy[0];
    dm[1] = dy[0] + dy[1];
    dm[2] = dy[0] - dy[1];
    dm[3] = -dy[1];
  }
  // G^T du
  template <class V>
  static void filter_gradient(const V* du, V* dg) {
    const V sum = 0.5f * (du[1] + du[2]);
    dg[0] = du[0] + sum;
    dg[1] = 0.5f * (du[1] - du[2]);
    dg[2] = sum + du[3];
  }
};

// F(4, 3)
struct Tile4 {
  static constexpr int kOut = 4, kSize = 6;

  template <class V>
  static void input(const V* d, V* v) {
    const V a = d[4] - 4.0f * d[2], b = d[3] - 4.0f * d[1], c = d[4] - d[2], e = 2.0f * (d[3] - d[1]);
    v[0] = 4.0f * d[0] - 5.0f * d[2] + d[4];
    v[1] = a + b;
    v[2] = a - b;
    v[3] = c + e;
    v[4] = c - e;
    v[5] = 4.0f * d[1] - 5.0f * d[3] + d[5];
  }
  template <class V>
  static void filter(const V* g, V* u) {
    const V near = (-1.0f / 6) * (g[0] + g[2]), near_middle = (1.0f / 6) * g[1];
    const V far = (1.0f / 24) * g[0] + (1.0f / 6) * g[2], far_middle = (1.0f / 12) * g[1];
    u[0] = 0.25f * g[0];
    u[1] = near - near_middle;
    u[2] = near + near_middle;
    u[3] = far + far_middle;
    u[4] = far - far_middle;
    u[5] = g[2];
  }
  template <class V>
  static void output(const V* m, V* y) {
    const V a = m[1] + m[2], b = m[1] - m[2], c = m[3] + m[4], d = m[3] - m[4];
    y[0] = m[0] + a + c;
    y[1] = b + 2.0f * d;
    y[2] = a + 4.0f * c;
    y[3] = b + 8.0f * d + m[5];
  }
  template <class V>
  static void output_gradient(const V* dy, V* dm) {
    const V a = dy[0] + dy[2], b = dy[1] + dy[3], c = dy[0] + 4.0f * dy[2], d = 2.0f * dy[1] + 8.0f * dy[3];
    dm[0] = dy[0];
    dm[1] = a + b;
    dm[2] = a - b;
    dm[3] = c + d;
    dm[4] = c - d;
    dm[5] = dy[3];
  }
  template <class V>
  static void filter_gradient(const V* du, V* dg) {
    const V near = du[1] + du[2], far = du[3] + du[4];
    dg[0] = 0.25f * du[0] - (1.0f / 6) * near + (1.0f / 24) * far;
    dg[1] = (1.0f / 6) * (du[2] - du[1]) + (1.0f / 12) * (du[3] - du[4]);
    dg[2] = (1.0f / 6) * (far - near) + du[5];
  }
};

// The same in two dimensions: f, which makes `Out` values of `In`, on all columns and then on all rows of a square.
template <int In, int Out, class V, class F>
inline void both_ways(const V* from, V* to, F&& f) {
  V half[Out * In];
  for (int j = 0; j < In; ++j) {
    V column[In], made[Out];
    for (int i = 0; i < In; ++i) column[i] = from[i * In + j];
    f(column, made);
    for (int i = 0; i < Out; ++i) half[i * In + j] = made[i];
  }
  for (int i = 0; i < Out; ++i) f(half + i * In, to + i * Out);
}

}  // namespace PROJ_ISA
