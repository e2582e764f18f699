// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- ToGrouped.h - what the files of moe-to-grouped share -----------------------------------------------===//

#ifndef MOE_LIB_DIALECT_MOE_TRANSFORMS_TOGROUPED_H
#define MOE_LIB_DIALECT_MOE_TRANSFORMS_TOGROUPED_H

#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/IR/PatternMatch.h"

namespace mlir::moe {

/// A tensor of `type` without contents whose first dimension, when dynamic, has `rows` elements.
Value createEmptyRows(OpBuilder &b, Location loc, RankedTensorType type, Value rows);

/// Computes one element of a product from the block's arguments: accumulators (f32), then elements of the columns and
/// scalars.
using EpilogueFn = function_ref<Value(OpBuilder &, ValueRange)>;

/// A grouped product of `rows` with the result element type `type`.
Value createProduct(OpBuilder &b, Location loc, Value rows, ValueRange weights, Value offsets, ValueRange columns,
                    ValueRange scalars, Type type, EpilogueFn epilogue);

/// Emits an error at the first op of an expert body that has no grouped form.
LogicalResult checkExpertBody(ExpertsOp experts);

/// Writes the body of `experts` for all experts at once: `rows` are the ragged operands as sorted rows, which `offsets`
/// cuts into groups. `remap` gives the value that stands for one from outside of the body. Returns the sorted rows that
/// the body yields. The body must have passed `checkExpertBody`.
Value lowerExpertBody(OpBuilder &b, ExpertsOp experts, ArrayRef<Value> rows, ValueRange weights, Value offsets,
                      function_ref<Value(Value)> remap);

} // namespace mlir::moe

#endif // MOE_LIB_DIALECT_MOE_TRANSFORMS_TOGROUPED_H
