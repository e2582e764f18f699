// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- CostTest.cpp - bytes and operations of a layer -----------------------------------------------------===//

#include "moe/Driver/Cost.h"
#include "moe/Driver/Benchmark.h"

#include <gtest/gtest.h>

using namespace mlir::moe;

TEST(Cost, CountsWhatARowMeets) {
  // E = 4, K = 2, D = 10, F = 6, bf16: a router, gate and up, down.
  moe_source_desc router{}, gate{}, down{};
  router.name = gate.name = down.name = "w";
  router.rows = 4, router.cols = 10;
  gate.rows = 6, gate.cols = 10;
  down.rows = 10, down.cols = 6;
  moe_source_desc gateUp[] = {gate, gate};
  moe_weight_desc weights[] = {{"router", &router, 1, 1, 16, 1, MOE_BF16, 0, nullptr, 0, nullptr},
                               {"gate+up", gateUp, 2, 4, 16, 2, MOE_BF16, 0, nullptr, 0, nullptr},
                               {"down", &down, 1, 4, 16, 2, MOE_BF16, 0, nullptr, 0, nullptr}};
  moe_operand_desc input = {"input", 2, {-1, 10}, MOE_BF16, 0};
  moe_operand_desc outputs[] = {{"output", 2, {-1, 10}, MOE_BF16, 0}, {"experts", 2, {-1, 2}, MOE_I32, 0}};
  moe_variant_desc variant = {"level", 0, weights, 3, nullptr, nullptr};
  moe_layer_desc layer = {"moe0", 0, 4, 2, 10, 6, &input, 1, outputs, 2, &variant, 1};
  LayerCost cost(layer, variant);
  EXPECT_EQ(cost.expertBytes, 3 * 60 * 2);
  EXPECT_EQ(cost.sharedBytes, 40 * 2);
  EXPECT_EQ(cost.rowBytes, 20 + 20 + 8);
  EXPECT_EQ(cost.flops(3), 3 * (2 * 40 + 2 * 2 * 180));
  EXPECT_EQ(cost.bytes(3, 4), 80 + 4 * 360 + 3 * 48);
  EXPECT_DOUBLE_EQ(cost.expectedExperts(1), 2);
  EXPECT_DOUBLE_EQ(cost.expectedExperts(2), 3);
  EXPECT_NEAR(cost.expectedExperts(100), 4, 1e-9);
}

TEST(Cost, QuantitiesHaveThreeDigits) {
  EXPECT_EQ(quantityText(0, "B"), "0.00 B");
  EXPECT_EQ(quantityText(1.504e9, "B"), "1.50 GB");
  EXPECT_EQ(quantityText(62464, "flop"), "62.5 kflop");
  EXPECT_EQ(quantityText(999.6, "B"), "1.00 kB");
}

TEST(Benchmark, TokensAreAListOfCounts) {
  auto list = parseTokens("1,16,128");
  ASSERT_TRUE(list.ok());
  EXPECT_EQ(*list, (std::vector<int64_t>{1, 16, 128}));
  for (const char *bad : {"", "0", "-1", "1,", "x", "1;2", "99999999999999999999"})
    EXPECT_FALSE(parseTokens(bad).ok()) << bad;
}
