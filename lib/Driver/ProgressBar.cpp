// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- ProgressBar.cpp - how far loading weights is, on a terminal ----------------------------------------===//

#include "moe/Driver/ProgressBar.h"

#include "moe/Driver/Cost.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>

using namespace mlir::moe;

// Wait a little before the first line: what is soon over needs none.
static constexpr auto firstAfter = std::chrono::milliseconds(200), period = std::chrono::milliseconds(100);

ProgressBar::ProgressBar(std::string what)
    : what(std::move(what)), terminal(llvm::sys::Process::StandardErrIsDisplayed()), start(Clock::now()),
      next(start + firstAfter) {}

ProgressBar::~ProgressBar() {
  if (drawn)
    llvm::errs() << "\r\x1b[K"; // to the start of the line, and wipe it
}

void ProgressBar::report(void *data, int64_t done, int64_t total) {
  auto &bar = *static_cast<ProgressBar *>(data);
  Clock::time_point now = Clock::now();
  if (!bar.terminal || now < bar.next)
    return;
  bar.next = now + period;
  bar.drawn = true;
  double seconds = std::chrono::duration<double>(now - bar.start).count();
  llvm::errs() << "\r" << line(bar.what, done, total, seconds) << "\x1b[K";
}

std::string ProgressBar::line(const std::string &what, int64_t done, int64_t total, double seconds) {
  constexpr int width = 24;
  double share = total > 0 ? std::clamp(double(done) / double(total), 0.0, 1.0) : 1.0;
  double rate = seconds > 0 ? double(done) / seconds : 0;
  int full = int(share * width);
  std::string text;
  llvm::raw_string_ostream os(text);
  os << what << " [" << std::string(size_t(full), '#') << std::string(size_t(width - full), ' ') << "] "
     << llvm::format("%3.0f%%", share * 100) << "  " << quantityText(double(done), "B") << " of "
     << quantityText(double(total), "B") << "  " << quantityText(rate, "B/s") << "  "
     << llvm::format("%.0f s left", rate > 0 ? double(total - done) / rate : 0.0);
  return text;
}
