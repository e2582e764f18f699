// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- ProgressBarTest.cpp - what the line of a bar says --------------------------------------------------===//

#include "moe/Driver/ProgressBar.h"

#include <gtest/gtest.h>

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
