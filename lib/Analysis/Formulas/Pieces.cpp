// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Pieces.cpp - how many pieces stacked layers tell apart, and how well experts fit them ---------------===//

#include "moe/Analysis/Formulas/Pieces.h"

#include "moe/Analysis/Formulas/GeneralizationBound.h"

#include <algorithm>
#include <numbers>
#include <numeric>

using namespace moe::analysis;

/// C(n, k), if 64 bits hold it and all that is computed on the way.
static std::optional<uint64_t> choose(int64_t n, int64_t k) {
  uint64_t value = 1;
  k = std::min(k, n - k);
  for (int64_t i = 1; i <= k; ++i) {
    // The product of i consecutive numbers is divisible by i!; common factors go before, so that less overflows.
    auto factor = static_cast<uint64_t>(n - k + i), divisor = static_cast<uint64_t>(i);
    uint64_t common = std::gcd(value, divisor);
    value /= common;
    factor /= divisor / common;
    if (__builtin_mul_overflow(value, factor, &value))
      return std::nullopt;
  }
  return value;
}

LargeCount moe::analysis::routingPaths(const std::vector<RoutedLayer> &layers) {
  LargeCount count{0, 1};
  for (const RoutedLayer &layer : layers) {
    count.log2 += logChoose(layer.experts, layer.selected) * std::numbers::log2e;
    std::optional<uint64_t> sets = choose(layer.experts, layer.selected);
    uint64_t product = 0;
    if (!count.exact || !sets || __builtin_mul_overflow(*count.exact, *sets, &product))
      count.exact.reset();
    else
      count.exact = product;
  }
  return count;
}

double moe::analysis::naivePieces(const std::vector<RoutedLayer> &layers) {
  double sum = 0;
  for (const RoutedLayer &layer : layers)
    sum += double(layer.experts);
  return sum;
}

double moe::analysis::approximationExponent(double smoothness, double dimension) {
  return std::min(smoothness / dimension, 0.5);
}

double moe::analysis::linearPieceError(int64_t experts, int64_t knots) {
  return 2 * double(experts) / (8 * double(knots) * double(knots));
}
