// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- VectorBody.h - a scalar body, run on vectors -------------------------------------------------------===//

#ifndef MOE_LIB_CODEGEN_CPU_VECTORBODY_H
#define MOE_LIB_CODEGEN_CPU_VECTORBODY_H

#include "mlir/IR/Block.h"
#include "mlir/IR/Builders.h"

namespace mlir::moe {

/// Inlines the ops of `body` at the insertion point with `arguments` in place of the block's arguments: vectors of
/// `lanes` elements where the value differs from lane to lane, scalars where it is one for all. An op whose operands
/// are all scalars stays scalar; any other must be elementwise and becomes the same op on vectors. Gives the values the
/// terminator yields, as vectors; fails at an op that cannot be run so.
FailureOr<SmallVector<Value>> inlineVectorBody(OpBuilder &b, Location loc, Block &body, ValueRange arguments,
                                               int64_t lanes);

} // namespace mlir::moe

#endif // MOE_LIB_CODEGEN_CPU_VECTORBODY_H
