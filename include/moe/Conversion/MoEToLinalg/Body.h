// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Body.h - the row-wise ops of expert bodies in linalg -----------------------------------------------===//
//
// The plain lowering of a body, which both paths share: the reference runs whole bodies so, the optimised path those
// parts that are no grouped products.
//
//===--------------------------------------------------------------------------------------------------------===//

#ifndef MOE_CONVERSION_MOETOLINALG_BODY_H
#define MOE_CONVERSION_MOETOLINALG_BODY_H

#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/IR/Builders.h"

namespace mlir::moe {

/// Marks the op that rounds rows; its operands are the rows [n, D] and the bits of their largest magnitudes [n].
constexpr llvm::StringLiteral kRowRoundingAttr = "moe.row_rounding";

/// The products of `op` for other rows and matrices: `rows` [n, K] and each matrix [N, K] give [n, N], accumulated in
/// f32 in ascending k and rounded once.
SmallVector<Value> emitLinear(OpBuilder &b, LinearOp op, Value rows, ValueRange matrices);

/// The function of `op` on other inputs.
Value emitMap(OpBuilder &b, MapOp op, ValueRange inputs);

/// moe.round_rows of `rows` [n, D] into `init` [n, D] of f32: a reduction to the largest magnitude of each row, then an
/// elementwise op marked kRowRoundingAttr.
Value emitRoundRows(OpBuilder &b, Location loc, Value rows, Value init);

} // namespace mlir::moe

#endif // MOE_CONVERSION_MOETOLINALG_BODY_H
