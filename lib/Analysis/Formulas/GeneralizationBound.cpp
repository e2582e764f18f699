// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- GeneralizationBound.cpp - how far a sparse mixture's error is from that on its samples -------------===//

#include "moe/Analysis/Formulas/GeneralizationBound.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace moe::analysis;

double moe::analysis::logChoose(int64_t n, int64_t k) {
  if (k < 0 || k > n)
    return -std::numeric_limits<double>::infinity();
  double sum = 0;
  k = std::min(k, n - k);
  for (int64_t i = 1; i <= k; ++i)
    sum += std::log(double(n - k + i) / double(i));
  return sum;
}

double moe::analysis::logChooseBound(int64_t n, int64_t k) { return double(k) * (1 + std::log(double(n) / double(k))); }

double moe::analysis::sparseGeneralizationBound(const SparseBoundInputs &in) {
  double masks = 2 * in.natarajan * logChooseBound(in.experts, in.selected);
  double inside = masks + in.natarajan * std::log(2 * in.samples) + std::log(4 / in.confidence);
  return 4 * in.lipschitz * in.rademacher + 2 * std::sqrt(inside / (2 * in.samples));
}

NatarajanBounds moe::analysis::natarajanOfLinearRouter(int64_t experts, int64_t selected, int64_t features) {
  double lower = selected == 1 ? double(experts - 1) * double(features - 1) : 0;
  return {lower, double(experts) * double(features)};
}

double moe::analysis::linearRademacher(double weightNorm, double inputNorm, double samples) {
  return weightNorm * inputNorm / std::sqrt(samples);
}
