// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- RowBuilders.h - linalg over the elements of rows, accumulating in f32 ------------------------------===//

#ifndef MOE_LIB_CONVERSION_MOETOLINALG_ROWBUILDERS_H
#define MOE_LIB_CONVERSION_MOETOLINALG_ROWBUILDERS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"

namespace mlir::moe {

/// A float as f32, and an f32 rounded to a float type.
Value toF32(OpBuilder &b, Location loc, Value value);
Value fromF32(OpBuilder &b, Location loc, Value value, Type type);
Value floatConstant(OpBuilder &b, Location loc, double value);

/// `value` as a tensor of `type`, which differs from its own in what is known of the shape at most.
Value castTensor(OpBuilder &b, Location loc, Value value, Type type);

/// An uninitialised tensor of `type`; a dynamic number of rows is that of `rows`.
Value emptyRows(OpBuilder &b, Location loc, RankedTensorType type, Value rows);

/// Emits one element from the elements of the operands.
using ElementFn = llvm::function_ref<Value(OpBuilder &, Location, ValueRange elements)>;

/// `result[i, j] = element(inputs[i, j]...)`; an input of rank 1 is read at j.
Value mapRows(OpBuilder &b, Location loc, RankedTensorType type, ValueRange inputs, ElementFn element);

/// `result[i, n] = sum over k of term(rows[i, k], matrix[n, k])` from f32 elements, in ascending k, in f32.
Value sumOverColumns(OpBuilder &b, Location loc, Value rows, Value matrix, ElementFn term);

/// rows times the transposed matrix, in f32.
Value multiply(OpBuilder &b, Location loc, Value rows, Value matrix);

} // namespace mlir::moe

#endif // MOE_LIB_CONVERSION_MOETOLINALG_ROWBUILDERS_H
