// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// Random weights as a pure function of (seed, name, expert, index), so that any thread may draw any part.
//===----------------------------------------------------------------------===//
#include "Weights.h"

#include <cmath>

using namespace moe;

/// A bijection of 64-bit words in which each input bit changes about half of the output: the finaliser of SplitMix64.
static uint64_t scramble(uint64_t x) {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9u;
  x ^= x >> 27;
  x *= 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

static constexpr uint64_t step = 0x9e3779b97f4a7c15u;

uint64_t moe::randomKey(uint64_t seed, const char *name, int64_t expert) {
  uint64_t key = scramble(seed + step);
  for (const char *c = name; *c; ++c)
    key = scramble(key ^ static_cast<unsigned char>(*c)) + step;
  return scramble(key + uint64_t(expert) * step);
}

void moe::randomElements(uint64_t key, int64_t cols, int64_t first, int64_t count, float *values) {
  // Uniform in [-a, a] has variance a^2 / 3; 1 / cols keeps the size of a product's result that of its input.
  const float scale = float(std::sqrt(3.0 / double(cols))) * 0x1p-31f;
  for (int64_t i = 0; i < count; ++i) {
    uint64_t index = uint64_t(first + i);
    uint64_t word = scramble(key + (index >> 1) * step); // two elements a word
    values[i] = float(int32_t(index & 1 ? word >> 32 : word)) * scale;
  }
}
