// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- MachineLimits.cpp - what this machine could do at best, measured -----------------------------------===//

#include "moe/Driver/MachineLimits.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

using namespace mlir::moe;

static double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Results that nobody needs but the optimiser must believe in.
static std::atomic<uint64_t> sink;

namespace {
constexpr int64_t chunkBytes = 4 << 20;

struct ReadTask {
  const char *data;
};

constexpr int chains = 12; // more than latency times throughput of any current core

/// Runs `steps` multiply-adds in each of the chains; returns operations.
using FmaLoop = int64_t (*)(int64_t steps);
struct FmaTask {
  FmaLoop loop;
  std::atomic<int64_t> flops;
};
} // namespace

#if defined(__x86_64__)
__attribute__((target("avx2"))) static uint64_t readChunk(const char *data) {
  __m256i sums[8] = {};
  for (int64_t i = 0; i < chunkBytes; i += sizeof sums)
    for (int j = 0; j < 8; ++j)
      sums[j] = _mm256_xor_si256(sums[j], _mm256_load_si256(reinterpret_cast<const __m256i *>(data + i) + j));
  for (int j = 1; j < 8; ++j)
    sums[0] = _mm256_xor_si256(sums[0], sums[j]);
  return uint64_t(_mm256_extract_epi64(sums[0], 0));
}

__attribute__((target("avx2,fma"))) static int64_t fma256(int64_t steps) {
  __m256 acc[chains], factor = _mm256_set1_ps(0.999f), term = _mm256_set1_ps(0.001f);
  for (int j = 0; j < chains; ++j)
    acc[j] = _mm256_set1_ps(float(j));
  for (int64_t i = 0; i < steps; ++i)
    for (int j = 0; j < chains; ++j)
      acc[j] = _mm256_fmadd_ps(acc[j], factor, term);
  for (int j = 1; j < chains; ++j)
    acc[0] = _mm256_add_ps(acc[0], acc[j]);
  sink += uint64_t(_mm256_cvtss_f32(acc[0]));
  return steps * chains * 8 * 2;
}

__attribute__((target("avx512f"))) static int64_t fma512(int64_t steps) {
  __m512 acc[chains], factor = _mm512_set1_ps(0.999f), term = _mm512_set1_ps(0.001f);
  for (int j = 0; j < chains; ++j)
    acc[j] = _mm512_set1_ps(float(j));
  for (int64_t i = 0; i < steps; ++i)
    for (int j = 0; j < chains; ++j)
      acc[j] = _mm512_fmadd_ps(acc[j], factor, term);
  for (int j = 1; j < chains; ++j)
    acc[0] = _mm512_add_ps(acc[0], acc[j]);
  sink += uint64_t(_mm512_cvtss_f32(acc[0]));
  return steps * chains * 16 * 2;
}

static FmaLoop fmaLoop() { return moe_cpu_features() & MOE_CPU_AVX512 ? fma512 : fma256; }
#else
static uint64_t readChunk(const char *data) {
  uint64_t sums[8] = {};
  for (int64_t i = 0; i < chunkBytes; i += sizeof sums)
    for (int j = 0; j < 8; ++j)
      sums[j] ^= reinterpret_cast<const uint64_t *>(data + i)[j];
  return sums[0] ^ sums[1] ^ sums[2] ^ sums[3] ^ sums[4] ^ sums[5] ^ sums[6] ^ sums[7];
}

static int64_t fmaPlain(int64_t steps) {
  float acc[chains] = {};
  for (int64_t i = 0; i < steps; ++i)
    for (int j = 0; j < chains; ++j)
      acc[j] = __builtin_fmaf(acc[j], 0.999f, 0.001f);
  sink += uint64_t(acc[0]);
  return steps * chains * 2;
}

static FmaLoop fmaLoop() { return fmaPlain; }
#endif

static double measureRead(moe_pool *pool) {
  // More than twice the largest cache that one machine of today's clouds shares out, but not all of a small machine.
  constexpr int64_t bytes = INT64_C(1) << 30, chunks = bytes / chunkBytes;
  std::unique_ptr<char, void (*)(void *)> data(static_cast<char *>(std::aligned_alloc(64, bytes)), std::free);
  if (!data)
    return 0;
  ReadTask task = {data.get()};
  auto touch = [](void *context, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      std::memset(const_cast<char *>(static_cast<ReadTask *>(context)->data) + i * chunkBytes, int(i), chunkBytes);
  };
  auto read = [](void *context, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      sink += readChunk(static_cast<ReadTask *>(context)->data + i * chunkBytes);
  };
  moe_parallel_for(pool, chunks, touch, &task);
  double best = 0;
  for (int repeat = 0; repeat < 5; ++repeat) {
    double start = seconds();
    moe_parallel_for(pool, chunks, read, &task);
    best = std::max(best, double(bytes) / (seconds() - start));
  }
  return best;
}

static double measureFma(moe_pool *pool) {
  FmaTask task = {fmaLoop(), {0}};
  auto run = [](void *context, int64_t begin, int64_t end) {
    auto *fma = static_cast<FmaTask *>(context);
    for (int64_t i = begin; i < end; ++i)
      fma->flops += fma->loop(200000);
  };
  double best = 0;
  for (int repeat = 0; repeat < 10; ++repeat) {
    task.flops = 0;
    double start = seconds();
    moe_parallel_for(pool, 32 * int64_t(moe_pool_threads(pool)), run, &task);
    best = std::max(best, double(task.flops) / (seconds() - start));
  }
  return best;
}

MachineLimits MachineLimits::measure(moe_pool *pool) { return {measureRead(pool), measureFma(pool)}; }
