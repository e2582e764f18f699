// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- SampleCost.h - what routing patches of a sample costs ----------------------------------------------===//

#ifndef MOE_ANALYSIS_FORMULAS_SAMPLECOST_H
#define MOE_ANALYSIS_FORMULAS_SAMPLECOST_H

namespace moe::analysis {

struct PatchInputs {
  double patches = 0; ///< n: of a sample
  double taken = 0;   ///< l: by each expert
  double width = 0;   ///< d: of a patch
  double experts = 0; ///< k
  double neurons = 0; ///< m: of all experts together
};

/// Floating-point operations of one sample, a multiplication and an addition counted as two; the first layer of experts
/// alone, as in the source.
struct PatchCost {
  double experts = 0; ///< 2 l d m
  double router = 0;  ///< 2 n k d
  double dense = 0;   ///< 2 n d m: a network of as many neurons that looks at every patch
  double ratio = 0;   ///< l / n = experts / dense
};

/// Patch-level routing of Chowdhury, Zhang, Wang, Liu and Chen (ICML 2023, arXiv 2306.04073). The counts are derived
/// here and exact; the source's claim is that fewer samples are needed, by a power of n / l.
PatchCost patchCost(const PatchInputs &inputs);

} // namespace moe::analysis

#endif // MOE_ANALYSIS_FORMULAS_SAMPLECOST_H
