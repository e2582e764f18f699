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
  // Two elements a word: the even index has the low half.
  auto word = [&](uint64_t index) { return scramble(key + (index >> 1) * step); };
  auto value = [&](uint64_t half) { return float(int32_t(uint32_t(half))) * scale; };
  int64_t i = 0;
  if (count > 0 && first % 2 != 0)
    values[i++] = value(word(uint64_t(first)) >> 32);
  for (; i + 2 <= count; i += 2) {
    uint64_t both = word(uint64_t(first + i));
    values[i] = value(both);
    values[i + 1] = value(both >> 32);
  }
  if (i < count)
    values[i] = value(word(uint64_t(first + i)));
}
