// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- GroupedMatmul.cpp - moe.grouped_matmul to loops over tiles -----------------------------------------===//
//
// A task is a run of panels of output columns, over all experts: it reads its panels of each active expert once and
// does the same work whatever the routing, so tasks are balanced without a look at the counts, and each element of the
// result is written by one task.
//
//===--------------------------------------------------------------------------------------------------------===//

#include "PopulatePatterns.h"
#include "ProductPanels.h"

using namespace mlir;
using namespace mlir::moe;

namespace {

struct LowerGroupedMatmul : OpRewritePattern<GroupedMatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(GroupedMatmulOp op, PatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, overGroups(rewriter, op, [&](Value expert, Value part, Value column, OpFoldResult columns) {
                         return tileOf(rewriter, op, expert, part, column, columns);
                       }));
    return success();
  }

private:
  static Value tileOf(OpBuilder &b, GroupedMatmulOp op, Value expert, Value part, Value column, OpFoldResult columns) {
    Location loc = op.getLoc();
    Value next = arith::AddIOp::create(b, loc, expert, indexConstant(b, loc, 1));
    Value first = tensor::ExtractOp::create(b, loc, op.getOffsets(), ValueRange(expert));
    Value end = tensor::ExtractOp::create(b, loc, op.getOffsets(), ValueRange(next));

    TileProduct tile;
    tile.rows = op.getRows();
    tile.firstRow = first;
    tile.numRows = arith::SubIOp::create(b, loc, end, first);
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

void mlir::moe::populateGroupedMatmulPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerGroupedMatmul>(patterns.getContext());
}
