// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tells a program how far a load is, from whichever thread is at work.
#ifndef MOE_LIB_RUNTIME_CPU_PROGRESS_H
#define MOE_LIB_RUNTIME_CPU_PROGRESS_H

#include "moe/Runtime/Runtime.h"

#include <mutex>

namespace moe {

class Progress {
public:
  /// `total` counts bytes; `report` may be null.
  Progress(moe_progress_fn report, void *data, int64_t total) : report(report), data(data), total(total) {}

  /// Thread-safe. Tasks are some megabytes, so that the lock costs nothing.
  void add(int64_t bytes) {
    if (!report || bytes <= 0)
      return;
    std::lock_guard<std::mutex> held(lock);
    done += bytes;
    report(data, done, total);
  }

private:
  const moe_progress_fn report;
  void *const data;
  const int64_t total;
  std::mutex lock;
  int64_t done = 0;
};

} // namespace moe

#endif // MOE_LIB_RUNTIME_CPU_PROGRESS_H
