// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Elements.cpp - one element of a tensor, followed through the ops that compute it ---------------------===//

#include "Elements.h"
#include "Structured.h"

using namespace mlir;
using namespace mlir::moe;

/// The loops of `op` when its result is looked at in `axes`; none where the result does not name each loop once.
static std::optional<SmallVector<LoopAxis, 4>> loopsOf(linalg::LinalgOp op, AffineMap result, ArrayRef<LoopAxis> axes,
                                                       std::optional<LoopAxis> summed) {
  if (!result.isProjectedPermutation() || result.getNumResults() + summed.has_value() != op.getNumLoops())
    return std::nullopt;
  SmallVector<LoopAxis, 4> loops(op.getNumLoops(), summed.value_or(LoopAxis::Row));
  for (auto [expr, axis] : llvm::zip_equal(result.getResults(), axes))
    loops[cast<AffineDimExpr>(expr).getPosition()] = axis;
  return loops;
}

/// An argument of a payload as an element of its operand.
static std::optional<Element> asOperandElement(const Element &element) {
  auto argument = dyn_cast<BlockArgument>(element.value);
  auto op = argument ? dyn_cast<linalg::LinalgOp>(argument.getOwner()->getParentOp()) : linalg::LinalgOp();
  if (!op)
    return std::nullopt;
  OpOperand *operand = op.getMatchingOpOperand(argument);
  AffineMap map = op.getMatchingIndexingMap(operand);
  if (!map.isProjectedPermutation() || op.isDpsInit(operand))
    return std::nullopt;
  Element result{operand->get(), {}};
  for (AffineExpr expr : map.getResults())
    result.axes.push_back(element.axes[cast<AffineDimExpr>(expr).getPosition()]);
  return result;
}

/// What a parallel op yields for an element of its result.
static std::optional<Element> asYielded(const Element &element) {
  auto op = element.value.getDefiningOp<linalg::LinalgOp>();
  if (!op || !op.isAllParallelLoops())
    return std::nullopt;
  auto result = cast<OpResult>(element.value);
  auto loops = loopsOf(op, op.getIndexingMapMatchingResult(result), element.axes, std::nullopt);
  if (!loops)
    return std::nullopt;
  return Element{op.getBlock()->getTerminator()->getOperand(result.getResultNumber()), *loops};
}

Element mlir::moe::trace(Element element, ArrayRef<LoopAxis> through) {
  while (true) {
    std::optional<Element> next;
    if (!element.isTensor())
      next = asOperandElement(element);
    else if (llvm::all_of(through, [&](LoopAxis axis) { return element.dependsOn(axis); }))
      next = asYielded(element);
    if (!next)
      return element;
    element = *next;
  }
}

std::optional<Element> mlir::moe::getSummandElement(linalg::LinalgOp op, ArrayRef<LoopAxis> axes, LoopAxis summed) {
  if (op->getNumResults() != 1 || op.getNumReductionLoops() != 1 || !isZeros(op.getDpsInits().front()))
    return std::nullopt;
  Value summand = getSummand(op);
  auto loops = loopsOf(op, op.getIndexingMapMatchingResult(op->getResult(0)), axes, summed);
  if (!summand || !loops)
    return std::nullopt;
  return Element{summand, *loops};
}
