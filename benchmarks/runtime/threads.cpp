// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// What one fork and join costs: one thread runtime per executable, chosen by MOE_BENCH_{OWN,OMP,TBB}; threads.sh builds
// and runs all of them. Every figure is microseconds per call: median and 99th percentile.
//===----------------------------------------------------------------------===//
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <thread>
#include <vector>

#if defined(MOE_BENCH_OWN)
#include "moe/Runtime/Runtime.h"
#elif defined(MOE_BENCH_TBB)
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#endif

using Task = void (*)(void *, int64_t, int64_t);
using Clock = std::chrono::steady_clock;

static int threads = 2;

#if defined(MOE_BENCH_OWN)
static const char *name = "own";
static moe_pool *pool;
static void setUp() { moe_pool_create(threads, &pool); }
static void parallelFor(int64_t tasks, Task fn, void *ctx) { moe_parallel_for(pool, tasks, fn, ctx); }
#elif defined(MOE_BENCH_TBB)
static const char *name = "tbb";
static void setUp() { new tbb::global_control(tbb::global_control::max_allowed_parallelism, threads); }
static void parallelFor(int64_t tasks, Task fn, void *ctx) {
  tbb::parallel_for(
      tbb::blocked_range<int64_t>(0, tasks, 1),
      [=](const tbb::blocked_range<int64_t> &range) { fn(ctx, range.begin(), range.end()); },
      tbb::simple_partitioner());
}
#else
static const char *name = MOE_BENCH_OMP;
static void setUp() {}
static void parallelFor(int64_t tasks, Task fn, void *ctx) {
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
  for (int64_t i = 0; i < tasks; ++i)
    fn(ctx, i, i + 1);
}
#endif

static double now() { return std::chrono::duration<double, std::micro>(Clock::now().time_since_epoch()).count(); }

static void busyFor(double us) {
  for (double end = now() + us; now() < end;)
    ;
}

static void task(void *ctx, int64_t begin, int64_t end) {
  double us = *static_cast<double *>(ctx);
  for (; begin < end && us > 0; ++begin)
    busyFor(us);
}

struct Numbers {
  double median, p99;
};

static Numbers summary(std::vector<double> &times) {
  std::sort(times.begin(), times.end());
  return {times[times.size() / 2], times[times.size() * 99 / 100]};
}

/// Calls `tasks` tasks of `us` each, a gap of `gap` us before each call in which this thread sleeps or works.
static Numbers measure(int calls, int64_t tasks, double us, double gap, bool sleeping, void (*between)() = nullptr) {
  std::vector<double> times;
  for (int i = -calls / 10; i < calls; ++i) {
    if (between)
      between();
    if (gap > 0 && sleeping)
      std::this_thread::sleep_for(std::chrono::microseconds(int64_t(gap)));
    else if (gap > 0)
      busyFor(gap);
    double start = now();
    parallelFor(tasks, task, &us);
    if (i >= 0)
      times.push_back(now() - start - us * double((tasks + threads - 1) / threads));
  }
  return summary(times);
}

// Another OpenMP runtime in the process, as PyTorch brings one: its idle workers spin after each region.
static void (*gompParallel)(void (*)(void *), void *, unsigned, unsigned);
static void otherRegion() {
  static double us = 20;
  gompParallel([](void *ctx) { busyFor(*static_cast<double *>(ctx)); }, &us, unsigned(threads), 0);
}

/// `callers` threads at once, each with calls of 16 tasks of 20 us: total time over the time the work takes.
static double concurrent(int callers) {
  const int calls = 200;
  double start = now();
  std::vector<std::thread> group;
  for (int c = 0; c < callers; ++c)
    group.emplace_back([] {
      double us = 20;
      for (int i = 0; i < calls; ++i)
        parallelFor(16, task, &us);
    });
  for (std::thread &thread : group)
    thread.join();
  return (now() - start) /
         (double(callers) * calls * 16 * 20 / std::min(threads, int(std::thread::hardware_concurrency())));
}

int main(int argc, char **argv) {
  if (argc > 1)
    threads = std::atoi(argv[1]);
  setUp();
  auto print = [](const char *what, Numbers n) { std::printf("%s | %s | %.2f | %.1f\n", name, what, n.median, n.p99); };
  for (int round = 0; round < 2; ++round) { // the first warms everything up
    if (round == 0) {
      measure(1000, threads, 0, 0, false);
      continue;
    }
    print("empty, 1 task per thread", measure(20000, threads, 0, 0, false));
    print("empty, 64 tasks", measure(10000, 64, 0, 0, false));
    print("50 us, 1 task per thread", measure(2000, threads, 50, 0, false));
    print("50 us after 100 us of work", measure(2000, threads, 50, 100, false));
    print("50 us after 1 ms of work", measure(500, threads, 50, 1000, false));
    print("50 us after 3 ms of work", measure(300, threads, 50, 3000, false));
    print("50 us after 3 ms asleep", measure(300, threads, 50, 3000, true));
  }
  std::printf("%s | 4 concurrent callers, time / work | %.2f | \n", name, concurrent(4));
  if (void *gomp = dlopen("libgomp.so.1", RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND)) {
    gompParallel = reinterpret_cast<decltype(gompParallel)>(dlsym(gomp, "GOMP_parallel"));
    print("50 us, libgomp region before each", measure(1000, threads, 50, 0, false, otherRegion));
    print("8 tasks of 50 us, the same", measure(1000, 8 * threads, 50, 0, false, otherRegion));
    print("50 us, libgomp region and 300 us of work before", measure(500, threads, 50, 300, false, otherRegion));
  }
}
