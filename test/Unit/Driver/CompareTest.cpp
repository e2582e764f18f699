// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- CompareTest.cpp - what a comparison of two results sees --------------------------------------------===//

#include "moe/Driver/Compare.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

using namespace mlir::moe;

static Tensor floats(const char *name, int64_t rows, int64_t cols, std::vector<float> values) {
  Tensor tensor(name, MOE_F32, 2, rows, cols);
  std::memcpy(tensor.bytes.data(), values.data(), tensor.bytes.size());
  return tensor;
}

static Tensor ids(std::vector<int32_t> values, int64_t cols) {
  Tensor tensor("experts", MOE_I32, 2, int64_t(values.size()) / cols, cols);
  std::memcpy(tensor.bytes.data(), values.data(), tensor.bytes.size());
  return tensor;
}

static Comparison compare(const std::vector<Tensor> &a, const std::vector<Tensor> &b) {
  auto comparison = compareOutputs(a, b);
  EXPECT_TRUE(comparison.ok());
  return *comparison;
}

TEST(Compare, EqualResultsDoNotDiffer) {
  std::vector<Tensor> a = {floats("output", 2, 2, {1, -4, 3, NAN}), ids({0, 1}, 1)};
  Comparison c = compare(a, a);
  EXPECT_EQ(c.sameExperts, 2);
  ASSERT_EQ(c.differences.size(), 1u);
  EXPECT_EQ(c.differences[0].largest, 0);
  EXPECT_EQ(c.differences[0].scale, 4);
  EXPECT_TRUE(c.withinTolerance(MOE_F32));
}

TEST(Compare, IsRelativeToTheLargestValue) {
  Comparison c = compare({floats("output", 2, 2, {1, -4, 3, 0})}, {floats("output", 2, 2, {1, -4, 3.004f, 0})});
  EXPECT_NEAR(c.differences[0].relative(), 0.001, 1e-6);
  EXPECT_EQ(c.differences[0].row, 1);
  EXPECT_EQ(c.differences[0].col, 0);
  EXPECT_FALSE(c.withinTolerance(MOE_F32));
  EXPECT_TRUE(c.withinTolerance(MOE_F32, /*roundsRows=*/true)); // 1e-3 of the largest value is less than a byte's step
  EXPECT_TRUE(c.withinTolerance(MOE_BF16));
}

TEST(Compare, RowsWithOtherExpertsAreLeftOut) {
  Comparison c = compare({floats("output", 2, 1, {1, 2}), ids({0, 1, 2, 3}, 2)},
                         {floats("output", 2, 1, {1, 50}), ids({0, 1, 2, 4}, 2)});
  EXPECT_EQ(c.sameExperts, 1);
  EXPECT_EQ(c.differences[0].largest, 0);
  EXPECT_TRUE(c.withinTolerance(MOE_BF16));
  EXPECT_FALSE(c.withinTolerance(MOE_F32)); // where the experts must agree
}

TEST(Compare, NanAgainstANumberIsNeverWithin) {
  for (float strange : {NAN, INFINITY}) {
    Comparison c = compare({floats("output", 1, 2, {1, 2})}, {floats("output", 1, 2, {1, strange})});
    EXPECT_TRUE(c.differences[0].notFinite);
    EXPECT_FALSE(c.withinTolerance(MOE_BF16));
    EXPECT_FALSE(
        compare({floats("output", 1, 2, {strange, 2})}, {floats("output", 1, 2, {1, 2})}).withinTolerance(MOE_BF16));
  }
  EXPECT_TRUE(
      compare({floats("output", 1, 1, {INFINITY})}, {floats("output", 1, 1, {INFINITY})}).withinTolerance(MOE_F32));
}

TEST(Compare, OtherShapesAreAnError) {
  EXPECT_FALSE(compareOutputs({floats("output", 1, 2, {1, 2})}, {floats("output", 2, 1, {1, 2})}).ok());
  EXPECT_FALSE(compareOutputs({floats("output", 1, 1, {1})}, {floats("logits", 1, 1, {1})}).ok());
  EXPECT_FALSE(compareOutputs({floats("output", 1, 1, {1})}, {}).ok());
}
