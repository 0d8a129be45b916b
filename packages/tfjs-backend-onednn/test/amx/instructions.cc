// Whether the instructions of AMX do what Intel's manual says, on the machine or emulated: every form of address that a
// compiler may choose, and products against scalar arithmetic, bit for bit. Prints what does not hold.
#include <sys/syscall.h>
#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "emulator.h"

namespace {

struct alignas(64) Config {
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};
};
Config config;

void expect(bool holds, const char* what) {
  if (!holds) printf("%s\n", what);
}

// What is in memory at `first` in rows `stride` bytes apart must come out of tile 3, which is 5 rows of 12 bytes.
uint8_t memory[1 << 16] asm("memory");

void expect_tile(const uint8_t* first, int64_t stride, const char* what) {
  uint8_t out[16][64] = {};
  asm volatile("tilestored %%tmm3, (%0,%1)" ::"r"(&out[0][0]), "r"(int64_t{64}) : "memory");
  bool same = true;
  for (int i = 0; i < 16; ++i)
    for (int j = 0; j < 64; ++j) same &= out[i][j] == (i < 5 && j < 12 ? first[i * stride + j] : 0);
  expect(same, what);
}

#define LOADS(ADDRESS, BASE, INDEX, BASE_VALUE, INDEX_VALUE, FIRST, STRIDE)                                          \
  {                                                                                                                  \
    register const void* base asm(BASE) = BASE_VALUE;                                                                \
    register int64_t index asm(INDEX) = INDEX_VALUE;                                                                 \
    asm volatile("tileloadd " ADDRESS ", %%tmm3" ::"r"(base), "r"(index) : "memory");                                \
    expect_tile(FIRST, STRIDE, "tileloadd " ADDRESS);                                                                \
  }

void addresses() {
  const uint8_t* m = memory + 8192;
  LOADS("(%%rax,%%rbx)", "rax", "rbx", m, 80, m, 80)
  LOADS("(%%rax,%%rbx,2)", "rax", "rbx", m, 80, m, 160)
  LOADS("(%%rsi,%%rdi,4)", "rsi", "rdi", m, 9, m, 36)
  LOADS("(%%r8,%%r9,8)", "r8", "r9", m, 33, m, 264)
  LOADS("(%%rax,%%r15)", "rax", "r15", m, -77, m, -77)
  LOADS("(%%r15,%%rax)", "r15", "rax", m, 1024, m, 1024)
  LOADS("(%%r12,%%rcx)", "r12", "rcx", m, 16, m, 16)
  LOADS("(%%r13,%%rdx)", "r13", "rdx", m, 16, m, 16)
  LOADS("(%%rcx,%%r12)", "rcx", "r12", m, 16, m, 16)
  LOADS("-64(%%r13,%%r12,2)", "r13", "r12", m, 100, m - 64, 200)
  LOADS("127(%%r14,%%r10,4)", "r14", "r10", m, 11, m + 127, 44)
  LOADS("4096(%%rdx,%%r11)", "rdx", "r11", m, 64, m + 4096, 64)
  LOADS("-8192(%%r11,%%rdx)", "r11", "rdx", m, 64, m - 8192, 64)
  LOADS("(%%rax)", "rax", "rbx", m, 64, m, 0)  // no index: all rows are the first
  LOADS("32(%%r12)", "r12", "rbx", m, 64, m + 32, 0)
  {
    register int64_t index asm("rax") = 4;
    asm volatile("tileloadd memory+4096(,%%rax,8), %%tmm3" ::"r"(index) : "memory");
    expect_tile(memory + 4096, 32, "tileloadd address(,%rax,8)");
  }
  asm volatile("tileloaddt1 (%0,%1), %%tmm3" ::"r"(m), "r"(int64_t{96}) : "memory");
  expect_tile(m, 96, "tileloaddt1");
  asm volatile("tilezero %%tmm3" ::: "memory");
  static const uint8_t zeros[64] = {};
  expect_tile(zeros, 0, "tilezero");

  Config stored;
  asm volatile("sttilecfg %0" : "=m"(stored));
  expect(!memcmp(&stored, &config, sizeof stored), "sttilecfg");
  // What a store leaves alone: bytes behind a row, rows behind the last.
  memset(memory, 7, 1024);
  asm volatile("tilestored %%tmm3, 64(%0,%1,2)" ::"r"(memory), "r"(int64_t{16}) : "memory");
  bool same = true;
  for (int i = 0; i < 1024; ++i) same &= memory[i] == (i >= 64 && i < 64 + 5 * 32 && i % 32 < 12 ? 0 : 7);
  expect(same, "tilestored");
}

