// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// The limits of the machine, as benchmarks of their own and as what the shares of the others are of.
//===----------------------------------------------------------------------===//
#include "Bench.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <sys/mman.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

using namespace bench;

static double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

moe_pool *bench::pool(int threads) {
  static std::map<int, moe_pool *> pools; // for the process's life: workers end with it
  moe_pool *&pool = pools[threads];
  if (!pool && moe_pool_create(threads, &pool) != MOE_OK)
    std::abort();
  return pool;
}

Buffer::Buffer(size_t bytes) : size(bytes) {
  start = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED)
    std::abort();
  madvise(start, size, MADV_HUGEPAGE);
}

Buffer::~Buffer() { munmap(start, size); }

namespace {
constexpr int64_t chunkBytes = 2 << 20, bytes = INT64_C(512) << 20;
std::atomic<uint64_t> sink; // results that nobody needs but the optimiser must believe in

struct Copy {
  char *to;
  const char *from;
};
} // namespace

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void copyChunk(char *to, const char *from) {
  for (int64_t i = 0; i < chunkBytes; i += 64)
    for (int64_t j = 0; j < 64; j += 32)
      _mm256_stream_si256(reinterpret_cast<__m256i *>(to + i + j),
                          _mm256_load_si256(reinterpret_cast<const __m256i *>(from + i + j)));
  _mm_sfence();
}

__attribute__((target("avx2"))) static uint64_t readChunk(const char *data) {
  __m256i sums[8] = {};
  for (int64_t i = 0; i < chunkBytes; i += sizeof sums)
    for (int j = 0; j < 8; ++j)
      sums[j] = _mm256_xor_si256(sums[j], _mm256_load_si256(reinterpret_cast<const __m256i *>(data + i) + j));
  for (int j = 1; j < 8; ++j)
    sums[0] = _mm256_xor_si256(sums[0], sums[j]);
  return uint64_t(_mm256_extract_epi64(sums[0], 0));
}

constexpr int chains = 12; // more than latency times throughput of any current core

__attribute__((target("avx2,fma"))) static double fma256(int64_t steps) {
  __m256 sums[chains] = {}, factor = _mm256_set1_ps(0.999f), term = _mm256_set1_ps(0.001f);
  for (int64_t i = 0; i < steps; ++i)
    for (int j = 0; j < chains; ++j)
      sums[j] = _mm256_fmadd_ps(sums[j], factor, term);
  for (int j = 1; j < chains; ++j)
    sums[0] = _mm256_add_ps(sums[0], sums[j]);
  sink += uint64_t(_mm256_cvtss_f32(sums[0]));
  return double(steps) * chains * 16;
}

__attribute__((target("avx512f"))) static double fma512(int64_t steps) {
  __m512 sums[chains] = {}, factor = _mm512_set1_ps(0.999f), term = _mm512_set1_ps(0.001f);
  for (int64_t i = 0; i < steps; ++i)
    for (int j = 0; j < chains; ++j)
      sums[j] = _mm512_fmadd_ps(sums[j], factor, term);
  for (int j = 1; j < chains; ++j)
    sums[0] = _mm512_add_ps(sums[0], sums[j]);
  sink += uint64_t(_mm512_cvtss_f32(sums[0]));
  return double(steps) * chains * 32;
}

__attribute__((target("avx512f,avx512bf16"))) static double dot512(int64_t steps) {
  __m512 sums[chains] = {};
  auto ones = reinterpret_cast<__m512bh>(_mm512_set1_epi16(0x3f7f)),
       small = reinterpret_cast<__m512bh>(_mm512_set1_epi16(0x3a83));
  for (int64_t i = 0; i < steps; ++i)
    for (int j = 0; j < chains; ++j) {
      sums[j] = _mm512_dpbf16_ps(sums[j], ones, small);
      asm("" : "+v"(sums[j])); // each is to happen
    }
  for (int j = 1; j < chains; ++j)
    sums[0] = _mm512_add_ps(sums[0], sums[j]);
  sink += uint64_t(_mm512_cvtss_f32(sums[0]));
  return double(steps) * chains * 64;
}
using Loop = double (*)(int64_t);
static Loop fmaLoop() { return moe_cpu_features() & MOE_CPU_AVX512 ? fma512 : fma256; }
static Loop bf16Loop() { return moe_cpu_features() & MOE_CPU_AVX512_BF16 ? dot512 : nullptr; }
#else
static void copyChunk(char *to, const char *from) { std::memcpy(to, from, chunkBytes); }

