// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Voronoi.cpp - how many experts a fitted mixture must select ----------------------------------------===//

#include "moe/Analysis/Formulas/Voronoi.h"

#include <algorithm>
#include <functional>
#include <numeric>

using namespace moe::analysis;

int64_t moe::analysis::requiredSelected(std::vector<int64_t> cells, int64_t trueSelected) {
  std::sort(cells.begin(), cells.end(), std::greater<>());
  cells.resize(std::min<size_t>(cells.size(), static_cast<size_t>(std::max<int64_t>(trueSelected, 0))));
  return std::accumulate(cells.begin(), cells.end(), int64_t(0));
}

int64_t moe::analysis::worstRequiredSelected(int64_t fitted, int64_t trueExperts, int64_t trueSelected) {
  return trueSelected + (fitted - trueExperts);
}

CellRates moe::analysis::cellRates(int64_t atoms) {
  if (atoms == 1)
    return {0.5, 0.5, true};
  double r = atoms == 2 ? 4 : 6;
  return {1 / (2 * r), 1 / r, atoms == 2 || atoms == 3};
}
