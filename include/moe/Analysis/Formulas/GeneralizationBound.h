// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- GeneralizationBound.h - how far a sparse mixture's error is from that on its samples ---------------===//

#ifndef MOE_ANALYSIS_FORMULAS_GENERALIZATIONBOUND_H
#define MOE_ANALYSIS_FORMULAS_GENERALIZATIONBOUND_H

#include <cstdint>

namespace moe::analysis {

/// ln C(n, k). Exact up to rounding; -infinity for k < 0 or k > n.
double logChoose(int64_t n, int64_t k);

/// k * (1 + ln(n / k)), the upper bound of logChoose that the generalisation bound uses. 1 <= k <= n.
double logChooseBound(int64_t n, int64_t k);

struct SparseBoundInputs {
  double lipschitz = 1;  ///< C: of the loss in the model's output
  double rademacher = 0; ///< R_m: Rademacher complexity of the class of one expert on m samples
  double natarajan = 0;  ///< d_N: Natarajan dimension of the router's choices of experts
  double samples = 0;    ///< m
  double confidence = 0; ///< delta: the bound fails with at most this probability
  int64_t experts = 0;   ///< T
  int64_t selected = 0;  ///< k
};

/// The bracket of the bound of Zhao, Wang and Wang on the generalisation of sparse mixtures (arXiv 2403.17404):
///
///     4 C R_m + 2 sqrt((2 k d_N (1 + ln(T / k)) + d_N ln(2 m) + ln(4 / delta)) / (2 m))
///
/// The gap between risk and empirical risk is of the order of this with probability 1 - delta. An order: the constant
/// in front is hidden by the source.
double sparseGeneralizationBound(const SparseBoundInputs &inputs);

/// Bounds of the Natarajan dimension of the masks of a router that is linear in features of dimension n.
struct NatarajanBounds {
  double lower = 0; ///< (T - 1)(n - 1) for k = 1; 0, which says nothing, otherwise
  double upper = 0; ///< T n for every k
};

/// Shalev-Shwartz and Ben-David, "Understanding Machine Learning" (2014), Corollary 29.8 and Theorem 29.7. That the
/// upper bound holds for k > 1 is derived here: a mask S is the argmax of <w, Psi(x, S)>, Psi the sum of e_j (x) x over
/// S.
NatarajanBounds natarajanOfLinearRouter(int64_t experts, int64_t selected, int64_t features);

/// B R / sqrt(m), at least the Rademacher complexity of linear functions with |w| <= B on samples with |x| <= R.
/// Textbook (Shalev-Shwartz and Ben-David, Lemma 26.10).
double linearRademacher(double weightNorm, double inputNorm, double samples);

} // namespace moe::analysis

#endif // MOE_ANALYSIS_FORMULAS_GENERALIZATIONBOUND_H
