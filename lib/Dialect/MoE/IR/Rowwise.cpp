// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Rowwise.cpp - is a body row-wise? ------------------------------------------------------------------===//
//
// An expert body is run on any number of rows at once, in any grouping, so row i of its result must depend on row i
// alone. That is checked here by following the rows through the body.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "moe/Dialect/MoE/IR/MoE.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

class RowFlow {
public:
  explicit RowFlow(ValueRange rows) { values.insert(rows.begin(), rows.end()); }

  LogicalResult visit(Operation &op) {
    if (op.hasTrait<OpTrait::IsTerminator>())
      return success();
    if (isa<tensor::DimOp>(op)) {
      if (values.contains(op.getOperand(0)))
        sizes.insert(op.getResult(0));
      return success();
    }
    if (failed(visitRegions(op)))
      return failure();
    if (llvm::any_of(op.getOperands(), [&](Value v) { return sizes.contains(v); }))
      return visitSized(op);
    bool takesRows = llvm::any_of(op.getOperands(), [&](Value v) { return values.contains(v); });
    if (!takesRows)
      return success();
    if (auto rowwise = dyn_cast<RowwiseOpInterface>(op))
      return visitInterface(rowwise);
    if (auto structured = dyn_cast<linalg::LinalgOp>(op))
      return visitStructured(structured);
    if (OpTrait::hasElementwiseMappableTraits(&op))
      return keep(op);
    return op.emitOpError("is not known to be row-wise, but takes rows of an expert body");
  }

private:
  LogicalResult keep(Operation &op) {
    values.insert(op.result_begin(), op.result_end());
    return success();
  }

  /// The number of rows is no data: it may size a tensor, all of whose rows are alike, and nothing else.
  LogicalResult visitSized(Operation &op) {
    if (isa<tensor::EmptyOp, tensor::SplatOp>(op))
      return keep(op);
    return op.emitOpError("is not row-wise: it computes from the number of rows of an expert body");
  }

  /// Inside of an op's region rows are there as elements only.
  LogicalResult visitRegions(Operation &op) {
    for (Region &region : op.getRegions()) {
      WalkResult result = region.walk([&](Operation *nested) {
        for (Value operand : nested->getOperands())
          if (values.contains(operand) || sizes.contains(operand)) {
            nested->emitOpError("is not row-wise: it takes rows of an expert body inside of the region of another op");
            return WalkResult::interrupt();
          }
        return WalkResult::advance();
      });
      if (result.wasInterrupted())
        return failure();
    }
    return success();
  }

  LogicalResult visitInterface(RowwiseOpInterface op) {
    for (OpOperand &operand : op->getOpOperands())
      if (values.contains(operand.get()) && !op.isRowOperand(operand.getOperandNumber()))
        return op->emitOpError("takes rows of an expert body as operand ")
               << operand.getOperandNumber() << ", which does not keep rows apart";
    return keep(*op);
  }

  /// Row operands and results must be indexed by one parallel loop in their first dimension, and nowhere else.
  LogicalResult visitStructured(linalg::LinalgOp op) {
    std::optional<unsigned> loop;
    auto check = [&](OpOperand &operand) {
      AffineMap map = op.getMatchingIndexingMap(&operand);
      if (map.getNumResults() == 0)
        return false;
      auto first = dyn_cast<AffineDimExpr>(map.getResult(0));
      if (!first || op.getIteratorTypesArray()[first.getPosition()] != utils::IteratorType::parallel)
        return false;
      for (AffineExpr other : map.getResults().drop_front())
        if (other.isFunctionOfDim(first.getPosition()))
          return false;
      if (!loop)
        loop = first.getPosition();
      return *loop == first.getPosition();
    };
    for (OpOperand &operand : op->getOpOperands())
      if ((values.contains(operand.get()) || op.isDpsInit(&operand)) && !check(operand))
        return op->emitOpError("is not row-wise: operand ")
               << operand.getOperandNumber() << " is not indexed by one parallel loop over the rows";
    for (Block &block : op->getRegion(0))
      for (auto index : block.getOps<linalg::IndexOp>())
        if (loop && index.getDim() == *loop)
          return op->emitOpError("is not row-wise: it computes from the number of the row");
    return keep(*op);
  }

  llvm::SmallPtrSet<Value, 16> values; ///< one row for each row of the body
  llvm::SmallPtrSet<Value, 4> sizes;   ///< their number
};

} // namespace

LogicalResult mlir::moe::verifyRowwise(Block &block, ValueRange rowArguments) {
  RowFlow flow(rowArguments);
  for (Operation &op : block)
    if (failed(flow.visit(op)))
      return failure();
  return success();
}
