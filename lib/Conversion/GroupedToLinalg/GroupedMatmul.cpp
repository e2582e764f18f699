// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- GroupedMatmul.cpp - moe.grouped_matmul to loops over tiles -----------------------------------------===//
//
// One task is one panel of output columns, over all experts: every task reads each active expert's panel once and does
// the same work whatever the routing, so tasks are balanced without a look at the counts, and each element of the
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
    rewriter.replaceOp(op, overPanels(rewriter, op, [&](Value part, Value column, OpFoldResult columns) {
                         return overExperts(rewriter, op, part, column, columns);
                       }));
    return success();
  }

private:
  /// The panel `column` of every expert, one after the other: experts are data, so the IR has one size for any number.
  static Value overExperts(OpBuilder &b, GroupedMatmulOp op, Value part, Value column, OpFoldResult columns) {
    Location loc = op.getLoc();
    Value zero = indexConstant(b, loc, 0), one = indexConstant(b, loc, 1);
    auto loop = scf::ForOp::create(b, loc, zero, indexConstant(b, loc, op.getNumExperts()), one, ValueRange(part));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value expert = loop.getInductionVar();
    Value next = arith::AddIOp::create(b, loc, expert, one);
    Value first = tensor::ExtractOp::create(b, loc, op.getOffsets(), ValueRange(expert));
    Value end = tensor::ExtractOp::create(b, loc, op.getOffsets(), ValueRange(next));

    TileProduct tile;
    tile.rows = op.getRows();
    tile.firstRow = first;
    tile.numRows = arith::SubIOp::create(b, loc, end, first);
    tile.tokens = op.getTokens();
    takePanel(b, op, tile, expert, column, columns);
    tile.scalars = op.getScalars();
    tile.init = loop.getRegionIterArg(0);
    tile.slots = op.getSlots();
    tile.outRow = first;
    scf::YieldOp::create(b, loc, buildTile(b, op, tile));
    return loop.getResult(0);
  }
};

} // namespace

void mlir::moe::populateGroupedMatmulPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerGroupedMatmul>(patterns.getContext());
}
