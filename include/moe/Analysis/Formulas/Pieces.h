// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Pieces.h - how many pieces stacked layers tell apart, and how well experts fit them -----------------===//

#ifndef MOE_ANALYSIS_FORMULAS_PIECES_H
#define MOE_ANALYSIS_FORMULAS_PIECES_H

#include <cstdint>
#include <optional>
#include <vector>

namespace moe::analysis {

/// A count that may be far beyond 64 bits.
struct LargeCount {
  double log2 = 0;               ///< its binary logarithm
  std::optional<uint64_t> exact; ///< where 64 bits hold it
};

/// One routing of a stack: a row takes `selected` of `experts`.
struct RoutedLayer {
  int64_t experts = 0;
  int64_t selected = 0;
};

/// How many sets of experts a row may take through a stack: the product of C(E, k), which is E^L for L layers that
/// select one of E. Exact as a count of routing paths; that a network of depth O(L) can use them all as pieces of a
/// function is Wang and E (NeurIPS 2025, arXiv 2505.24205), Theorem 5.2.
LargeCount routingPaths(const std::vector<RoutedLayer> &layers);

/// L E, the sum of the experts of all layers: the pieces that a stack would have without composition (same source).
double naivePieces(const std::vector<RoutedLayer> &layers);

/// min(kappa / d, 1 / 2): with experts of width m the error falls as m^-exponent, logarithms left out, for pieces of
/// smoothness kappa on manifolds of dimension d (same source, Theorem 4.8; an order).
double approximationExponent(double smoothness, double dimension);

/// 2 E / (8 m^2): how far a piecewise linear function with knots 1 / m apart is from f_i(z) = i (i - 1 - z)^2 (z - i)^2
/// on the pieces i = 1 .. E, as |f_i''| <= 2 i. Derived here, an upper bound.
double linearPieceError(int64_t experts, int64_t knots);

} // namespace moe::analysis

#endif // MOE_ANALYSIS_FORMULAS_PIECES_H
