// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- ToPadded.cpp - products of a routing with a place for every row that an expert may take ------------===//

#include "Remarks.h"
#include "RoutedPart.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::moe {
#define GEN_PASS_DEF_TOPADDED
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

namespace {

/// Rewrites one part.
class Padder {
public:
  Padder(IRRewriter &rewriter, const RoutedPart &part)
      : rewriter(rewriter), part(part), capacity(static_cast<int64_t>(*PlanOp(part.plan).getCapacity())) {}

  void rewrite() {
    createPlan();
    SmallVector<Operation *> gone{part.plan};
    for (Operation *op : part.ops)
      if (auto product = dyn_cast<GroupedMatmulOp>(op))
        replace(product);
      else if (auto gather = dyn_cast<GatherOp>(op))
        gone.push_back(gather);
      else if (op != part.plan && !isa<CombineSlotsOp, CombineRowsOp>(op))
        op->getResult(0).setType(atPlaces(op->getResult(0)));
    for (Operation *op : llvm::reverse(gone))
      rewriter.eraseOp(op);
  }

private:
  void createPlan() {
    PlanOp old = part.plan;
    rewriter.setInsertionPoint(old);
    Location loc = old.getLoc();
    int64_t experts = old.getOffsets().getType().getDimSize(0) - 1;
    places = experts * capacity;
    auto empty = [&](int64_t size) -> Value {
      return tensor::EmptyOp::create(rewriter, loc, {size}, rewriter.getIndexType());
    };
    Value counts = empty(experts), indices = empty(places);
    plan = PlanPaddedOp::create(rewriter, loc, counts.getType(), indices.getType(), indices.getType(), old.getIds(),
                                capacity, counts, indices, indices);
  }

  /// The type of rows that move to their places.
  RankedTensorType atPlaces(Value rows) {
    auto type = cast<RankedTensorType>(rows.getType());
    return RankedTensorType::get({places, type.getDimSize(1)}, type.getElementType());
  }

  void replace(GroupedMatmulOp product) {
    rewriter.setInsertionPoint(product);
    Location loc = product.getLoc();
    Value rows = product.getRows(), tokens;
    auto gather = rows.getDefiningOp<GatherOp>();
    if (gather && !product.getTokens())
      rows = gather.getRows();
    if (gather || product.getTokens())
      tokens = plan.getTokens();
    Value init = product.getInit(), slots;
    if (product.getSlots())
      slots = plan.getSlots();
    else
      init = tensor::EmptyOp::create(rewriter, loc, atPlaces(init), ValueRange());
    auto padded = PaddedMatmulOp::create(rewriter, loc, init.getType(), rows, tokens, product.getWeights(),
                                         plan.getCounts(), capacity, product.getColumns(), product.getScalars(), slots,
                                         init, product.getConfigAttr());
    rewriter.inlineRegionBefore(product.getBody(), padded.getBody(), padded.getBody().end());
    rewriter.replaceOp(product, padded.getResult());
  }

  IRRewriter &rewriter;
  const RoutedPart &part;
  int64_t capacity, places = 0;
  PlanPaddedOp plan;
};

struct ToPadded : moe::impl::ToPaddedBase<ToPadded> {
  void runOnOperation() override {
    forPlansOf(VariantKind::Padded, getOperation(), [&](PlanOp plan) { rewrite(plan); });
  }

private:
  void rewrite(PlanOp plan) {
    std::string reason;
    FailureOr<RoutedPart> part = RoutedPart::of(plan, reason);
    std::optional<std::string> against =
        failed(part) ? std::optional<std::string>(reason) : reasonAgainstPadding(*part);
    if (against) {
      remark::missed(plan.getLoc(), remarkAbout(plan, "not padded", getArgument())) << remark::reason("{0}", *against);
      return;
    }
    remark::passed(plan.getLoc(), remarkAbout(plan, "padded", getArgument()))
        << "the products of a routing to a capacity of " + std::to_string(*plan.getCapacity()) + ": " +
               std::to_string(part->products().size());
    IRRewriter rewriter(plan.getContext());
    Padder(rewriter, *part).rewrite();
  }
};

} // namespace
