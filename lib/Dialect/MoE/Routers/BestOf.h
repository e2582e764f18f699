// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- BestOf.h - the k best of n rank values: plain and fast forms ---------------------------------------===//

#ifndef MOE_LIB_DIALECT_MOE_ROUTERS_BESTOF_H
#define MOE_LIB_DIALECT_MOE_ROUTERS_BESTOF_H

#include "moe/Dialect/MoE/Routers/Routers.h"

namespace mlir::moe {

/// The plain form: k passes, each takes the best entry of `rank` (tensor<nxf32>) that was not taken. tensor<kxi32>.
Value emitBestReference(OpBuilder &b, Location loc, Value rank, int64_t k);

/// The scratch of the fast form: n keys, see BestOf.cpp.
RankedTensorType getKeysType(MLIRContext *context, int64_t n);

/// Writes the keys of rank values (a vector) that begin at `index`; gives the new keys.
Value emitWriteKeys(OpBuilder &b, Location loc, Value rank, Value keys, Value index);

/// The keys of rank values (a vector of f32) that begin at `index`, a vector of i64: larger is better.
Value emitKeys(OpBuilder &b, Location loc, Value rank, Value index);

/// The index that an i64 key was made with, as an i32.
Value emitIndexOfKey(OpBuilder &b, Location loc, Value key);

/// The fast form: writes the indices of the k largest of n keys to `idsInit` (tensor<kxi32>), largest first.
Value emitBest(OpBuilder &b, Location loc, int64_t k, Value keys, Value idsInit);

} // namespace mlir::moe

#endif // MOE_LIB_DIALECT_MOE_ROUTERS_BESTOF_H
