/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A timed moe_parallel_for for threads_torch.py, which cannot run tasks in Python. */
#include "moe/Runtime/Runtime.h"

#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return 1e6 * (double)t.tv_sec + 1e-3 * (double)t.tv_nsec;
}

static void spin(void *us, int64_t begin, int64_t end) {
  for (; begin < end; ++begin)
    for (double stop = now() + *(double *)us; now() < stop;)
      ;
}

/* Microseconds that `tasks` tasks of `us` each take. */
MOE_EXPORT double timed_call(moe_pool *pool, int64_t tasks, double us) {
  double start = now();
  moe_parallel_for(pool, tasks, spin, &us);
  return now() - start;
}
