// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- ProgressBarTest.cpp - what the line of a bar says, and where it appears ----------------------------===//

#include "moe/Driver/ProgressBar.h"

#include <chrono>
#include <cstdlib>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <string>
#include <thread>
#include <unistd.h>
#include <utility>

using mlir::moe::ProgressBar;

TEST(ProgressBar, SaysBytesRateAndTimeLeft) {
  EXPECT_EQ(ProgressBar::line("moe0: packing weights", 250'000'000, 1'000'000'000, 0.5),
            "moe0: packing weights [######                  ]  25%  250 MB of 1.00 GB  500 MB/s  2 s left");
  EXPECT_EQ(ProgressBar::line("w", 8, 8, 2), "w [########################] 100%  8.00 B of 8.00 B  4.00 B/s  0 s left");
}

TEST(ProgressBar, NothingIsDividedByNothing) {
  EXPECT_EQ(ProgressBar::line("w", 0, 0, 0), "w [########################] 100%  0.00 B of 0.00 B  0.00 B/s  0 s left");
  EXPECT_EQ(ProgressBar::line("w", 0, 10, 0),
            "w [                        ]   0%  0.00 B of 10.0 B  0.00 B/s  0 s left");
}

/// Standard error as another file for a while.
class ErrorsTo {
public:
  explicit ErrorsTo(int fd) : before(dup(2)) {
    dup2(fd, 2);
    close(fd);
  }
  ~ErrorsTo() {
    dup2(before, 2);
    close(before);
  }

private:
  int before;
};

/// Reports half of the work at once, then again after `pause`.
static void show(int errors, std::chrono::milliseconds pause) {
  ErrorsTo to(errors);
  ProgressBar bar("moe0");
  ProgressBar::report(&bar, 1, 4);
  std::this_thread::sleep_for(pause);
  if (pause.count() > 0)
    ProgressBar::report(&bar, 2, 4);
}

/// What can be read, up to the end or the last writer's.
static std::string contentOf(int fd) {
  std::string content;
  char piece[256];
  for (ssize_t got; (got = read(fd, piece, sizeof piece)) > 0;)
    content.append(piece, size_t(got));
  close(fd);
  return content;
}

/// The two ends of a new terminal: what is written to the second can be read from the first.
static std::pair<int, int> terminal() {
  int own = posix_openpt(O_RDWR | O_NOCTTY);
  if (own < 0 || grantpt(own) != 0 || unlockpt(own) != 0)
    return {-1, -1};
  return {own, open(ptsname(own), O_RDWR | O_NOCTTY)};
}

TEST(ProgressBar, IsDrawnOnATerminalAndWiped) {
  auto [own, other] = terminal();
  if (own < 0 || other < 0)
    GTEST_SKIP() << "no terminals here";
  show(other, std::chrono::milliseconds(300));
  std::string shown = contentOf(own);
  EXPECT_EQ(shown.find("\rmoe0 [############            ]  50%  2.00 B of 4.00 B  "), 0u) << shown;
  EXPECT_EQ(shown.find(" 25%"), std::string::npos) << "drawn before it is worth while: " << shown;
  EXPECT_EQ(shown.rfind("\r\x1b[K"), shown.size() - 4) << shown;
}

TEST(ProgressBar, IsNotDrawnElsewhere) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  show(ends[1], std::chrono::milliseconds(300));
  EXPECT_EQ(contentOf(ends[0]), "");
}
