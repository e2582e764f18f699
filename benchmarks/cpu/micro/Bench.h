// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the micro-benchmarks share: a pool of every CPU, large buffers, and the limits of the machine that shares are
// of, measured once in the same process.
#ifndef MOE_BENCHMARKS_CPU_MICRO_BENCH_H
#define MOE_BENCHMARKS_CPU_MICRO_BENCH_H

#include "moe/Runtime/Runtime.h"

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>

namespace bench {

/// A pool of `threads`, made once for each number; 0: one thread for each CPU.
moe_pool *pool(int threads);

/// Memory straight from the system, on huge pages where there are any; its pages are there only once written to.
class Buffer {
public:
  explicit Buffer(size_t bytes);
  ~Buffer();
  Buffer(const Buffer &) = delete;
  Buffer &operator=(const Buffer &) = delete;

  char *data() const { return static_cast<char *>(start); }

private:
  void *start;
  size_t size;
};

/// Per second, with all threads of pool(threads). Measured at the first call.
struct Limits {
  double readBytes;      ///< read alone, from memory
  double copyBytes;      ///< read + written of a copy that goes past the caches, both sides touched before
  double freshCopyBytes; ///< the same into pages that the system has yet to hand out, as a load writes them
  double fmaFlops;       ///< f32 multiply-add
  double bf16Flops;      ///< of the dot products of bf16, 0 where there are none
};
const Limits &limits(int threads);

} // namespace bench

#endif // MOE_BENCHMARKS_CPU_MICRO_BENCH_H
