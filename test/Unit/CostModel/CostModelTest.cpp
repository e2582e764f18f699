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

TEST(CostModel, WhatACapacityDropsIsNotComputed) {
  MachineConstants machine;
  machine.sortSlotPicoseconds = machine.sortExpertPicoseconds = 0;
  ExpertsShape shape = gated(8, 1, 1024, 1024), limited = shape;
  limited.capacity = 16;
  EXPECT_NEAR(groupedSeconds(limited, machine, 128), groupedSeconds(limited, machine, 4096), 1e-9);
  EXPECT_LT(groupedSeconds(limited, machine, 4096), groupedSeconds(shape, machine, 4096));
  EXPECT_EQ(paddedSeconds(limited, machine, 4096), groupedSeconds(limited, machine, 4096));
}

TEST(CostModel, PaddedPlacesSaveAPassOverTheSlots) {
  MachineConstants machine;
  ExpertsShape shape = gated(8, 2, 64, 64);
  shape.capacity = 64;
  double saved = groupedSeconds(shape, machine, 100) - paddedSeconds(shape, machine, 100);
  EXPECT_NEAR(saved, (100 * machine.sortSlotPicoseconds + 8 * machine.sortExpertPicoseconds) * 1e-12, 1e-12);
  EXPECT_EQ(paddedSeconds(shape, machine, 0), 0);
}

TEST(CostModel, PaddedPlacesPayWhereExpertsAreSmallOrDropMuch) {
  MachineConstants machine;
  ExpertsShape small = gated(64, 2, 32, 32), large = gated(64, 2, 1024, 1024);
  small.capacity = large.capacity = 32;
  EXPECT_TRUE(paddedPays(small, machine, paddedFrom(small)));
  EXPECT_FALSE(paddedPays(large, machine, paddedFrom(large)));
  EXPECT_TRUE(paddedPays(large, machine, 1'000'000'000));
}

TEST(CostModel, PaddedPlacesBeginWhereAllMayBeTaken) {
  ExpertsShape shape = gated(8, 3, 64, 64);
  EXPECT_EQ(paddedFrom(shape), 0);
  shape.capacity = 5;
  EXPECT_EQ(paddedFrom(shape), 14); // 14 rows have 42 slots for 40 places
  shape = gated(4, 4, 64, 64);
  shape.capacity = 1;
  EXPECT_EQ(paddedFrom(shape), 1);
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
