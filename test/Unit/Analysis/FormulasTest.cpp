// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- FormulasTest.cpp - closed formulas against numbers worked by hand ----------------------------------===//

#include "moe/Analysis/Formulas/GeneralizationBound.h"
#include "moe/Analysis/Formulas/Load.h"
#include "moe/Analysis/Formulas/Pieces.h"
#include "moe/Analysis/Formulas/SampleCost.h"
#include "moe/Analysis/Formulas/VCBound.h"
#include "moe/Analysis/Formulas/Voronoi.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace moe::analysis;

static double bound(double rademacher, int64_t selected, double samples) {
  SparseBoundInputs in;
  in.lipschitz = 1;
  in.rademacher = rademacher;
  in.natarajan = 40;
  in.samples = samples;
  in.confidence = 0.05;
  in.experts = 8;
  in.selected = selected;
  return sparseGeneralizationBound(in);
}

TEST(GeneralizationBound, WorkedNumbers) {
  EXPECT_NEAR(bound(0.01, 2, 1e4), 0.4355575, 5e-8);
  EXPECT_NEAR(bound(0, 2, 1e3), 1.174926, 5e-7);
  EXPECT_NEAR(bound(0, 2, 1e4), 0.3955575, 5e-8);
  EXPECT_NEAR(bound(0, 2, 1e5), 0.1322446, 5e-8);
}

TEST(GeneralizationBound, GrowsWithTheNumberOfActiveExperts) {
  EXPECT_NEAR(bound(0, 1, 1e4), 0.3596879, 5e-8);
  EXPECT_NEAR(bound(0, 4, 1e4), 0.4341264, 5e-8);
  EXPECT_NEAR(bound(0, 8, 1e4), 0.4561845, 5e-8);
}

TEST(GeneralizationBound, ChoicesOfExperts) {
  EXPECT_NEAR(logChoose(8, 2), std::log(28.0), 1e-12);
  EXPECT_NEAR(logChoose(8, 2), 3.3322, 5e-5);
  EXPECT_NEAR(logChooseBound(8, 2), 4.7726, 5e-5);
  EXPECT_NEAR(logChoose(64, 6), std::log(74974368.0), 1e-10);
  EXPECT_NEAR(logChoose(64, 6), 18.1327, 5e-5);
  EXPECT_NEAR(logChooseBound(64, 6), 20.2027, 5e-5);
  EXPECT_EQ(logChoose(8, 8), 0);
  EXPECT_TRUE(std::isinf(logChoose(8, 9)));
  for (int64_t n : {1, 2, 5, 64, 4096})
    for (int64_t k = 1; k <= n; k += 7)
      EXPECT_LE(logChoose(n, k), logChooseBound(n, k)) << n << " " << k;
}

TEST(GeneralizationBound, NatarajanDimension) {
  NatarajanBounds one = natarajanOfLinearRouter(8, 1, 5), two = natarajanOfLinearRouter(8, 2, 5);
  EXPECT_EQ(one.lower, 28);
  EXPECT_EQ(one.upper, 40);
  EXPECT_EQ(two.lower, 0);
  EXPECT_EQ(two.upper, 40);
  EXPECT_DOUBLE_EQ(linearRademacher(2, 3, 100), 0.6);
}

static double vc(double width, int64_t experts, double d) {
  return vcBound({experts, double(experts) * double(experts - 1) / 2, width, d});
}

TEST(VCBound, WorkedNumbers) {
  EXPECT_EQ(vc(2, 1, 10), 30);
  EXPECT_EQ(vc(2, 4, 10), 429);
  EXPECT_EQ(vc(2, 16, 10), 6198);
  EXPECT_EQ(vc(10, 4, 100), 3215);
  EXPECT_EQ(vc(10, 64, 100), 459495);
  EXPECT_EQ(vcOrder(4, 10, 3, 1441), 17292);
  EXPECT_EQ(vcOrder(1024, 10, 3, 1441), 10485760);
}

TEST(VCBound, IsTheLargestNumberThatHolds) {
  for (double width : {1.0, 5.0, 100.0})
    for (int64_t experts : {1, 3, 64})
      for (double d : {1.0, 7.0, 1e6}) {
        double pairs = double(experts) * double(experts - 1) / 2, m = vcBound({experts, pairs, width, d});
        auto ways = [&](double m) {
          return (width + 1) * pairs * std::log2(std::exp(1.0) * m / (width + 1)) +
                 d * double(experts) * std::log2(std::exp(1.0) * m / d);
        };
        EXPECT_LE(m, ways(m));
        EXPECT_GT(m + 1, ways(m + 1));
      }
  EXPECT_GT(vcBound({4096, 4096.0 * 4095 / 2, 8192, 1e15}), 1e18); // ends, though neighbours are further apart than 1
  EXPECT_GE(networkVCOrder(1, 1), 1);
}

