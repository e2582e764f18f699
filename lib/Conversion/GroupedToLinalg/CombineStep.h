// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- CombineStep.h - one step of a combination, on numbers or vectors -----------------------------------===//

#ifndef MOE_LIB_CONVERSION_GROUPEDTOLINALG_COMBINESTEP_H
#define MOE_LIB_CONVERSION_GROUPEDTOLINALG_COMBINESTEP_H

#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/IR/Builders.h"

namespace mlir::moe {

/// What a combination of nothing is.
float combineStart(CombineKind kind);

/// One more slot: `acc` combined with element `y` of weight `w` (null when the kind has none). All are f32, or vectors
/// of it of one size.
Value combineStep(OpBuilder &b, Location loc, CombineKind kind, Value acc, Value y, Value w);

/// A float, or a vector of them, as f32; and an f32 rounded to the float type `element`.
Value combineToF32(OpBuilder &b, Location loc, Value value);
Value combineFromF32(OpBuilder &b, Location loc, Value value, Type element);

} // namespace mlir::moe

#endif // MOE_LIB_CONVERSION_GROUPEDTOLINALG_COMBINESTEP_H
