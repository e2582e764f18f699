// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- ToSingleRows.cpp - products of a routing slot by slot, without a plan ------------------------------===//

#include "Remarks.h"
#include "RoutedPart.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
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
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      auto variant = function->getAttrOfType<StringAttr>(kVariantAttr);
      if (!variant || variant.getValue() != stringifyVariantKind(VariantKind::SingleRow))
        continue;
      SmallVector<PlanOp> plans;
      function.walk([&](PlanOp plan) { plans.push_back(plan); });
      for (PlanOp plan : plans)
        rewrite(plan);
    }
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
      } else if (auto gather = dyn_cast<GatherOp>(op)) {
        rewriter.replaceUsesWithIf(gather.getResult(), gather.getInit(),
                                   [](OpOperand &use) { return !isa<GroupedMatmulOp>(use.getOwner()); });
        gone.push_back(gather);
      }
    for (Operation *op : llvm::reverse(gone))
      rewriter.eraseOp(op);
  }

  void replace(IRRewriter &rewriter, GroupedMatmulOp product) {
    rewriter.setInsertionPoint(product);
    Value rows = product.getRows();
    bool tokens = static_cast<bool>(product.getTokens());
    if (auto gather = rows.getDefiningOp<GatherOp>(); gather && !tokens) {
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
