// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- VCBound.h - how many points a mixture of one expert a row can label in every way --------------------===//

#ifndef MOE_ANALYSIS_FORMULAS_VCBOUND_H
#define MOE_ANALYSIS_FORMULAS_VCBOUND_H

#include <cstdint>

namespace moe::analysis {

/// L max(n L, J P): the order of the VC dimension of mixtures of (P)ReLU networks in Kratsios, Saez de Ocariz Borde,
/// Furuya and Law (TMLR 2025, arXiv 2402.03460), logarithms left out. L experts of J products and P parameters on rows
/// of width n. An order; the source's "width" is read as the number of parameters, since the bound is below a known
/// lower bound otherwise.
double vcOrder(double experts, double width, double depth, double parameters);

struct VCInputs {
  int64_t experts = 0; ///< L
  double pairs = 0; ///< how many pairs of experts, or of siblings in a tree, a half-space parts; L (L - 1) / 2 if flat
  double width = 0; ///< n: half-spaces in it have VC dimension n + 1
  double expertVC = 0; ///< d: VC dimension of the class of one expert, >= 1
};

/// The largest m with m <= (n + 1) pairs log2(e m / (n + 1)) + d L log2(e m / d).
///
/// An upper bound of the VC dimension, with constants, derived here: which expert takes a point is a function of the
/// half-spaces of the pairs, so by Sauer's lemma m >= n + 1 points are parted in at most (e m / (n + 1))^((n + 1)
/// pairs) ways, and labelled in at most (e m / d)^(d L) ways more; 2^m must not exceed the product. Never below n + 1
/// and d L.
double vcBound(const VCInputs &inputs);

/// J P log2(P), at least 1: the order of the VC dimension of one network of J products and P parameters with piecewise
/// linear activations (Bartlett et al., JMLR 20-63, 2019).
double networkVCOrder(double depth, double parameters);

} // namespace moe::analysis

#endif // MOE_ANALYSIS_FORMULAS_VCBOUND_H
