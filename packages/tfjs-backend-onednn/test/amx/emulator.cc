// AMX by software, after the operations in Intel's "Software Developer's Manual", volume 2: LDTILECFG, STTILECFG, TILELOADD,
// TILELOADDT1, TILESTORED, TILEZERO, TILERELEASE and TDPBF16PS. A machine without them raises SIGILL; the handler decodes the
// instruction, carries it out on tiles of the thread and goes on behind it. What the manual has end in a fault ends the process
// with a line that says why. For tests alone.
#include "emulator.h"

#include <immintrin.h>
#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>

namespace {

constexpr int kTiles = 8, kRows = 16, kRowBytes = 64;

// As in memory.
struct Config {
  uint8_t palette, start_row, reserved[14];
  uint16_t row_bytes[kTiles], more_row_bytes[8];
  uint8_t rows[kTiles], more_rows[8];
};
static_assert(sizeof(Config) == 64);

struct State {
  Config config;
  uint8_t tiles[kTiles][kRows][kRowBytes];
};
thread_local State state;  // zeros

std::atomic<uint64_t> products{0};

[[noreturn]] void fault(const char* why) {
  const char* parts[] = {"emulated AMX: ", why, "\n"};
  for (const char* part : parts)
    if (write(STDERR_FILENO, part, strlen(part)) < 0) break;
  abort();
}

void require(bool holds, const char* otherwise) {
  if (!holds) fault(otherwise);
}

// An instruction with the prefix VEX.128.0F38.W0, the only form that these have.
struct Instruction {
  int opcode, prefix;  // 0: none, 1: 66, 2: F3, 3: F2
  int reg, rm, vvvv;
  bool in_registers;  // rm is a register; otherwise it is memory:
  bool has_sib;
  uint8_t* memory;
  int64_t index;  // scaled
  int length;
};

constexpr int kRegisters[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                              REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

bool decode(const greg_t* registers, Instruction& out) {
  const auto* code = reinterpret_cast<const uint8_t*>(registers[REG_RIP]);
  if (code[0] != 0xc4 || (code[1] & 0x1f) != 2 || (code[2] & 0x84) != 0) return false;
  const int r = ~code[1] >> 7 & 1, x = ~code[1] >> 6 & 1, b = ~code[1] >> 5 & 1;
  out.prefix = code[2] & 3;
  out.vvvv = ~code[2] >> 3 & 15;
  out.opcode = code[3];
  const int mod = code[4] >> 6, low = code[4] & 7;
  out.reg = (code[4] >> 3 & 7) | r << 3;
  out.rm = low | b << 3;
  out.in_registers = mod == 3;
  out.has_sib = mod != 3 && low == 4;
  out.length = 5;
  if (out.in_registers) return true;

  const auto value = [&](int number) { return static_cast<int64_t>(registers[kRegisters[number]]); };
  int64_t base = 0;
  bool displaced = mod == 0 && low == 5;  // by 32 bits from the next instruction
  const bool from_here = displaced;
  out.index = 0;
  if (out.has_sib) {
    const uint8_t sib = code[out.length++];
    const int index = (sib >> 3 & 7) | x << 3;
    if (index != 4) out.index = value(index) * (int64_t{1} << (sib >> 6));
    displaced = mod == 0 && (sib & 7) == 5;
    if (!displaced) base = value((sib & 7) | b << 3);
  } else if (!displaced) {
    base = value(out.rm);
  }
  if (mod == 1) {
    base += static_cast<int8_t>(code[out.length++]);
  } else if (mod == 2 || displaced) {
    int32_t displacement;
    memcpy(&displacement, code + out.length, sizeof displacement);
    base += displacement;
    out.length += 4;
  }
  if (from_here) base += reinterpret_cast<int64_t>(code + out.length);
  out.memory = reinterpret_cast<uint8_t*>(base);
  return true;
}

int row_bytes(int tile) { return state.config.row_bytes[tile]; }
int rows(int tile) { return state.config.rows[tile]; }

void require_tile(int tile) {
  require(state.config.palette == 1, "a tile is used before the tiles are configured");
  require(tile < kTiles && rows(tile) > 0, "a tile is used that is not configured");
}

void release() { memset(&state, 0, sizeof state); }

void load_config(const uint8_t* from) {
  Config config;
  memcpy(&config, from, sizeof config);
  release();
  if (config.palette == 0) return;
  require(config.palette == 1 && config.start_row == 0, "a configuration of another palette, or with a row to start from");
  constexpr uint8_t kNothing[16] = {};
  require(memcmp(config.reserved, kNothing, sizeof config.reserved) == 0 && memcmp(config.more_row_bytes, kNothing, 16) == 0 &&
              memcmp(config.more_rows, kNothing, sizeof config.more_rows) == 0,
          "a configuration with reserved bytes that are not zero");
  for (int i = 0; i < kTiles; ++i)
    require(config.rows[i] <= kRows && config.row_bytes[i] <= kRowBytes && !config.rows[i] == !config.row_bytes[i],
            "a configuration with a tile of another size than there is");
  state.config = config;
}

void load(int tile, const Instruction& at) {
  require_tile(tile);
  memset(state.tiles[tile], 0, sizeof state.tiles[tile]);
  for (int i = 0; i < rows(tile); ++i)
    memcpy(state.tiles[tile][i], at.memory + i * at.index, static_cast<size_t>(row_bytes(tile)));
}

void store(int tile, const Instruction& at) {
  require_tile(tile);
  for (int i = 0; i < rows(tile); ++i)
    memcpy(at.memory + i * at.index, state.tiles[tile][i], static_cast<size_t>(row_bytes(tile)));
}

// A row of pairs of bfloat16 as the floats of all first and of all second elements.
__attribute__((target("avx2,fma"))) void split(const uint8_t* row, float* first, float* second) {
  for (int i = 0; i < 16; i += 8) {
    const __m256i pairs = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(row + i * 4));
    _mm256_storeu_ps(first + i, _mm256_castsi256_ps(_mm256_slli_epi32(pairs, 16)));
    _mm256_storeu_ps(second + i, _mm256_castsi256_ps(_mm256_and_si256(pairs, _mm256_set1_epi32(-0x10000))));
  }
}

// c [m, n] += a [m, k pairs] b [k pairs, n]: the sums over first and over second elements are separate chains of fused
// multiplications and additions, which are added at the end.
__attribute__((target("avx2,fma"), noinline)) void multiply(int c, int a, int b) {
  float b_first[16][16], b_second[16][16];
  const int depth = row_bytes(a) / 4;
  for (int k = 0; k < depth; ++k) split(state.tiles[b][k], b_first[k], b_second[k]);
  for (int m = 0; m < rows(c); ++m) {
    float a_first[16], a_second[16];
    split(state.tiles[a][m], a_first, a_second);
    __m256 first[2] = {}, second[2] = {};
    for (int k = 0; k < depth; ++k)
      for (int h = 0; h < 2; ++h) {
        first[h] = _mm256_fmadd_ps(_mm256_set1_ps(a_first[k]), _mm256_loadu_ps(b_first[k] + 8 * h), first[h]);
        second[h] = _mm256_fmadd_ps(_mm256_set1_ps(a_second[k]), _mm256_loadu_ps(b_second[k] + 8 * h), second[h]);
      }
    float sums[16];
    for (int h = 0; h < 2; ++h) {
      const __m256 before = _mm256_loadu_ps(reinterpret_cast<float*>(state.tiles[c][m]) + 8 * h);
      _mm256_storeu_ps(sums + 8 * h, _mm256_add_ps(before, _mm256_add_ps(first[h], second[h])));
    }
    memcpy(state.tiles[c][m], sums, static_cast<size_t>(row_bytes(c)));
  }
}

void multiply_checked(int c, int a, int b) {
  require_tile(c), require_tile(a), require_tile(b);
  require(c != a && c != b && a != b, "a product in which a tile comes twice");
  require(row_bytes(a) % 4 == 0 && row_bytes(b) % 4 == 0 && row_bytes(b) == row_bytes(c) && rows(a) == rows(c) &&
              row_bytes(a) / 4 == rows(b),
          "a product of tiles that do not fit");
  constexpr unsigned kFlushToZero = 0x8000, kDenormalsAreZero = 0x40, kMasked = 0x1f80;  // rounding to nearest even
  _mm_setcsr(kFlushToZero | kDenormalsAreZero | kMasked);  // the signal's return brings the old back
  multiply(c, a, b);
  products.fetch_add(1, std::memory_order_relaxed);
}

bool execute(const Instruction& i) {
  const int key = i.opcode << 4 | i.prefix;
  if (i.in_registers) {
    switch (key) {
      case 0x490: return i.reg == 0 && i.rm == 0 ? (release(), true) : false;
      case 0x493: return require_tile(i.reg), memset(state.tiles[i.reg], 0, sizeof state.tiles[i.reg]), true;
      case 0x5c2: return multiply_checked(i.reg, i.rm, i.vvvv), true;
    }
    return false;
  }
  switch (key) {
    case 0x490: return i.reg == 0 ? (load_config(i.memory), true) : false;
    case 0x491: return i.reg == 0 ? (memcpy(i.memory, &state.config, sizeof state.config), true) : false;
    case 0x4b1:  // with a hint that the data will not be needed again
    case 0x4b3: return i.has_sib ? (load(i.reg, i), true) : false;
    case 0x4b2: return i.has_sib ? (store(i.reg, i), true) : false;
  }
  return false;
}

// One instruction and those of AMX right behind it: a signal takes longer than any of them.
void on_illegal_instruction(int, siginfo_t*, void* context) {
  greg_t* registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  Instruction instruction;
  bool any = false;
  for (; decode(registers, instruction) && execute(instruction); any = true) registers[REG_RIP] += instruction.length;
  if (!any) signal(SIGILL, SIG_DFL);  // and then it is met again
}

}  // namespace

void emulate_tiles() {
  struct sigaction action = {};
  action.sa_sigaction = on_illegal_instruction;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  sigaction(SIGILL, &action, nullptr);
}

uint64_t emulated_products() { return products; }
