// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- PaddedMatmul.cpp - moe.padded_matmul to loops over tiles -------------------------------------------===//
//
// Tasks are panels, as of a grouped product; one goes over the experts, whose rows begin at multiples of the capacity.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "PopulatePatterns.h"
#include "ProductPanels.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

struct LowerPaddedMatmul : OpRewritePattern<PaddedMatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(PaddedMatmulOp op, PatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, overGroups(rewriter, op, [&](Value expert, Value part, Value column, OpFoldResult columns) {
                         return tileOf(rewriter, op, expert, part, column, columns);
                       }));
    return success();
  }

private:
  static Value tileOf(OpBuilder &b, PaddedMatmulOp op, Value expert, Value part, Value column, OpFoldResult columns) {
    Location loc = op.getLoc();
    Value capacity = indexConstant(b, loc, static_cast<int64_t>(op.getCapacity()));
    Value first = arith::MulIOp::create(b, loc, expert, capacity);

    TileProduct tile;
    tile.rows = op.getRows();
    tile.firstRow = first;
    tile.numRows = tensor::ExtractOp::create(b, loc, op.getCounts(), ValueRange(expert));
    tile.tokens = op.getTokens();
    takePanel(b, op, tile, expert, column, columns);
    tile.scalars = op.getScalars();
    tile.init = part;
    tile.slots = op.getSlots();
    tile.outRow = first;
    return buildTile(b, op, tile);
  }
};

} // namespace

void mlir::moe::populatePaddedMatmulPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerPaddedMatmul>(patterns.getContext());
}
