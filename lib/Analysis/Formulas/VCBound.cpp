// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- VCBound.cpp - how many points a mixture of one expert a row can label in every way ------------------===//

#include "moe/Analysis/Formulas/VCBound.h"

#include <algorithm>
#include <cmath>
#include <numbers>

using namespace moe::analysis;

double moe::analysis::vcOrder(double experts, double width, double depth, double parameters) {
  return experts * std::max(width * experts, depth * parameters);
}

double moe::analysis::vcBound(const VCInputs &in) {
  auto holds = [&](double m) {
    double half = in.width + 1, labels = in.expertVC * double(in.experts);
    double ways = labels * std::log2(std::numbers::e * m / in.expertVC);
    if (in.pairs > 0)
      ways += half * in.pairs * std::log2(std::numbers::e * m / half);
    return m <= ways;
  };
  // The right side is concave in m and the left linear, so what holds is an interval. d L and n + 1 are in it, or below
  // it where the other is larger.
  double low = std::max(1.0, std::floor(in.expertVC * double(in.experts)));
  if (in.pairs > 0)
    low = std::max(low, in.width + 1);
  double high = 2 * low;
  while (holds(high))
    high *= 2;
  while (high - low > 1) {
    double middle = std::floor((low + high) / 2);
    if (middle <= low || middle >= high) // Numbers so large that neighbours are further apart than 1.
      break;
    (holds(middle) ? low : high) = middle;
  }
  return low;
}

double moe::analysis::networkVCOrder(double depth, double parameters) {
  return std::max(1.0, depth * parameters * std::log2(std::max(2.0, parameters)));
}