static uint64_t readChunk(const char *data) {
  uint64_t sum = 0;
  for (int64_t i = 0; i < chunkBytes; i += 8)
    sum ^= *reinterpret_cast<const uint64_t *>(data + i);
  return sum;
}
using Loop = double (*)(int64_t);
static Loop fmaLoop() { return nullptr; }
static Loop bf16Loop() { return nullptr; }
#endif

static void copyTask(void *context, int64_t begin, int64_t end) {
  auto *copy = static_cast<Copy *>(context);
  for (int64_t i = begin; i < end; ++i)
    copyChunk(copy->to + i * chunkBytes, copy->from + i * chunkBytes);
}

static void readTask(void *context, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i)
    sink += readChunk(static_cast<const char *>(context) + i * chunkBytes);
}

static void touchTask(void *context, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i)
    std::memset(static_cast<char *>(context) + i * chunkBytes, int(i + 1), chunkBytes);
}

/// The best of some repeats of `run`, which says how much it did.
template <typename Run>
static double best(int repeats, Run run) {
  double most = 0;
  for (int i = 0; i < repeats; ++i) {
    double start = seconds(), done = run();
    most = std::max(most, done / (seconds() - start));
  }
  return most;
}

static double peak(moe_pool *pool, Loop loop) {
  struct Task {
    Loop loop;
    std::atomic<double> flops;
  } task{loop, 0};
  if (!loop)
    return 0;
  return best(5, [&] {
    task.flops = 0;
    auto run = [](void *context, int64_t begin, int64_t end) {
      auto *task = static_cast<Task *>(context);
      for (int64_t i = begin; i < end; ++i)
        task->flops += task->loop(200000);
    };
    moe_parallel_for(pool, 32 * int64_t(moe_pool_threads(pool)), run, &task);
    return task.flops.load();
  });
}

static Limits measure(moe_pool *pool) {
  Limits limits{};
  Buffer from(bytes), to(bytes);
  moe_parallel_for(pool, bytes / chunkBytes, touchTask, from.data());
  moe_parallel_for(pool, bytes / chunkBytes, touchTask, to.data());
  auto copyInto = [&](char *data) {
    Copy copy{data, from.data()};
    moe_parallel_for(pool, bytes / chunkBytes, copyTask, &copy);
    return 2.0 * bytes;
  };
  limits.readBytes = best(5, [&] {
    moe_parallel_for(pool, bytes / chunkBytes, readTask, from.data());
    return double(bytes);
  });
  limits.copyBytes = best(5, [&] { return copyInto(to.data()); });
  for (int i = 0; i < 5; ++i) {
    Buffer fresh(bytes);
    limits.freshCopyBytes = std::max(limits.freshCopyBytes, best(1, [&] { return copyInto(fresh.data()); }));
  }
  limits.fmaFlops = peak(pool, fmaLoop());
  limits.bf16Flops = peak(pool, bf16Loop());
  return limits;
}

const Limits &bench::limits(int threads) {
  static std::map<int, Limits> known;
  auto found = known.find(threads);
  if (found == known.end())
    found = known.emplace(threads, measure(pool(threads))).first;
  return found->second;
}

/// Not timed by the framework, whose repeats would take long: the best of a few is what a limit is.
static void machine(benchmark::State &state) {
  const Limits &all = limits(int(state.range(0)));
  for (auto _ : state)
    benchmark::DoNotOptimize(&all);
  state.counters["read_GB/s"] = all.readBytes / 1e9;
  state.counters["copy_GB/s"] = all.copyBytes / 1e9;
  state.counters["fresh_copy_GB/s"] = all.freshCopyBytes / 1e9;
  state.counters["f32_GFLOP/s"] = all.fmaFlops / 1e9;
  state.counters["bf16_GFLOP/s"] = all.bf16Flops / 1e9;
}
BENCHMARK(machine)->ArgName("threads")->Arg(1)->Arg(0)->Iterations(1);
