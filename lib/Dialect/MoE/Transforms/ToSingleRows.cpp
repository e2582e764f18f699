// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- ToSingleRows.cpp - products of a routing slot by slot, without a plan ------------------------------===//

#include "Remarks.h"
#include "RoutedPart.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::moe {
#define GEN_PASS_DEF_TOSINGLEROWS
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

namespace {

struct ToSingleRows : moe::impl::ToSingleRowsBase<ToSingleRows> {
  void runOnOperation() override {
    forPlansOf(VariantKind::SingleRow, getOperation(), [&](PlanOp plan) { rewrite(plan); });
  }

private:
  void rewrite(PlanOp plan) {
    std::string reason;
    FailureOr<RoutedPart> part = RoutedPart::of(plan, reason);
    std::optional<std::string> against =
        failed(part) ? std::optional<std::string>(reason) : reasonAgainstSingleRows(*part);
    if (against) {
      remark::missed(plan.getLoc(), remarkAbout(plan, "not slot by slot", getArgument()))
          << remark::reason("{0}", *against);
      return;
    }
    remark::passed(plan.getLoc(), remarkAbout(plan, "slot by slot", getArgument()))
        << "the products of a routing: " + std::to_string(part->products().size());
    IRRewriter rewriter(plan.getContext());
    SmallVector<Operation *> gone{plan};
    for (Operation *op : part->ops)
      if (auto product = dyn_cast<GroupedMatmulOp>(op)) {
        replace(rewriter, product);
      } else if (auto scatter = dyn_cast<ScatterOp>(op)) {
        // Rows are where they belong already.
        rewriter.replaceOp(scatter, scatter.getRows());
      } else if (auto gather = dyn_cast<GatherOp>(op); gather && gather.getWeights()) {
        weigh(rewriter, gather);
      } else if (gather) {
        rewriter.replaceUsesWithIf(gather.getResult(), gather.getInit(),
                                   [](OpOperand &use) { return !isa<GroupedMatmulOp>(use.getOwner()); });
        gone.push_back(gather);
      }
    for (Operation *op : llvm::reverse(gone))
      rewriter.eraseOp(op);
  }

  /// Rows that are multiplied by weights are still rows of their own, but in the order of slots.
  void weigh(IRRewriter &rewriter, GatherOp gather) {
    rewriter.setInsertionPoint(gather);
    Location loc = gather.getLoc();
    Value ids = gather.getTokens().getDefiningOp<PlanOp>().getIds();
    Value choices = arith::ConstantIndexOp::create(rewriter, loc, cast<RankedTensorType>(ids.getType()).getDimSize(1));
    Value rows = tensor::DimOp::create(rewriter, loc, ids, 0);
    Value count = arith::MulIOp::create(rewriter, loc, rows, choices);
    auto indices = [&](function_ref<Value(OpBuilder &, Value)> ofSlot) -> Value {
      return tensor::GenerateOp::create(rewriter, loc, gather.getTokens().getType(), ValueRange(count),
                                        [&](OpBuilder &b, Location loc, ValueRange slot) {
                                          tensor::YieldOp::create(b, loc, ofSlot(b, slot.front()));
                                        });
    };
    Value tokens = indices([&](OpBuilder &b, Value slot) { return arith::DivUIOp::create(b, loc, slot, choices); });
    Value slots = indices([](OpBuilder &, Value slot) { return slot; });
    rewriter.replaceOpWithNewOp<GatherOp>(gather, gather.getResult().getType(), gather.getRows(), tokens,
                                          /*offsets=*/Value(), gather.getWeights(), slots, gather.getInit());
  }

  void replace(IRRewriter &rewriter, GroupedMatmulOp product) {
    rewriter.setInsertionPoint(product);
    Value rows = product.getRows();
    bool tokens = static_cast<bool>(product.getTokens());
    if (auto gather = rows.getDefiningOp<GatherOp>(); gather && !gather.getWeights() && !tokens) {
      rows = gather.getRows();
      tokens = true;
    }
    auto plan = product.getOffsets().getDefiningOp<PlanOp>();
    auto slots = SlotMatmulOp::create(rewriter, product.getLoc(), product.getResult().getType(), rows, tokens,
                                      plan.getIds(), product.getWeights(), product.getColumns(), product.getScalars(),
                                      product.getInit(), product.getConfigAttr());
    rewriter.inlineRegionBefore(product.getBody(), slots.getBody(), slots.getBody().end());
    rewriter.replaceOp(product, slots.getResult());
  }
};

} // namespace
