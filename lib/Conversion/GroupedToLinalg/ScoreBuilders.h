// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- ScoreBuilders.h - what scores that are no product of matrices share --------------------------------===//

#ifndef MOE_LIB_CONVERSION_GROUPEDTOLINALG_SCOREBUILDERS_H
#define MOE_LIB_CONVERSION_GROUPEDTOLINALG_SCOREBUILDERS_H

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Builders.h"

namespace mlir::moe {

/// Emits one element from the elements of the operands, in f32.
using ElementFn = function_ref<Value(OpBuilder &, Location, ValueRange)>;

/// Emits the logits of a block of `count` rows, [count, E], into `init`.
using ScoreBlockFn = function_ref<Value(Value block, OpFoldResult count, Value init)>;

/// A loop over blocks of `rows` that gives `logits` [rows, E]; one task is a block.
scf::ForallOp scoreRowBlocks(OpBuilder &b, Location loc, Value rows, RankedTensorType logits, ScoreBlockFn body);

/// `result[i, e] = sum over d of term(block[i, d], vectors[e, d])`, in ascending d, in f32.
Value sumTerms(OpBuilder &b, Location loc, Value block, OpFoldResult count, Value vectors, ElementFn term);

/// `init[i, e] = element(inputs...)`, rounded once to the type of `init`. `maps` say where an input is read.
Value mapElements(OpBuilder &b, Location loc, ValueRange inputs, ArrayRef<AffineMap> maps, Value init,
                  ElementFn element);

} // namespace mlir::moe

#endif // MOE_LIB_CONVERSION_GROUPEDTOLINALG_SCOREBUILDERS_H
