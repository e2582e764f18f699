// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- MoEBodyOps.cpp - moe.linear, moe.map and moe.round_rows --------------------------------------------===//

#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace mlir::moe;

/// The shape of a result whose rows are those of `rows` and whose columns are static.
static SmallVector<OpFoldResult> rowsByColumns(OpBuilder &b, Location loc, Value rows, RankedTensorType result) {
  OpFoldResult columns = b.getIndexAttr(result.getDimSize(1));
  if (result.isDynamicDim(1))
    columns = tensor::getMixedSize(b, loc, rows, 1);
  return {tensor::getMixedSize(b, loc, rows, 0), columns};
}

//===-- moe.linear ------------------------------------------------------------------------------------------===//

LogicalResult LinearOp::verify() {
  if (getMatrices().empty() || getMatrices().size() != getResults().size()) // C1
    return emitOpError("expects one result for each matrix, got ")
           << getMatrices().size() << " matrices and " << getResults().size() << " results";
  auto rows = getRows().getType();
  auto matrix = cast<RankedTensorType>(getMatrices().front().getType());
  auto result = cast<RankedTensorType>(getResults().front().getType());
  if (matrix.getDimSize(1) != rows.getDimSize(1)) // C2
    return emitOpError("expects matrices of ") << rows.getDimSize(1) << " columns, got " << matrix;
  if (result.getDimSize(0) != rows.getDimSize(0) || result.getDimSize(1) != matrix.getDimSize(0)) // C3
    return emitOpError("expects a result of the rows' row count and ")
           << matrix.getDimSize(0) << " columns, got " << result;
  auto sameType = [](ValueRange values) {
    return llvm::all_of(values, [&](Value v) { return v.getType() == values.front().getType(); });
  };
  if (!sameType(getMatrices()) || !sameType(getResults())) // C4
    return emitOpError("expects all matrices to have one type, and all results");
  return success();
}

bool LinearOp::isRowOperand(unsigned index) { return index == 0; }

LogicalResult LinearOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  for (Value result : getResults())
    shapes.push_back(rowsByColumns(b, getLoc(), getRows(), cast<RankedTensorType>(result.getType())));
  return success();
}

//===-- moe.map ---------------------------------------------------------------------------------------------===//

LogicalResult MapOp::verify() {
  auto first = getInputs().empty() ? RankedTensorType() : cast<RankedTensorType>(getInputs().front().getType());
  if (!first || first.getRank() != 2) // C1
    return emitOpError("expects a first operand of rank 2");
  auto result = getResult().getType();
  for (Value input : getInputs()) {
    auto type = cast<RankedTensorType>(input.getType());
    if (type.getShape().back() != result.getDimSize(1) ||
        (type.getRank() == 2 && type.getDimSize(0) != result.getDimSize(0))) // C2
      return emitOpError("expects operands of the result's shape, or vectors of its columns, got ")
             << type << " and a result " << result;
  }
  return success();
}

LogicalResult MapOp::verifyRegions() {
  Block &block = getBody().front();
  bool arguments = block.getNumArguments() == getInputs().size();
  for (unsigned i = 0; arguments && i != getInputs().size(); ++i)
    arguments = block.getArgument(i).getType() == getElementTypeOrSelf(getInputs()[i].getType());
  if (!arguments) // C3
    return emitOpError("expects a block argument of the element type of each operand");
  auto yield = dyn_cast<YieldOp>(block.getTerminator());
  if (!yield || yield.getValues().size() != 1 ||
      yield.getValues().front().getType() != getResult().getType().getElementType()) // C4
    return emitOpError("expects to yield one ") << getResult().getType().getElementType();
  for (Operation &op : block.without_terminator())
    if (!isMemoryEffectFree(&op)) // C5
      return op.emitOpError("has side effects, but is in the region of a moe.map");
  return success();
}

bool MapOp::isRowOperand(unsigned index) { return cast<RankedTensorType>(getInputs()[index].getType()).getRank() == 2; }

LogicalResult MapOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(rowsByColumns(b, getLoc(), getInputs().front(), getResult().getType()));
  return success();
}

//===-- moe.round_rows --------------------------------------------------------------------------------------===//

LogicalResult RoundRowsOp::verify() {
  if (getResult().getType().getShape() != getRows().getType().getShape()) // C1
    return emitOpError("expects a result of the shape of the rows, got ")
           << getRows().getType() << " and " << getResult().getType();
  return success();
}

bool RoundRowsOp::isRowOperand(unsigned) { return true; }

LogicalResult RoundRowsOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(rowsByColumns(b, getLoc(), getRows(), getResult().getType()));
  return success();
}
