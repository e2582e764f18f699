// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- FuseGather.cpp - rows are gathered while a product loads them --------------------------------------===//

#include "Remarks.h"
#include "moe/Dialect/MoE/IR/MoE.h"
#include "moe/Dialect/MoE/Transforms/Passes.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::moe {
#define GEN_PASS_DEF_FUSEGATHER
#include "moe/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace mlir::moe

using namespace mlir;
using namespace mlir::moe;

namespace {

struct FuseGather : moe::impl::FuseGatherBase<FuseGather> {
  void runOnOperation() override {
    SmallVector<GatherOp> gathers;
    getOperation()->walk([&](GatherOp gather) { gathers.push_back(gather); });
    for (GatherOp gather : gathers)
      if (std::optional<StringRef> reason = reasonAgainst(gather))
        notFused(gather, getArgument()) << remark::reason("{0}", *reason);
      else
        fuse(gather);
  }

private:
  /// A tensor.dim asks for the size only, which the gather's init has, too; it is no reason to keep the rows.
  static bool isSize(OpOperand &use) { return isa<tensor::DimOp>(use.getOwner()); }

  std::optional<StringRef> reasonAgainst(GatherOp gather) {
    if (gather.getWeights())
      return "the rows are weighted on the way, and a product takes them as they are";
    bool wanted = false;
    for (OpOperand &use : gather.getResult().getUses()) {
      auto product = dyn_cast<GroupedMatmulOp>(use.getOwner());
      if (product && use.getOperandNumber() == product.getRowsMutable().getOperandNumber() && !product.getTokens())
        wanted = true;
      else if (!isSize(use))
        return "the gathered rows have a user that is not a product, so they must be stored anyway";
    }
    return wanted ? std::nullopt : std::optional<StringRef>("no product takes the rows");
  }

  void fuse(GatherOp gather) {
    IRRewriter rewriter(gather.getContext());
    for (Operation *user : llvm::make_early_inc_range(gather.getResult().getUsers())) {
      auto product = dyn_cast<GroupedMatmulOp>(user);
      if (!product) {
        // The size of the rows.
        rewriter.modifyOpInPlace(user, [&] { user->replaceUsesOfWith(gather.getResult(), gather.getInit()); });
        continue;
      }
      rewriter.modifyOpInPlace(product, [&] {
        product.getRowsMutable().assign(gather.getRows());
        product.getTokensMutable().assign(gather.getTokens());
      });
      fused(product, getArgument()) << "the gather into the loads of the product";
    }
    rewriter.eraseOp(gather);
  }
};

} // namespace
