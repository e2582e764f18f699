// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- RoundRows.cpp - moe.round_rows to a parallel loop over blocks of rows ------------------------------===//

#include "PopulatePatterns.h"
#include "RowBlocks.h"

#include "moe/Conversion/MoEToLinalg/Body.h"
#include "moe/Dialect/MoE/IR/MoE.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

struct LowerRoundRows : OpRewritePattern<RoundRowsOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(RoundRowsOp op, PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    OpFoldResult zero = rewriter.getIndexAttr(0);
    SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(rewriter, loc, op.getRows());
    Value init = tensor::EmptyOp::create(rewriter, loc, sizes, rewriter.getF32Type());
    auto block = [&](Value first, OpFoldResult rows, ValueRange blocks) -> SmallVector<Value> {
      Value source = slice(rewriter, loc, op.getRows(), {first, zero}, {rows, sizes[1]});
      return {emitRoundRows(rewriter, loc, source, blocks.front())};
    };
    rewriter.replaceOp(op, overRowBlocks(rewriter, loc, init, block));
    return success();
  }
};

} // namespace

void mlir::moe::populateRoundRowsPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerRoundRows>(patterns.getContext());
}
