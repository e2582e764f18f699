// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- GroupedMatmul.cpp - moe.grouped_matmul to loops over tiles -----------------------------------------===//
//
// A task is a run of panels of output columns, over all experts: it reads its panels of each active expert once and
// does the same work whatever the routing, so tasks are balanced without a look at the counts, and each element of the
// result is written by one task. Where the configuration asks for small tasks, one is a block of rows of one expert
// times a panel: as many as there may be, found by the offsets when it runs.
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
    Location loc = op.getLoc();
    if (int64_t height = taskRows(op)) {
      Value order = op.getTokens() ? op.getTokens() : op.getRows();
      Value total = asValue(rewriter, loc, tensor::getMixedSize(rewriter, loc, order, 0));
      Value tiles = boundTiles(rewriter, loc, total, op.getNumExperts(), height);
      rewriter.replaceOp(
          op, overTiles(rewriter, op, tiles, [&](Value number, Value part, Value column, OpFoldResult columns) {
            GroupRows rows = findTile(rewriter, loc, number, op.getOffsets(), op.getNumExperts(), height);
            return tileOf(rewriter, op, rows, part, column, columns);
          }));
      return success();
    }
    rewriter.replaceOp(op, overGroups(rewriter, op, [&](Value expert, Value part, Value column, OpFoldResult columns) {
                         Value next = arith::AddIOp::create(rewriter, loc, expert, indexConstant(rewriter, loc, 1));
                         Value first = tensor::ExtractOp::create(rewriter, loc, op.getOffsets(), ValueRange(expert));
                         Value end = tensor::ExtractOp::create(rewriter, loc, op.getOffsets(), ValueRange(next));
                         Value count = arith::SubIOp::create(rewriter, loc, end, first);
                         return tileOf(rewriter, op, {expert, first, count}, part, column, columns);
                       }));
    return success();
  }

private:
  static Value tileOf(OpBuilder &b, GroupedMatmulOp op, const GroupRows &rows, Value part, Value column,
                      OpFoldResult columns) {
    TileProduct tile;
    tile.rows = op.getRows();
    tile.firstRow = rows.first;
    tile.numRows = rows.count;
    tile.tokens = op.getTokens();
    takePanel(b, op, tile, rows.group, column, columns);
    tile.scalars = op.getScalars();
    tile.init = part;
    tile.slots = op.getSlots();
    tile.outRow = rows.first;
    return buildTile(b, op, tile);
  }
};

} // namespace

void mlir::moe::populateGroupedMatmulPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerGroupedMatmul>(patterns.getContext());
}
