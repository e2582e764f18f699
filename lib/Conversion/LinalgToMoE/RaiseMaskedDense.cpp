// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- RaiseMaskedDense.cpp - experts computed for all rows and masked, as a layer of the dialect -----------===//
//
// Frameworks spell small or traced layers densely: every expert for every row, times a tensor [T, E] that is zero but
// at the K experts of a row, summed over experts. Where that tensor is seen to be made of ids and weights [T, K], the
// same is said with a routing, and the products that would be multiplied by zero are not computed.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "DenseExperts.h"
#include "Elements.h"
#include "ExpertBodies.h"
#include "SparseWeights.h"
#include "Structured.h"
#include "moe/Conversion/Passes.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::moe {
#define GEN_PASS_DEF_RAISEMASKEDDENSE
#include "moe/Conversion/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

namespace {

/// `result[t, d] = sum_e weights[t, e] * outputs[e, t, d]`, whatever the order of dimensions of the operands.
struct Combination {
  linalg::LinalgOp op;
  Element weights, outputs;
  llvm::SetVector<Operation *> ops; ///< that lead from the outputs to the result

  unsigned positionOf(const Element &element, LoopAxis axis) const {
    return llvm::find(element.axes, axis) - element.axes.begin();
  }
  bool isExpertFirst() const { return positionOf(weights, LoopAxis::Expert) == 0; }
  DenseLayout getLayout() const { return {positionOf(outputs, LoopAxis::Expert), positionOf(outputs, LoopAxis::Row)}; }
};

constexpr LoopAxis kDense[] = {LoopAxis::Row, LoopAxis::Expert, LoopAxis::Column};

/// An element that may be the weight of a row and an expert, behind ops that broadcast it.
std::optional<Element> asWeight(const Element &factor) {
  Element element = traceThrough<arith::ExtFOp>(factor, kDense);
  bool both = element.isTensor() && element.axes.size() == 2 && element.dependsOn(LoopAxis::Row) &&
              element.dependsOn(LoopAxis::Expert);
  return both ? std::optional(element) : std::nullopt;
}

/// An element of what experts give, which may be extended before it is multiplied.
std::optional<Element> asOutput(Element factor) {
  // In the payload of the product only: what the experts do is none of the combination.
  if (!factor.isTensor() && factor.getDefiningOp<arith::ExtFOp>())
    factor = factor.operand(0);
  if (!factor.isTensor())
    factor = trace(factor, {LoopAxis::Row, LoopAxis::Expert, LoopAxis::Column, LoopAxis::Slot});
  bool all = factor.isTensor() && factor.axes.size() == 3 &&
             llvm::all_of(kDense, [&](LoopAxis axis) { return factor.dependsOn(axis); });
  return all ? std::optional(factor) : std::nullopt;
}

std::optional<Combination> matchCombination(Operation *operation) {
  auto op = dyn_cast<linalg::LinalgOp>(operation);
  if (!op || op.getNumLoops() != 3 || op.getNumDpsInits() != 1 || op->getNumResults() != 1)
    return std::nullopt;
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  if (type.getRank() != 2 || !type.getElementType().isF32())
    return std::nullopt;
  auto summand = getSummandElement(op, {LoopAxis::Row, LoopAxis::Column}, LoopAxis::Expert);
  if (!summand)
    return std::nullopt;
  Element product = trace(*summand, kDense);
  if (!product.getDefiningOp<arith::MulFOp>())
    return std::nullopt;
  for (unsigned side : {0, 1}) {
    auto weights = asWeight(product.operand(side));
    auto outputs = asOutput(product.operand(1 - side));
    if (!weights || !outputs)
      continue;
    Combination found{op, *weights, *outputs, {}};
    found.ops.insert(op);
    // The product is of elements in the op itself, or in an op of its own whose result it adds up.
    Operation *multiply = op->getBlock()->findAncestorOpInBlock(*product.value.getDefiningOp());
    if (!multiply)
      return std::nullopt;
    found.ops.insert(multiply);
    return found;
  }
  return std::nullopt;
}

struct RaiseMaskedDense : mlir::moe::impl::RaiseMaskedDenseBase<RaiseMaskedDense> {
  void runOnOperation() override {
    SmallVector<Combination> found;
    getOperation()->walk([&](linalg::LinalgOp op) {
      if (auto combination = matchCombination(op))
        found.push_back(*combination);
    });
    // Weights made of a one-hot tensor are a sum of the same form.
    DenseSet<Operation *> masks;
    for (const Combination &combination : found)
      masks.insert(combination.weights.value.getDefiningOp());
    for (const Combination &combination : found)
      if (!masks.contains(combination.op))
        visit(combination);
    // Only now, as what one layer does not need another one may look at.
    eraseDead();
  }

private:
  void decline(Operation *op, StringRef why) {
    remark::missed(op->getLoc(), remarkAbout(op, "not raised", getArgument())) << remark::reason("{0}", why);
  }

