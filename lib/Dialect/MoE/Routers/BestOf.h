// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- BestOf.h - the k best of n rank values: plain and fast forms ---------------------------------------===//

#ifndef MOE_LIB_DIALECT_MOE_ROUTERS_BESTOF_H
#define MOE_LIB_DIALECT_MOE_ROUTERS_BESTOF_H

#include "moe/Dialect/MoE/Routers/Routers.h"

namespace mlir::moe {

/// Up to this many best entries are kept in registers; more are kept in a scratch tensor.
constexpr int64_t kMaxInRegisters = 16;

/// The plain form: k passes, each takes the best entry of `rank` (tensor<nxf32>) that was not taken. tensor<kxi32>.
Value emitBestReference(OpBuilder &b, Location loc, Value rank, int64_t k);

/// The scratch that emitBest works in: none, or a tensor of k keys.
SmallVector<RankedTensorType> getBestScratchTypes(MLIRContext *context, int64_t k);

/// The fast form: one pass over n entries that keeps the k best in order. Writes indices to `idsInit` (tensor<kxi32>).
Value emitBest(OpBuilder &b, Location loc, int64_t n, int64_t k, RankAtFn rankAt, Value idsInit,
               MutableArrayRef<Value> scratch);

} // namespace mlir::moe

#endif // MOE_LIB_DIALECT_MOE_ROUTERS_BESTOF_H
