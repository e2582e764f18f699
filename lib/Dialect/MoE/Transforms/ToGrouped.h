// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- ToGrouped.h - what the files of moe-to-grouped share -----------------------------------------------===//

#ifndef MOE_LIB_DIALECT_MOE_TRANSFORMS_TOGROUPED_H
#define MOE_LIB_DIALECT_MOE_TRANSFORMS_TOGROUPED_H

#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Transforms/DialectConversion.h"

namespace mlir::moe {

/// A tensor of `type` without contents whose first dimension, when dynamic, has `rows` elements.
Value createEmptyRows(OpBuilder &b, Location loc, RankedTensorType type, Value rows);

/// The number of rows.
Value rowCount(OpBuilder &b, Location loc, Value rows);

//===-- Routings and rows -----------------------------------------------------------------------------------===//

/// ids [T, K] and weights [T, K]; where the routing picks rows, [E * windows, K] and ids of rows.
struct GroupedRouting {
  explicit GroupedRouting(ValueRange parts) : ids(parts[0]), weights(parts[1]) {}
  Value ids, weights;
};

/// Rows sorted by expert, the offsets [E + 1] of the experts' groups, and the slot of each row.
struct GroupedRagged {
  explicit GroupedRagged(ValueRange parts) : rows(parts[0]), offsets(parts[1]), slots(parts[2]) {}
  Value rows, offsets, slots;
};

/// The ops that make routings, and those that move rows by them; `types` splits the opaque types.
void populateRoutingsToGrouped(const TypeConverter &types, RewritePatternSet &patterns);
void populateRowsToGrouped(const TypeConverter &types, RewritePatternSet &patterns);

//===-- Expert bodies ---------------------------------------------------------------------------------------===//

/// Computes one element of a product from the block's arguments: accumulators (f32), then elements of the columns and
/// scalars.
using EpilogueFn = function_ref<Value(OpBuilder &, ValueRange)>;

/// A grouped product of `rows` with the result element type `type`.
Value createProduct(OpBuilder &b, Location loc, Value rows, ValueRange weights, Value offsets, ValueRange columns,
                    ValueRange scalars, Type type, EpilogueFn epilogue);

/// Writes the body of `experts` for all experts at once: `rows` are the ragged operands as sorted rows, which `offsets`
/// cuts into groups. `remap` gives the value that stands for one from outside of the body. Returns the sorted rows that
/// the body yields.
Value lowerExpertBody(OpBuilder &b, ExpertsOp experts, ArrayRef<Value> rows, ValueRange weights, Value offsets,
                      function_ref<Value(Value)> remap);

} // namespace mlir::moe

#endif // MOE_LIB_DIALECT_MOE_TRANSFORMS_TOGROUPED_H
