// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// A fork and join of the pool: nothing to do, and 20 us of work a task. benchmarks/runtime compares other runtimes.
//===----------------------------------------------------------------------===//
#include "Bench.h"

#include <chrono>

using Clock = std::chrono::steady_clock;

static void nothing(void *, int64_t begin, int64_t end) { benchmark::DoNotOptimize(end - begin); }

static void busy(void *, int64_t begin, int64_t end) {
  for (; begin < end; ++begin)
    for (auto stop = Clock::now() + std::chrono::microseconds(20); Clock::now() < stop;)
      ;
}

static void forkJoin(benchmark::State &state, moe_task_fn task, double work) {
  moe_pool *pool = bench::pool(0);
  const int64_t tasks = state.range(0) * moe_pool_threads(pool);
  for (auto _ : state)
    moe_parallel_for(pool, tasks, task, nullptr);
  // What is left is what the pool costs.
  state.counters["work_us"] = work * double(state.range(0));
}
BENCHMARK_CAPTURE(forkJoin, empty, nothing, 0.0)->ArgName("tasks_per_thread")->Arg(1)->Arg(32)->UseRealTime();
BENCHMARK_CAPTURE(forkJoin, 20us, busy, 20.0)->ArgName("tasks_per_thread")->Arg(1)->Arg(8)->UseRealTime();