  void visit(const Combination &combination) {
    auto sparse = matchSparseWeights(combination.weights.value, combination.isExpertFirst());
    if (!sparse)
      return decline(combination.op, "the weights are not seen to be a sum of ids' tests times weights, over the slots "
                                     "of a row: every expert counts");
    auto weightsType = cast<RankedTensorType>(sparse->weights.getType());
    auto type = cast<RankedTensorType>(combination.outputs.value.getType());
    DenseLayout layout = combination.getLayout();
    int64_t numExperts = type.getDimSize(layout.expert);
    if (weightsType.isDynamicDim(1))
      return decline(combination.op, "the number of slots of a row is known at run time only");
    if (ShapedType::isDynamic(numExperts) || numExperts > kMaxExperts)
      return decline(combination.op, "the number of experts is not known, or larger than a routing's may be");
    for (Operation *other : combination.ops)
      if (other != combination.op &&
          !llvm::all_of(other->getUsers(), [&](Operation *user) { return combination.ops.contains(user); }))
        return decline(other, "what all experts give for all rows has another user");
    DenseExperts experts(combination.outputs.value, layout, combination.ops);
    if (experts.reason)
      return decline(experts.culprit, *experts.reason);
    raise(combination, *sparse, experts, numExperts);
  }

  /// The routing that ids and weights come from, or one made of them.
  static TypedValue<RoutingType> getRouting(OpBuilder &b, Location loc, const SparseWeights &sparse,
                                            int64_t numExperts) {
    auto unpack = sparse.ids.getDefiningOp<UnpackRoutingOp>();
    if (unpack && sparse.ids == unpack.getIds() && sparse.weights == unpack.getWeights() &&
        unpack.getRouting().getType().getExperts() == numExperts &&
        unpack.getRouting().getType().getAxis() == Axis::Expert)
      return unpack.getRouting();
    auto weights = cast<RankedTensorType>(sparse.weights.getType());
    auto type =
        RoutingType::get(b.getContext(), numExperts, weights.getDimSize(1), weights.getElementType(), Axis::Expert);
    Value ids = createIdsInRange(b, loc, sparse.ids, numExperts);
    return MakeRoutingOp::create(b, loc, type, ids, sparse.weights).getRouting();
  }

  void raise(const Combination &combination, const SparseWeights &sparse, const DenseExperts &experts,
             int64_t numExperts) {
    Operation *op = combination.op;
    Location loc = op->getLoc();
    IRRewriter b(op);
    experts.replaceSizes(b);
    b.setInsertionPoint(op);
    auto routing = getRouting(b, loc, sparse, numExperts);
    SmallVector<Value> dispatched;
    for (Value rows : experts.getRows()) {
      auto type = cast<RankedTensorType>(rows.getType());
      auto ragged = RaggedType::get(b.getContext(), numExperts, type.getDimSize(1), type.getElementType());
      dispatched.push_back(DispatchOp::create(b, loc, ragged, rows, routing, /*weighted=*/false));
    }
    auto outputs = cast<RankedTensorType>(combination.outputs.value.getType());
    auto result = cast<RankedTensorType>(op->getResult(0).getType());
    auto ragged = RaggedType::get(b.getContext(), numExperts, result.getDimSize(1), outputs.getElementType());
    auto body = ExpertsOp::create(b, loc, ragged, dispatched, experts.getWeights());
    experts.buildBody(b, body);
    remark::passed(loc, remarkAbout(op, "raised", getArgument()))
        << remark::add("{0} experts for every row into {1} for each", numExperts, routing.getType().getCount());
    normalizeBody(body, getArgument());
    for (Operation *other : combination.ops)
      if (other != op)
        replaced.insert(other);
    if (Operation *zeros = linalg::LinalgOp(combination.op).getDpsInits().front().getDefiningOp())
      replaced.insert(zeros);
    replaced.insert(combination.outputs.value.getDefiningOp());
    replaced.insert(combination.weights.value.getDefiningOp());
    b.setInsertionPoint(op);
    b.replaceOpWithNewOp<CombineOp>(op, result, body.getResult(), routing, CombineKind::WeightedSum, /*like=*/Value());
  }

  /// Erases what the layers in linalg are made of, where nothing else takes it.
  void eraseDead() {
    while (!replaced.empty()) {
      Operation *op = replaced.pop_back_val();
      if (!isOpTriviallyDead(op))
        continue;
      for (Value operand : op->getOperands())
        if (Operation *def = operand.getDefiningOp())
          replaced.insert(def);
      op->erase();
    }
  }

  llvm::SetVector<Operation *> replaced;
};

} // namespace
