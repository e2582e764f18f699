// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- RoundBeforeGather.cpp - a row is rounded once, however many experts it goes to ---------------------===//

#include "Remarks.h"
#include "moe/Dialect/MoE/IR/MoE.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::moe {
#define GEN_PASS_DEF_ROUNDBEFOREGATHER
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

namespace {

struct RoundBeforeGather : moe::impl::RoundBeforeGatherBase<RoundBeforeGather> {
  void runOnOperation() override {
    SmallVector<RoundRowsOp> roundings;
    getOperation()->walk([&](RoundRowsOp op) { roundings.push_back(op); });
    for (RoundRowsOp rounding : roundings) {
      auto gather = rounding.getRows().getDefiningOp<GatherOp>();
      if (!gather)
        continue;
      if (gather.getWeights())
        notFused(rounding, getArgument())
            << remark::reason("{0}", "the rows are weighted on the way, so that each copy is another row");
      else
        move(rounding, gather);
    }
  }

private:
  void move(RoundRowsOp rounding, GatherOp gather) {
    IRRewriter rewriter(gather);
    Location loc = rounding.getLoc();
    auto rows = cast<RankedTensorType>(gather.getRows().getType()).clone(rewriter.getF32Type());
    Value before = RoundRowsOp::create(rewriter, loc, rows, gather.getRows());
    Value init = tensor::EmptyOp::create(rewriter, loc, tensor::getMixedSizes(rewriter, loc, gather.getInit()),
                                         rewriter.getF32Type());
    auto after = GatherOp::create(rewriter, gather.getLoc(), init.getType(), before, gather.getTokens(),
                                  gather.getOffsets(), Value(), Value(), init);
    rewriter.replaceOp(rounding, after.getResult());
    fused(after, getArgument()) << "rows are rounded before they are gathered";
  }
};

} // namespace
