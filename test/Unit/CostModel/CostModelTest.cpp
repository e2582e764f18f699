// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- CostModelTest.cpp - estimates move the way the machine and the layer say ---------------------------===//

#include "moe/CostModel/CostModel.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

using namespace moe;

/// A gated expert of bf16: gate, up and down.
static ExpertsShape gated(int64_t experts, int64_t choices, int64_t width, int64_t inner) {
  ExpertsShape shape;
  shape.experts = experts;
  shape.choices = choices;
  shape.expertBytes = 3 * width * inner * 2;
  shape.slotFlops = 3 * width * inner * 2;
  shape.outputColumns = inner + width;
  return shape;
}

TEST(CostModel, ExpertsThatRowsReach) {
  ExpertsShape shape = gated(4, 1, 8, 8);
  EXPECT_EQ(expectedExperts(shape, 0), 0);
  EXPECT_DOUBLE_EQ(expectedExperts(shape, 1), 1);
  EXPECT_DOUBLE_EQ(expectedExperts(shape, 2), 1.75); // the second row meets the first one time in four
  EXPECT_NEAR(expectedExperts(shape, 1000), 4, 1e-9);
  shape.choices = 4;
  EXPECT_DOUBLE_EQ(expectedExperts(shape, 1), 4);
}

TEST(CostModel, OneRowNeedsNoSort) {
  MachineConstants machine;
  for (int64_t experts : {8, 64, 256})
    for (int64_t width : {256, 2048}) {
      ExpertsShape shape = gated(experts, 2, width, width / 2);
      EXPECT_LT(singleRowSeconds(shape, machine, 1), groupedSeconds(shape, machine, 1));
      EXPECT_GT(groupedCrossover(shape, machine), 1);
    }
}

TEST(CostModel, ManyRowsShareAnExpertsWeights) {
  MachineConstants machine;
  ExpertsShape shape = gated(8, 2, 1024, 1024);
  EXPECT_GT(singleRowSeconds(shape, machine, 64), groupedSeconds(shape, machine, 64));
  int64_t crossover = groupedCrossover(shape, machine);
  ASSERT_LT(crossover, kMaxCrossover);
  EXPECT_LT(singleRowSeconds(shape, machine, crossover - 1), groupedSeconds(shape, machine, crossover - 1));
  EXPECT_GE(singleRowSeconds(shape, machine, crossover), groupedSeconds(shape, machine, crossover));
}

TEST(CostModel, TheSeldomerRowsMeetTheLaterTheCrossover) {
  MachineConstants machine;
  machine.nearSize = 1; // What is read again always comes from far.
  int64_t before = 0;
  for (int64_t experts : {4, 32, 256, 2048}) {
    int64_t crossover = groupedCrossover(gated(experts, 1, 512, 512), machine);
    EXPECT_GE(crossover, before) << experts << " experts";
    before = crossover;
  }
  EXPECT_GT(before, groupedCrossover(gated(4, 1, 512, 512), machine));
}

TEST(CostModel, AnExpensiveSortMovesTheCrossover) {
  MachineConstants machine;
  ExpertsShape shape = gated(64, 2, 512, 512);
  int64_t cheap = groupedCrossover(shape, machine);
  machine.sortExpertPicoseconds *= 1000;
  EXPECT_GT(groupedCrossover(shape, machine), cheap);
}

TEST(CostModel, ManyRowsAreSortedWhateverTheEstimate) {
  MachineConstants machine;
  ExpertsShape shape = gated(2048, 1, 8, 8);
  EXPECT_EQ(groupedCrossover(shape, machine), kMaxCrossover);
}

TEST(CostModel, NoRowsTakeNoTime) {
  MachineConstants machine;
  ExpertsShape shape = gated(8, 2, 64, 64);
  EXPECT_EQ(singleRowSeconds(shape, machine, 0), 0);
  EXPECT_EQ(groupedSeconds(shape, machine, 0), 0);
}

TEST(CostModel, TimesGrowWithRows) {
  MachineConstants machine;
  ExpertsShape shape = gated(64, 8, 2048, 1024);
  for (int64_t rows = 1; rows < 512; rows *= 2) {
    EXPECT_LT(singleRowSeconds(shape, machine, rows), singleRowSeconds(shape, machine, 2 * rows));
    EXPECT_LT(groupedSeconds(shape, machine, rows), groupedSeconds(shape, machine, 2 * rows));
  }
}

TEST(CostModel, PlacesThatNobodyTakesCostTime) {
  MachineConstants machine;
  ExpertsShape shape = gated(8, 1, 1024, 1024);
  shape.capacity = 64;
  int64_t full = shape.experts * shape.capacity;
  EXPECT_GT(paddedSeconds(shape, machine, full / 8), groupedSeconds(shape, machine, full / 8));
}

TEST(CostModel, EveryConstantHasAKeyOfItsOwn) {
  std::set<std::string> names;
  MachineConstants machine;
  for (const MachineKey &key : machineKeys()) {
    names.insert(std::string(key.name));
    EXPECT_GT(machine.*key.value, 0) << key.name;
    machine.*key.value = 0;
  }
  EXPECT_EQ(names.size(), machineKeys().size());
  EXPECT_EQ(sizeof machine / sizeof(int64_t), machineKeys().size());
}
