// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- TensorTest.cpp - rows into and out of files --------------------------------------------------------===//

#include "moe/Driver/Tensor.h"
#include "../Checkpoint/TempFolder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

using namespace mlir::moe;

TEST(Tensor, ComesBackFromAFile) {
  TempFolder folder;
  Tensor rows = randomTensor("x", MOE_BF16, 3, 5, 1);
  ASSERT_TRUE(writeTensors(folder.file("x.safetensors"), {rows}).ok());
  auto same = readTensor(folder.file("x.safetensors"), "x", MOE_BF16);
  ASSERT_TRUE(same.ok()) << same.message();
  EXPECT_EQ(same->bytes, rows.bytes);
  auto wider = readTensor(folder.file("x.safetensors"), "", MOE_F32); // the only tensor needs no name
  ASSERT_TRUE(wider.ok());
  ASSERT_EQ(wider->rows, 3);
  ASSERT_EQ(wider->cols, 5);
  for (int64_t i = 0; i < 15; ++i)
    EXPECT_EQ(wider->at(i), rows.at(i));
}

TEST(Tensor, LeadingDimensionsAreRows) {
  TempFolder folder;
  std::string data(2 * 3 * 4 * 4, '\0');
  std::string file = folder.write("x.safetensors",
                                  safetensors(R"({"x":{"dtype":"F32","shape":[2,3,4],"data_offsets":[0,96]}})", data));
  auto rows = readTensor(file, "x", MOE_F32);
  ASSERT_TRUE(rows.ok()) << rows.message();
  EXPECT_EQ(rows->rows, 6);
  EXPECT_EQ(rows->cols, 4);
}

TEST(Tensor, RandomRowsAreAFunctionOfTheSeed) {
  Tensor a = randomTensor("x", MOE_F32, 200, 50, 7), b = randomTensor("x", MOE_F32, 200, 50, 7);
  EXPECT_EQ(a.bytes, b.bytes);
  EXPECT_NE(a.bytes, randomTensor("x", MOE_F32, 200, 50, 8).bytes);
  double sum = 0, squares = 0;
  for (int64_t i = 0; i < 10000; ++i) {
    sum += a.at(i);
    squares += a.at(i) * a.at(i);
  }
  EXPECT_NEAR(sum / 10000, 0, 0.04);
  EXPECT_NEAR(squares / 10000, 1, 0.04);
}
