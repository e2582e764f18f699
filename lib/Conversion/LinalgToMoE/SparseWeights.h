// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- SparseWeights.h - the routing behind a dense tensor of weights ---------------------------------------===//

#ifndef MOE_LIB_CONVERSION_LINALGTOMOE_SPARSEWEIGHTS_H
#define MOE_LIB_CONVERSION_LINALGTOMOE_SPARSEWEIGHTS_H

#include "mlir/IR/Value.h"

#include <optional>

namespace mlir::moe {

/// Ids [T, K] of any integer type, and weights [T, K].
struct SparseWeights {
  Value ids, weights;
};

/// Ids and weights of `dense`, [T, E] or with `expertFirst` [E, T], where it is
/// `dense[t, e] = sum_k (ids[t, k] == e ? weights[t, k] : 0)` in one op or several.
std::optional<SparseWeights> matchSparseWeights(Value dense, bool expertFirst);

/// `ids` as i32, -1 where they are not in `0 .. experts - 1`.
Value createIdsInRange(OpBuilder &b, Location loc, Value ids, int64_t experts);

} // namespace mlir::moe

#endif // MOE_LIB_CONVERSION_LINALGTOMOE_SPARSEWEIGHTS_H
