// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- ProductChecks.h - what the verifiers of products of experts share ----------------------------------===//
//
// Each check names the constraint of all ops: moe.grouped_matmul's label first, after it that of moe.slot_matmul and
// moe.padded_matmul.
//
//===--------------------------------------------------------------------------------------------------------===//

#ifndef MOE_LIB_DIALECT_MOE_IR_PRODUCTCHECKS_H
#define MOE_LIB_DIALECT_MOE_IR_PRODUCTCHECKS_H

#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/TypeUtilities.h"

namespace mlir::moe {

/// The type [E, N, K] of a product's matrices.
template <typename OpTy>
RankedTensorType matrixType(OpTy op) {
  return cast<RankedTensorType>(op.getWeights().front().getType());
}

/// The matrices of a product.
template <typename OpTy>
LogicalResult verifyMatrices(OpTy op) {
  if (op.getWeights().empty()) // C1, C1
    return op.emitOpError("expects at least one matrix");
  for (Value weight : op.getWeights())
    if (weight.getType() != matrixType(op) || op.getReductionSize() != op.getRows().getType().getDimSize(1)) // C2, C2
      return op.emitOpError("expects matrices [experts, columns, ")
             << op.getRows().getType().getDimSize(1) << "] of one type, got " << weight.getType();
  return success();
}

/// The columns of a product's result and operands.
template <typename OpTy>
LogicalResult verifyColumns(OpTy op) {
  if (op.getResult().getType().getDimSize(1) != op.getOutputColumns()) // C4, C3
    return op.emitOpError("expects a result of ")
           << op.getOutputColumns() << " columns, got " << op.getResult().getType();
  for (Value column : op.getColumns()) {
    auto type = cast<RankedTensorType>(column.getType());
    if (type.getDimSize(0) != op.getNumExperts() || type.getDimSize(1) != op.getOutputColumns()) // C5, C4
      return op.emitOpError("expects column operands [")
             << op.getNumExperts() << ", " << op.getOutputColumns() << "], got " << type;
  }
  return success();
}

/// The region on a product's accumulators.
template <typename OpTy>
LogicalResult verifyEpilogue(OpTy op) {
  Block &block = op.getBody().front();
  SmallVector<Type> expected(op.getWeights().size(), Float32Type::get(op.getContext()));
  for (Value value : llvm::concat<Value>(op.getColumns(), op.getScalars()))
    expected.push_back(getElementTypeOrSelf(value.getType()));
  if (block.getArgumentTypes() != TypeRange(expected)) // C6, C5
    return op.emitOpError("expects block arguments of types ") << expected;
  Type element = op.getResult().getType().getElementType();
  auto yield = dyn_cast<YieldOp>(block.getTerminator());
  if (!yield || yield.getValues().getTypes() != TypeRange(element)) // C7, C6
    return op.emitOpError("expects to yield one ") << element;
  for (Operation &inner : block.without_terminator())
    if (!isMemoryEffectFree(&inner)) // C8, C7
      return inner.emitOpError("has side effects, but is in an epilogue");
  return success();
}

/// Names of the arguments of a product's epilogue.
template <typename OpTy>
void nameEpilogueArguments(OpTy op, Region &region, OpAsmSetValueNameFn name) {
  size_t matrices = op.getWeights().size(), columns = matrices + op.getColumns().size();
  for (BlockArgument argument : region.getArguments())
    name(argument, argument.getArgNumber() < matrices  ? "acc"
                   : argument.getArgNumber() < columns ? "column"
                                                       : "scalar");
}

} // namespace mlir::moe

#endif // MOE_LIB_DIALECT_MOE_IR_PRODUCTCHECKS_H
