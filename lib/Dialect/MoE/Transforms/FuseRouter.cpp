// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- FuseRouter.cpp - an affine score and its selection become one op -----------------------------------===//

#include "Remarks.h"
#include "moe/Dialect/MoE/IR/MoE.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::moe {
#define GEN_PASS_DEF_FUSEROUTER
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

namespace {

struct FuseRouter : moe::impl::FuseRouterBase<FuseRouter> {
  void runOnOperation() override {
    SmallVector<SelectOp> selects;
    getOperation()->walk([&](SelectOp select) { selects.push_back(select); });
    for (SelectOp select : selects)
      if (std::optional<std::string> reason = reasonAgainst(select))
        notFused(select, getArgument()) << remark::reason("{0}", *reason);
      else
        fuse(select);
  }

private:
  std::optional<std::string> reasonAgainst(SelectOp select) {
    Operation *producer = select.getLogits().getDefiningOp();
    if (!producer)
      return "the logits are not computed in this block";
    if (isa<RouterOp>(producer))
      return "another selection of these logits is in the router already";
    if (!isa<ScoreAffineOp>(producer))
      return "the score is " + producer->getName().getStringRef().str() + ", which is not affine";
    if (producer->getBlock() != select->getBlock())
      return "the score and the selection are in different blocks";
    // The router takes the place of the score, as the logits may be used before the selection is.
    if (select.getBias() && !DominanceInfo().properlyDominates(select.getBias(), producer))
      return "the bias of the selection is made only after the score";
    return std::nullopt;
  }

  void fuse(SelectOp select) {
    auto score = select.getLogits().getDefiningOp<ScoreAffineOp>();
    IRRewriter rewriter(score);
    Location loc = rewriter.getFusedLoc({score.getLoc(), select.getLoc()});
    SmallVector<Value> inits;
    for (RankedTensorType type :
         {score.getLogits().getType(), select.getIds().getType(), select.getWeights().getType()}) {
      SmallVector<Value> sizes;
      if (type.isDynamicDim(0))
        sizes.push_back(tensor::DimOp::create(rewriter, loc, score.getRows(), 0));
      inits.push_back(tensor::EmptyOp::create(rewriter, loc, type, sizes));
    }
    auto router = RouterOp::create(rewriter, loc, score.getLogits().getType(), select.getIds().getType(),
                                   select.getWeights().getType(), score.getRows(), score.getWeight(), score.getBias(),
                                   select.getBias(), select.getSelect(), select.getRankAttr(), select.getWeigh(),
                                   select.getOverAttr(), select.getRenormalizeAttr(), select.getScaleAttr(),
                                   /*config=*/KernelConfigAttr(), inits[0], inits[1], inits[2]);
    fused(select, getArgument()) << "projection and selection";
    rewriter.replaceOp(select, {router.getIds(), router.getWeights()});
    rewriter.replaceOp(score, router.getLogits());
  }
};

} // namespace