TEST(Pieces, PathsOfStacks) {
  using Layers = std::vector<RoutedLayer>;
  EXPECT_EQ(routingPaths(Layers(2, {3, 1})).exact, 9U);
  EXPECT_EQ(naivePieces(Layers(2, {3, 1})), 6);
  EXPECT_EQ(routingPaths(Layers(4, {3, 1})).exact, 81U);
  EXPECT_EQ(routingPaths(Layers(8, {4, 1})).exact, 65536U);
  EXPECT_EQ(naivePieces(Layers(8, {4, 1})), 32);
  EXPECT_EQ(routingPaths(Layers(16, {8, 1})).exact, 281474976710656U);
  EXPECT_EQ(naivePieces(Layers(16, {8, 1})), 128);
  EXPECT_EQ(routingPaths({{64, 6}, {8, 2}}).exact, 74974368U * 28U);
  EXPECT_EQ(routingPaths({}).exact, 1U);
  LargeCount large = routingPaths(Layers(60, {256, 8}));
  EXPECT_FALSE(large.exact);
  EXPECT_NEAR(large.log2, 60 * std::log2(409663695276000.0), 1e-6);
  EXPECT_NEAR(routingPaths({{4096, 2048}}).log2, 4089.675, 1e-2);
}

TEST(Pieces, ErrorsOfExperts) {
  EXPECT_EQ(approximationExponent(2, 1), 0.5);
  EXPECT_EQ(approximationExponent(2, 64), 0.03125);
  EXPECT_EQ(approximationExponent(2, 8), 0.25);
  EXPECT_DOUBLE_EQ(linearPieceError(3, 1), 0.75);
  EXPECT_DOUBLE_EQ(linearPieceError(3, 16), 0.75 / 256);
}

TEST(Voronoi, WorkedNumbers) {
  EXPECT_EQ(requiredSelected({2, 2, 1}, 2), 4);
  EXPECT_EQ(requiredSelected({1, 2, 2}, 2), 4);
  EXPECT_EQ(worstRequiredSelected(5, 3, 2), 4);
  EXPECT_EQ(worstRequiredSelected(3, 2, 1), 2);
  EXPECT_EQ(requiredSelected({2, 2}, 1), 2);
  EXPECT_EQ(requiredSelected({2, 2}, 5), 4);
}

TEST(Voronoi, Rates) {
  EXPECT_EQ(cellRates(1).gate, 0.5);
  EXPECT_EQ(cellRates(2).gate, 1.0 / 8);
  EXPECT_EQ(cellRates(2).expert, 1.0 / 4);
  EXPECT_EQ(cellRates(3).gate, 1.0 / 12);
  EXPECT_EQ(cellRates(3).expert, 1.0 / 6);
  EXPECT_FALSE(cellRates(4).known);
}

TEST(SampleCost, WorkedNumbers) {
  PatchCost cost = patchCost({16, 2, 784, 2, 40});
  EXPECT_EQ(cost.experts, 125440);
  EXPECT_EQ(cost.router, 50176);
  EXPECT_EQ(cost.dense, 1003520);
  EXPECT_EQ(cost.ratio, 0.125);
}

/// Every routing of few rows and experts, by counting.
TEST(Load, BoundsAreReached) {
  for (int64_t capacity : {0, 1, 2, 3}) {
    int64_t rows = 3, experts = 3, least = rows, most = 0, leastDropped = 100, mostDropped = 0;
    for (int64_t code = 0; code < 27; ++code) { // two of three experts a row: all but one
      std::vector<int64_t> taken(experts);
      int64_t dropped = 0;
      for (int64_t row = 0, rest = code; row < rows; ++row, rest /= 3)
        for (int64_t e = 0; e < experts; ++e) {
          if (e == rest % 3)
            continue;
          if (capacity && taken[e] == capacity)
            ++dropped;
          else
            ++taken[e];
        }
      for (int64_t load : taken) {
        least = std::min(least, load);
        most = std::max(most, load);
      }
      leastDropped = std::min(leastDropped, dropped);
      mostDropped = std::max(mostDropped, dropped);
    }
    LoadBounds bounds = loadBounds({rows, experts, 2, capacity});
    EXPECT_EQ(bounds.least, least) << capacity;
    EXPECT_EQ(bounds.most, most) << capacity;
    EXPECT_EQ(bounds.leastDropped, leastDropped) << capacity;
    EXPECT_EQ(bounds.mostDropped, mostDropped) << capacity;
    EXPECT_EQ(bounds.mean, 2);
  }
}
