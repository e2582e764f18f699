// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- Plan.cpp - moe.plan and moe.plan_rows to a counting sort -------------------------------------------===//

#include "PopulatePatterns.h"
#include "SlotSort.h"

#include "moe/Dialect/MoE/IR/MoE.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

template <typename OpTy>
LogicalResult replacePlan(OpTy op, PatternRewriter &rewriter, ImplicitLocOpBuilder &b, OwnerFn owner) {
  SlotSort sort{op.getIds(), op.getOffsetsInit(), op.getTokensInit(), op.getSlotsInit()};
  SortedSlots sorted = sort.build(b, owner);
  rewriter.replaceOp(op, {sorted.offsets, sorted.tokens, sorted.slots});
  return success();
}

struct LowerPlan : OpRewritePattern<PlanOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(PlanOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    return replacePlan(op, rewriter, b, [](ImplicitLocOpBuilder &, Value row, Value id) { return SlotOwner{id, row}; });
  }
};

/// Slots are in the order of their experts already, and a stable sort keeps them so.
struct LowerPlanRows : OpRewritePattern<PlanRowsOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(PlanRowsOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Value experts = arith::ConstantIndexOp::create(b, op.getOffsets().getType().getDimSize(0) - 1);
    Value rows = asValue(b, op.getLoc(), tensor::getMixedSize(b, op.getLoc(), op.getIds(), 0));
    Value windows = arith::DivUIOp::create(b, rows, experts);
    return replacePlan(op, rewriter, b, [&](ImplicitLocOpBuilder &b, Value row, Value id) {
      return SlotOwner{arith::DivUIOp::create(b, row, windows), id};
    });
  }
};

} // namespace

void mlir::moe::populatePlanPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerPlan, LowerPlanRows>(patterns.getContext());
}
