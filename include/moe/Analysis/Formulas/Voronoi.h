// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Voronoi.h - how many experts a fitted mixture must select ------------------------------------------===//

#ifndef MOE_ANALYSIS_FORMULAS_VORONOI_H
#define MOE_ANALYSIS_FORMULAS_VORONOI_H

#include <cstdint>
#include <vector>

namespace moe::analysis {

/// The smallest number of experts that a mixture fitted to one of K selected experts must select: the sum of the K
/// largest cells, where a cell is the set of fitted experts nearest to one true expert. Nguyen, Akbarian, Yan and Ho,
/// "Statistical Perspective of Top-K Sparse Softmax Gating Mixture of Experts" (ICLR 2024) ask for the largest total of
/// K cells; that this is the sum of the K largest is derived here, and exact.
int64_t requiredSelected(std::vector<int64_t> cells, int64_t trueSelected);

/// The same over all cells that k fitted and k* true experts may form, none empty: K + (k - k*). Derived here, exact.
int64_t worstRequiredSelected(int64_t fitted, int64_t trueExperts, int64_t trueSelected);

/// Slopes of the estimation error in the number of samples n, n^-slope, for the true expert of a cell of c fitted ones.
struct CellRates {
  double gate = 0;    ///< of the router's weights and the experts' intercepts
  double expert = 0;  ///< of the experts' slopes and variances
  bool known = false; ///< c <= 3; for larger cells no more is known than that they are slower
};

/// 1/2 for c = 1; 1 / (2 r) and 1 / r with r(2) = 4, r(3) = 6 otherwise (same source; orders, logarithms left out).
CellRates cellRates(int64_t atoms);

} // namespace moe::analysis

#endif // MOE_ANALYSIS_FORMULAS_VORONOI_H
