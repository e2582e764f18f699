// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Lists of MoE blocks, good and bad.
#include "moe/Import/BlockList.h"

#include <gtest/gtest.h>

using namespace moe;
using Blocks = std::vector<int64_t>;

TEST(BlockList, Reads) {
  EXPECT_EQ(*parseBlockList("0"), (Blocks{0}));
  EXPECT_EQ(*parseBlockList("0,3-5"), (Blocks{0, 3, 4, 5}));
  EXPECT_EQ(*parseBlockList("7,2-3,3"), (Blocks{2, 3, 7}));
  EXPECT_EQ(*parseBlockList("1023"), (Blocks{1023}));
}

TEST(BlockList, Refuses) {
  for (const char *text :
       {"", ",", "1,", "-1", "1-", "5-3", "a", "1 2", "1;2", "1024", "0-99999999999999999999", "1-2-3", "0x1"}) {
    Expected<Blocks> blocks = parseBlockList(text);
    ASSERT_FALSE(blocks.ok()) << text;
    EXPECT_EQ(blocks.message(),
              "expected MoE blocks such as 0,3-5, each below 1024, got \"" + std::string(text) + "\"");
  }
}
