// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Load.h - how many rows experts take, and how many are dropped --------------------------------------===//

#ifndef MOE_ANALYSIS_FORMULAS_LOAD_H
#define MOE_ANALYSIS_FORMULAS_LOAD_H

#include <cstdint>

namespace moe::analysis {

struct LoadInputs {
  int64_t rows = 0;     ///< T
  int64_t experts = 0;  ///< E
  int64_t selected = 0; ///< K: experts that a row selects
  int64_t capacity = 0; ///< rows that an expert takes at most; 0: any number
};

/// Bounds over all routings of T rows that select K different experts each.
struct LoadBounds {
  int64_t least = 0;        ///< rows of the expert with the fewest, at least
  int64_t most = 0;         ///< rows of the expert with the most, at most
  double mean = 0;          ///< T K / E, before any is dropped
  int64_t leastDropped = 0; ///< slots dropped whatever the routing: those beyond E c
  int64_t mostDropped = 0;  ///< when all rows select the same K experts
};

/// Counting, derived here and exact: each bound is reached by some routing.
LoadBounds loadBounds(const LoadInputs &inputs);

} // namespace moe::analysis

#endif // MOE_ANALYSIS_FORMULAS_LOAD_H
