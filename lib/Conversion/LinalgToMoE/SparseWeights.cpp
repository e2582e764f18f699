// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- SparseWeights.cpp - the routing behind a dense tensor of weights -------------------------------------===//
//
// Whatever ops spell it, an element [t, e] is a sum over slots k of a product: weights[t, k] once, and once 1 or 0 as
// ids[t, k] is e or not. The summand is followed through products, selections and ops that broadcast.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "SparseWeights.h"
#include "Elements.h"
#include "Structured.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

class SummandMatcher {
public:
  explicit SummandMatcher(int64_t experts) : experts(experts) {}

  std::optional<SparseWeights> match(const Element &summand) {
    if (!addFactors(summand) || !found.ids || !found.weights)
      return std::nullopt;
    return found;
  }

private:
  /// Notes what `element` is a product of; false if that is anything else than one id's test and one weight.
  bool addFactors(Element element) {
    element = traceThrough<arith::ExtFOp>(element, LoopAxis::Expert);
    if (isConstant(element.value, 1.0))
      return true;
    if (element.isAt({LoopAxis::Row, LoopAxis::Slot}))
      return !std::exchange(found.weights, element.value);
    if (element.isTensor() && !element.dependsOn(LoopAxis::Expert))
      return false;
    if (element.getDefiningOp<arith::MulFOp>())
      return addFactors(element.operand(0)) && addFactors(element.operand(1));
    if (element.getDefiningOp<arith::UIToFPOp>())
      return addTest(element.operand(0));
    // As a signed number true is -1, unless it was extended to 1 first.
    if (element.getDefiningOp<arith::SIToFPOp>())
      return trace(element.operand(0), LoopAxis::Expert).getDefiningOp<arith::ExtUIOp>() && addTest(element.operand(0));
    if (element.getDefiningOp<arith::SelectOp>())
      return isConstant(trace(element.operand(2), LoopAxis::Expert).value, 0.0) && addTest(element.operand(0)) &&
             addFactors(element.operand(1));
    return false;
  }

  bool addTest(Element element) {
    element = traceThrough<arith::ExtUIOp>(element, LoopAxis::Expert);
    auto compare = element.getDefiningOp<arith::CmpIOp>();
    if (!compare || compare.getPredicate() != arith::CmpIPredicate::eq)
      return false;
    for (unsigned side : {0, 1})
      if (isExpert(element.operand(side)))
        if (Value ids = getIds(element.operand(1 - side)))
          return !std::exchange(found.ids, ids);
    return false;
  }

  /// The number of the expert, in a type that holds the numbers of all experts.
  bool isExpert(Element element) const {
    Type type = getElementTypeOrSelf(element.value.getType());
    if (auto integer = dyn_cast<IntegerType>(type);
        integer && (int64_t(1) << (std::min(integer.getWidth(), 32u) - 1)) < experts)
      return false;
    element = traceThrough<arith::IndexCastOp, arith::IndexCastUIOp, arith::ExtUIOp, arith::ExtSIOp>(element,
                                                                                                     LoopAxis::Expert);
    if (auto index = element.getDefiningOp<linalg::IndexOp>())
      return element.axes[index.getDim()] == LoopAxis::Expert;
    DenseIntElementsAttr numbers;
    if (!element.isAt(LoopAxis::Expert) || !matchPattern(element.value, m_Constant(&numbers)))
      return false;
    return llvm::all_of(llvm::enumerate(numbers.getValues<APInt>()),
                        [](auto number) { return number.value() == number.index(); });
  }

  /// Ids before conversions that keep their sign.
  Value getIds(Element element) const {
    element = traceThrough<arith::IndexCastOp, arith::ExtSIOp>(element, LoopAxis::Expert);
    return element.isAt({LoopAxis::Row, LoopAxis::Slot}) ? element.value : Value();
  }

  int64_t experts;
  SparseWeights found;
};

} // namespace

std::optional<SparseWeights> mlir::moe::matchSparseWeights(Value dense, bool expertFirst) {
  auto op = dense.getDefiningOp<linalg::LinalgOp>();
  auto type = cast<RankedTensorType>(dense.getType());
  LoopAxis axes[] = {LoopAxis::Row, LoopAxis::Expert};
  if (expertFirst)
    std::swap(axes[0], axes[1]);
  auto summand = op ? getSummandElement(op, axes, LoopAxis::Slot) : std::nullopt;
  if (!summand || type.isDynamicDim(expertFirst ? 0 : 1))
    return std::nullopt;
  return SummandMatcher(type.getDimSize(expertFirst ? 0 : 1)).match(*summand);
}

Value mlir::moe::createIdsInRange(OpBuilder &b, Location loc, Value ids, int64_t experts) {
  auto type = RankedTensorType::get(cast<RankedTensorType>(ids.getType()).getShape(), b.getI32Type());
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, ids);
  Value init = tensor::EmptyOp::create(b, loc, sizes, b.getI32Type());
  SmallVector<AffineMap> maps(2, b.getMultiDimIdentityMap(type.getRank()));
  SmallVector<utils::IteratorType> loops(type.getRank(), utils::IteratorType::parallel);
  return linalg::GenericOp::create(b, loc, type, ids, init, maps, loops,
                                   [&](OpBuilder &b, Location loc, ValueRange arguments) {
                                     Value id = arguments.front();
                                     if (!id.getType().isIndex())
                                       id = arith::IndexCastOp::create(b, loc, b.getIndexType(), id);
                                     Value end = arith::ConstantIndexOp::create(b, loc, experts);
                                     Value none = arith::ConstantIndexOp::create(b, loc, -1);
                                     // As unsigned numbers, so that negative ids are out of range, too.
                                     Value inRange = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, id, end);
                                     id = arith::SelectOp::create(b, loc, inRange, id, none);
                                     id = arith::IndexCastOp::create(b, loc, b.getI32Type(), id);
                                     linalg::YieldOp::create(b, loc, id);
                                   })
      .getResult(0);
}
