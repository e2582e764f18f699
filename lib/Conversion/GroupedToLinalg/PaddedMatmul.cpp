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
    rewriter.replaceOp(op, overPanels(rewriter, op, [&](Value part, Value column, OpFoldResult columns) {
                         return overExperts(rewriter, op, part, column, columns);
                       }));
    return success();
  }

private:
  static Value overExperts(OpBuilder &b, PaddedMatmulOp op, Value part, Value column, OpFoldResult columns) {
    Location loc = op.getLoc();
    Value zero = indexConstant(b, loc, 0), one = indexConstant(b, loc, 1);
    Value capacity = indexConstant(b, loc, static_cast<int64_t>(op.getCapacity()));
    auto loop = scf::ForOp::create(b, loc, zero, indexConstant(b, loc, op.getNumExperts()), one, ValueRange(part));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value expert = loop.getInductionVar();
    Value first = arith::MulIOp::create(b, loc, expert, capacity);

    TileProduct tile;
    tile.rows = op.getRows();
    tile.firstRow = first;
    tile.numRows = tensor::ExtractOp::create(b, loc, op.getCounts(), ValueRange(expert));
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

void mlir::moe::populatePaddedMatmulPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerPaddedMatmul>(patterns.getContext());
}
