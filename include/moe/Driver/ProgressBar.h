// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- ProgressBar.h - how far loading weights is, on a terminal ------------------------------------------===//

#ifndef MOE_DRIVER_PROGRESSBAR_H
#define MOE_DRIVER_PROGRESSBAR_H

#include <chrono>
#include <cstdint>
#include <string>

namespace mlir::moe {

/// One line on standard error that is drawn over and over and wiped in the end. Nothing appears where standard error is
/// no terminal, nor for what takes less than a moment.
class ProgressBar {
public:
  explicit ProgressBar(std::string what);
  ~ProgressBar();
  ProgressBar(const ProgressBar &) = delete;
  ProgressBar &operator=(const ProgressBar &) = delete;

  /// A moe_progress_fn, whose data is the bar.
  static void report(void *bar, int64_t done, int64_t total);

  /// What the line says after `seconds`: share, bytes of all bytes, rate, and the time that is left at this rate.
  static std::string line(const std::string &what, int64_t done, int64_t total, double seconds);

private:
  using Clock = std::chrono::steady_clock;

  std::string what;
  bool terminal, drawn = false;
  Clock::time_point start, next;
};

} // namespace mlir::moe

#endif // MOE_DRIVER_PROGRESSBAR_H