float flushed(float x) { return std::fpclassify(x) == FP_SUBNORMAL ? std::copysign(0.0f, x) : x; }

float widened(uint16_t x) {
  const uint32_t wide = uint32_t{x} << 16;
  float y;
  memcpy(&y, &wide, sizeof y);
  return flushed(y);
}

// Tile 0 [7, 9] += tile 4 [7, 5 pairs] by tile 6 [5 pairs, 9].
void products() {
  uint32_t state = 1;
  const auto random = [&] { return state = state * 1664525 + 1013904223, state >> 16; };
  for (int turn = 0; turn < 200; ++turn) {
    uint16_t a[7][10], b[5][18];
    float c[7][9], expected[7][9];
    // Exponents around 1 in most turns, around the smallest in others, so that sums and products underflow.
    const uint32_t lowest = turn % 4 ? 120 : 62 - 60 * (turn % 8 == 0), range = turn % 4 ? 12 : 6;
    const auto number = [&] { return static_cast<uint16_t>((random() & 0x8000) | (lowest + random() % range) << 7 | (random() & 0x7f)); };
    for (auto& row : a) for (auto& x : row) x = number();
    for (auto& row : b) for (auto& x : row) x = number();
    for (int i = 0; i < 7; ++i)
      for (int j = 0; j < 9; ++j) {
        c[i][j] = turn % 4 ? widened(number()) : turn % 3 * 1e-39f;
        float first = 0, second = 0;
        for (int k = 0; k < 5; ++k) {
          first = flushed(std::fma(widened(a[i][2 * k]), widened(b[k][2 * j]), first));
          second = flushed(std::fma(widened(a[i][2 * k + 1]), widened(b[k][2 * j + 1]), second));
        }
        expected[i][j] = flushed(flushed(c[i][j]) + flushed(first + second));
      }
    asm volatile(
        "tileloadd (%0,%1), %%tmm0\n\t"
        "tileloadd (%2,%3), %%tmm4\n\t"
        "tileloadd (%4,%1), %%tmm6\n\t"
        "tdpbf16ps %%tmm6, %%tmm4, %%tmm0\n\t"
        "tilestored %%tmm0, (%0,%1)" ::"r"(c), "r"(int64_t{36}), "r"(a), "r"(int64_t{20}), "r"(b) : "memory");
    expect(!memcmp(c, expected, sizeof c), "tdpbf16ps");
  }
}

bool ask_the_system() { return syscall(SYS_arch_prctl, 0x1023, 18) == 0; }

}  // namespace

int main() {
  if (__builtin_cpu_supports("amx-bf16")) expect(ask_the_system(), "the system gives no tiles");
  else emulate_tiles();
  for (size_t i = 0; i < sizeof memory; ++i) memory[i] = static_cast<uint8_t>(i * 2654435761u >> 13);
  const struct { int tile, rows, bytes; } tiles[] = {{0, 7, 36}, {3, 5, 12}, {4, 7, 20}, {6, 5, 36}};
  for (const auto& [tile, rows, bytes] : tiles) config.rows[tile] = rows, config.row_bytes[tile] = bytes;
  asm volatile("ldtilecfg %0" ::"m"(config));
  addresses();
  products();
  asm volatile("tilerelease");
  printf("done\n");
}
