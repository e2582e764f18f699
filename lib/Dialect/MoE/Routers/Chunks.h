// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Chunks.h - n floats, 16 lanes at a time ------------------------------------------------------------===//

#ifndef MOE_LIB_DIALECT_MOE_ROUTERS_CHUNKS_H
#define MOE_LIB_DIALECT_MOE_ROUTERS_CHUNKS_H

#include "moe/Dialect/MoE/Routers/Routers.h"

namespace mlir::moe {

constexpr int64_t kLanes = 16;

/// Emits one chunk of `lanes` elements from `index` on, carrying values; gives the values to carry on.
using ChunkBody =
    llvm::function_ref<SmallVector<Value>(OpBuilder &, Location, Value index, int64_t lanes, ValueRange carried)>;

/// Runs `body` over n elements: a loop over chunks of 16 if there are several, then one narrower chunk for the rest.
/// Code size does not depend on n.
SmallVector<Value> emitChunks(OpBuilder &b, Location loc, int64_t n, ValueRange inits, ChunkBody body);

/// Gives a vector of the `lanes` elements from `index` on.
using ReadFn = llvm::function_ref<Value(OpBuilder &, Location, Value index, int64_t lanes)>;

/// Folds `map` of n elements. The order of the additions is fixed: lanes first, then halves onto halves.
Value emitFold(OpBuilder &b, Location loc, int64_t n, arith::AtomicRMWKind kind, ReadFn read, MapFn map);

/// `lanes` elements of the last dimension of `source`.
Value emitRead(OpBuilder &b, Location loc, Value source, ValueRange indices, int64_t lanes);

/// The same, as f32.
Value emitReadF32(OpBuilder &b, Location loc, Value source, ValueRange indices, int64_t lanes);

/// Writes a vector along the last dimension of `dest`; gives the new tensor.
Value emitWrite(OpBuilder &b, Location loc, Value vector, Value dest, ValueRange indices);

/// Writes a vector of f32, rounded to the element type of `dest`.
Value emitWriteF32(OpBuilder &b, Location loc, Value vector, Value dest, ValueRange indices);

} // namespace mlir::moe

#endif // MOE_LIB_DIALECT_MOE_ROUTERS_CHUNKS_H
