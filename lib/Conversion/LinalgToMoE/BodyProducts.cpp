// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- BodyProducts.cpp - products by a matrix in plain tensor code -------------------------------------------===//

#include "BodyProducts.h"

#include "Structured.h"

using namespace mlir;
using namespace mlir::moe;

std::optional<BodyProduct> BodyProduct::match(Operation *operation) {
  auto op = dyn_cast<linalg::LinalgOp>(operation);
  if (!op || op->getNumResults() != 1 || op.getNumLoops() != 3 || op.getNumReductionLoops() != 1 ||
      op.getNumDpsInputs() != 2)
    return std::nullopt;
  Value summand = getSummand(op);
  auto multiply = summand ? summand.getDefiningOp<arith::MulFOp>() : arith::MulFOp();
  if (!multiply)
    return std::nullopt;
  auto lhs = dyn_cast<BlockArgument>(stripExtension(multiply.getLhs()));
  auto rhs = dyn_cast<BlockArgument>(stripExtension(multiply.getRhs()));
  if (!lhs || !rhs || lhs.getArgNumber() + rhs.getArgNumber() != 1 || lhs.getOwner() != op.getBlock() ||
      rhs.getOwner() != op.getBlock())
    return std::nullopt;

  AffineMap result = op.getIndexingMapMatchingResult(op->getResult(0));
  if (result.getNumResults() != 2 || !result.isProjectedPermutation())
    return std::nullopt;
  AffineExpr row = result.getResult(0), column = result.getResult(1);
  SmallVector<unsigned> reductions;
  op.getReductionDims(reductions);
  AffineExpr inner = getAffineDimExpr(reductions.front(), op.getContext());
  for (unsigned first : {0, 1}) {
    OpOperand *rows = op.getDpsInputOperand(first), *matrix = op.getDpsInputOperand(1 - first);
    if (op.getMatchingIndexingMap(rows).getResults() != ArrayRef<AffineExpr>{row, inner})
      continue;
    ArrayRef<AffineExpr> order = op.getMatchingIndexingMap(matrix).getResults();
    if (order == ArrayRef<AffineExpr>{column, inner})
      return BodyProduct{op, rows, matrix, false};
    if (order == ArrayRef<AffineExpr>{inner, column})
      return BodyProduct{op, rows, matrix, true};
  }
  return std::nullopt;
}

std::optional<StringRef> BodyProduct::reasonAgainst() const {
  auto element = [](OpOperand *operand) { return getElementTypeOrSelf(operand->get().getType()); };
  auto result = cast<RankedTensorType>(cast<OpResult>(op->getResult(0)).getType());
  if (!result.isDynamicDim(0))
    return "it takes no rows";
  if (!result.getElementType().isF32())
    return "it does not accumulate in f32";
  if (element(rows) != element(matrix))
    return "rows and matrix have different element types";
  return std::nullopt;
}
